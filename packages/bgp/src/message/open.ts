/** OPEN, RFC 4271 §4.2, with capabilities (RFC 5492) and extended optional parameters (RFC 9072). */

import { copyOf } from '../bytes.ts';
import { type Capability, capabilityByCode, capabilityByKind } from '../capability/registry.ts';
import { BgpError, type BgpErrorCode, Malformed } from '../errors.ts';
import { errorCode, messageType, openSubcode, optionalParameter } from '../iana.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { frame } from './frame.ts';
import { maximumMessageBytes } from './header.ts';
import type { OpenMessage } from './model.ts';

const version = 4;

/** An OPEN Message Error. */
export function openError(
  code: BgpErrorCode,
  text: string,
  subcode: number,
  data?: Uint8Array,
  bytes?: Uint8Array,
): BgpError {
  return new BgpError(code, text, {
    notification: { code: errorCode.openMessage, subcode, ...(data === undefined ? {} : { data }) },
    ...(bytes === undefined ? {} : { bytes }),
  });
}

/**
 * `body`: behind the header. Throws `BgpError` for another version and for what cannot be read; whether the content is
 * acceptable is for `validateOpen`.
 */
export function decodeOpen(body: Uint8Array): OpenMessage {
  try {
    return readOpen(new Reader(body));
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    // RFC 4271 §6.2: a recognized but malformed optional parameter is Unspecific.
    throw openError('BGP_OPEN_MALFORMED', `OPEN: ${error.message}`, openSubcode.unspecific, undefined, body);
  }
}

function readOpen(reader: Reader): OpenMessage {
  const received = reader.u8();
  if (received !== version) {
    // RFC 4271 §6.2: "The Data field is a 2-octet unsigned integer, which indicates the largest, locally-supported version".
    const data = Uint8Array.of(0, version);
    throw openError(
      'BGP_OPEN_VERSION',
      `BGP version ${received}`,
      openSubcode.unsupportedVersionNumber,
      data,
      reader.bytes,
    );
  }
  const myAs = reader.u16();
  const holdTimeSeconds = reader.u16();
  const identifier = reader.u32();
  const { parameters, lengthBytes } = parametersWindow(reader);
  const capabilities: Capability[] = [];
  const otherParameters: { type: number; value: Uint8Array }[] = [];
  while (parameters.remaining > 0) {
    const type = parameters.u8();
    const parameter = parameters.window(lengthBytes === 2 ? parameters.u16() : parameters.u8());
    if (type === optionalParameter.capabilities) {
      while (parameter.remaining > 0) capabilities.push(decodeCapability(parameter));
    } else if (type === optionalParameter.extendedLength) {
      // RFC 9072 §2: only the first may have this type; anywhere else it is no parameter that anybody knows.
      const text = `optional parameter ${type} that is not the first`;
      throw openError('BGP_OPEN_PARAMETER', text, openSubcode.unsupportedOptionalParameter, undefined, reader.bytes);
    } else {
      otherParameters.push({ type, value: copyOf(parameter.rest()) });
    }
  }
  return {
    kind: 'open',
    version,
    myAs,
    holdTimeSeconds,
    identifier,
    capabilities,
    ...(otherParameters.length === 0 ? {} : { otherParameters }),
  };
}

/** RFC 9072 §2: when the first parameter's type is 255, its "length" is gone and all lengths have two octets. */
function parametersWindow(reader: Reader): { parameters: Reader; lengthBytes: 1 | 2 } {
  const size = reader.u8();
  const extended = size !== 0 && reader.bytes[reader.offset] === optionalParameter.extendedLength;
  if (extended) reader.u8();
  const parameters = reader.window(extended ? reader.u16() : size);
  reader.end();
  return { parameters, lengthBytes: extended ? 2 : 1 };
}

function decodeCapability(reader: Reader): Capability {
  const code = reader.u8();
  const window = reader.window(reader.u8());
  const descriptor = capabilityByCode(code);
  if (descriptor === undefined) return { kind: 'unknown', code, value: copyOf(window.rest()) };
  try {
    return descriptor.decode(window);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed(error.defect, `capability ${descriptor.kind} (${code}): ${error.message}`);
  }
}

/** One optional parameter holds all capabilities; more than 255 bytes of parameters take the form of RFC 9072. */
export function encodeOpen(message: OpenMessage): Uint8Array {
  const capabilities = new Writer();
  for (const capability of message.capabilities) encodeCapability(capabilities, capability);
  const parameters = [
    ...(capabilities.length === 0
      ? []
      : [{ type: optionalParameter.capabilities as number, value: capabilities.view() }]),
    ...(message.otherParameters ?? []),
  ];
  const extended = parameters.reduce((size, { value }) => size + 2 + value.length, 0) > 255;
  return frame(messageType.open, maximumMessageBytes, (writer) => {
    writer.u8(message.version);
    writer.u16(message.myAs);
    writer.u16(message.holdTimeSeconds);
    writer.u32(message.identifier);
    if (extended) {
      writer.u8(255);
      writer.u8(optionalParameter.extendedLength);
    }
    writer.sized(extended ? 2 : 1, () => {
      for (const { type, value } of parameters) {
        writer.u8(type);
        writer.sized(extended ? 2 : 1, () => writer.append(value));
      }
    });
  });
}

function encodeCapability(writer: Writer, capability: Capability): void {
  if (capability.kind === 'unknown') {
    writer.u8(capability.code);
    writer.sized(1, () => writer.append(capability.value));
    return;
  }
  const descriptor = capabilityByKind(capability.kind);
  if (descriptor === undefined) throw new RangeError(`no capability ${capability.kind}`);
  writer.u8(descriptor.code);
  writer.sized(1, () => descriptor.encode(writer, capability));
}
