/** Whom a session is with: the options of a user, checked and in one spelling, and whether two users mean the same. */
import { AddressError, parseAddress } from '../address.ts';
import { canonicalAddress } from '../session/peer-address.ts';
import type { BfdSessionOptions } from './api.ts';
import { BfdError } from './errors.ts';
import { udpPort } from './iana.ts';
import type { BfdConfig } from './state.ts';
import type { IpFamily } from './udp-transport.ts';

export interface Neighbor {
  /** Canonical; a link-local one with its zone, as datagrams from it carry it. */
  readonly address: string;
  readonly localAddress: string | undefined;
  readonly interface: string | undefined;
  readonly multihop: boolean;
  readonly family: IpFamily;
  readonly port: number;
  /** The same for all users that share the session. */
  readonly key: string;
}

const largestIntervalMs = 0xffff_ffff / 1000;

/** Throws `BfdError` (BFD_OPTIONS). */
export function neighborOf(options: BfdSessionOptions): Neighbor {
  const { multihop = false } = options;
  const { bare, zone, family } = read(options.address);
  const local = options.localAddress === undefined ? undefined : read(options.localAddress);
  const at = options.interface ?? zone ?? local?.zone;
  const refuse = (why: string): BfdError => new BfdError('BFD_OPTIONS', `BFD with ${options.address}: ${why}`);
  if (local !== undefined && local.family !== family) throw refuse(`${local.bare} is of the other family`);
  if ([zone, local?.zone].some((given) => given !== undefined && given !== at))
    throw refuse(`it cannot be on ${zone ?? local?.zone} and on ${at}`);
  const linkLocal = isLinkLocal(bare);
  if (linkLocal && at === undefined) throw refuse('a link-local neighbour needs its interface');
  if (linkLocal && multihop) throw refuse('a link-local neighbour is never more than one hop away');
  if (!multihop && options.minimumTtl !== undefined)
    throw refuse('a single hop takes TTL 255 only (RFC 5881 §5), a minimum is for multihop');
  const { minimumTtl = 0 } = options;
  if (!Number.isInteger(minimumTtl) || minimumTtl < 0 || minimumTtl > 255)
    throw refuse(`a minimum TTL is 0 to 255, not ${minimumTtl}`);
  const { port = multihop ? udpPort.multihop : udpPort.singleHop } = options;
  if (options.port !== undefined && (multihop || port === udpPort.multihop))
    throw refuse(`port ${udpPort.multihop} is that of multihop, and the only one of it (RFC 5883 §5), not ${port}`);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw refuse(`a port is 1 to 65535, not ${port}`);
  const address = linkLocal ? `${bare}%${at}` : bare;
  const kind = multihop ? 'multihop' : 'single hop';
  return {
    address,
    localAddress: local?.bare,
    interface: at,
    multihop,
    family,
    port,
    key: [kind, address, local?.bare ?? '', at ?? '', port].join(' '),
  };
}

/** The timing that a user wants. Throws `BfdError` (BFD_OPTIONS). */
export function configOf({ address, desiredMinTxMs, requiredMinRxMs, detectMultiplier }: BfdSessionOptions): BfdConfig {
  for (const [name, ms] of Object.entries({ desiredMinTxMs, requiredMinRxMs })) {
    if (!(ms > 0 && ms <= largestIntervalMs))
      throw new BfdError('BFD_OPTIONS', `BFD with ${address}: ${name} is up to ${largestIntervalMs} ms, not ${ms}`);
  }
  if (!Number.isInteger(detectMultiplier) || detectMultiplier < 1 || detectMultiplier > 255)
    throw new BfdError('BFD_OPTIONS', `BFD with ${address}: detectMultiplier is 1 to 255, not ${detectMultiplier}`);
  return {
    desiredMinTxUs: Math.ceil(desiredMinTxMs * 1000),
    requiredMinRxUs: Math.ceil(requiredMinRxMs * 1000),
    detectMultiplier,
  };
}

/** What several users get together: the fastest detection that one of them asked for. */
export function mergeConfigs(configs: readonly BfdConfig[]): BfdConfig {
  const least = (field: keyof BfdConfig): number => Math.min(...configs.map((config) => config[field]));
  return {
    desiredMinTxUs: least('desiredMinTxUs'),
    requiredMinRxUs: least('requiredMinRxUs'),
    detectMultiplier: least('detectMultiplier'),
  };
}

function read(text: string): { bare: string; zone: string | undefined; family: IpFamily } {
  try {
    const [bare = '', zone] = canonicalAddress(text).split('%', 2);
    return { bare, zone, family: bare.includes(':') ? 6 : 4 };
  } catch (error) {
    if (error instanceof AddressError) throw new BfdError('BFD_OPTIONS', `BFD: ${error.message}`, { cause: error });
    throw error;
  }
}

/** fe80::/10, RFC 4291 §2.5.6. */
function isLinkLocal(address: string): boolean {
  const [first = 0, second = 0, ...rest] = parseAddress(address);
  return rest.length === 14 && first === 0xfe && (second & 0xc0) === 0x80;
}
