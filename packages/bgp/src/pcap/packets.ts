/** The packets of a capture file, pcap (draft-ietf-opsawg-pcap) or pcapng (draft-ietf-opsawg-pcapng), as views of it. */

import { PcapError } from './errors.ts';

export interface Packet {
  readonly linkType: number;
  readonly bytes: Uint8Array;
}

const sectionHeader = 0x0a0d0d0a;
/** Magic numbers of pcap, read in little endian: microseconds and nanoseconds in both orders. */
const littleMagics: readonly number[] = [0xa1b2c3d4, 0xa1b23c4d];
const bigMagics: readonly number[] = [0xd4c3b2a1, 0x4d3cb2a1];

const magicOf = (file: Uint8Array): number => (file.length < 4 ? 0 : viewOf(file).getUint32(0, true));

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Whether the file is one that `packets` reads. */
export function isCapture(file: Uint8Array): boolean {
  const magic = magicOf(file);
  return magic === sectionHeader || littleMagics.includes(magic) || bigMagics.includes(magic);
}

/** A file that ends inside a packet, as one that is still being written does, ends before it. Throws `PcapError`. */
export function* packets(file: Uint8Array): Generator<Packet, void, undefined> {
  if (!isCapture(file)) throw new PcapError('PCAP_FORMAT', 'neither pcap nor pcapng', 0);
  if (magicOf(file) === sectionHeader) yield* pcapngPackets(file);
  else yield* pcapPackets(file);
}

const fileHeaderBytes = 24;
const packetHeaderBytes = 16;

function* pcapPackets(file: Uint8Array): Generator<Packet, void, undefined> {
  if (file.length < fileHeaderBytes) return;
  const data = viewOf(file);
  const little = littleMagics.includes(magicOf(file));
  // The upper bits say how long the frame check sequence is.
  const linkType = data.getUint32(20, little) & 0xffff;
  let at = fileHeaderBytes;
  while (at + packetHeaderBytes <= file.length) {
    const start = at + packetHeaderBytes;
    const end = start + data.getUint32(at + 8, little);
    if (end > file.length) return;
    yield { linkType, bytes: file.subarray(start, end) };
    at = end;
  }
}

const blockType = { interfaceDescription: 1, simplePacket: 3, enhancedPacket: 6 } as const;
const byteOrderMagic = 0x1a2b3c4d;

function* pcapngPackets(file: Uint8Array): Generator<Packet, void, undefined> {
  const data = viewOf(file);
  let little = true;
  let linkTypes: number[] = [];
  let at = 0;
  while (at + 12 <= file.length) {
    if (data.getUint32(at, true) === sectionHeader) {
      little = data.getUint32(at + 8, true) === byteOrderMagic;
      linkTypes = [];
    }
    const type = data.getUint32(at, little);
    const length = data.getUint32(at + 4, little);
    if (length < 12 || length % 4 !== 0) throw new PcapError('PCAP_LENGTH', `block of ${length} bytes`, at);
    if (at + length > file.length) return;
    if (type === blockType.interfaceDescription && length >= 20) linkTypes.push(data.getUint16(at + 8, little));
    if (type === blockType.enhancedPacket && length >= 32) {
      const linkType = linkTypes[data.getUint32(at + 8, little)];
      const captured = data.getUint32(at + 20, little);
      if (captured > length - 32) throw new PcapError('PCAP_LENGTH', `packet of ${captured} bytes`, at);
      if (linkType !== undefined) yield { linkType, bytes: file.subarray(at + 28, at + 28 + captured) };
    }
    if (type === blockType.simplePacket && length >= 16) {
      const captured = Math.min(data.getUint32(at + 8, little), length - 16);
      const [linkType] = linkTypes;
      if (linkType !== undefined) yield { linkType, bytes: file.subarray(at + 12, at + 12 + captured) };
    }
    at += length;
  }
}
