/** What makes a capture file unreadable as a whole. A packet that is cut or is not BGP is passed over without an error. */

export type PcapErrorCode =
  /** Neither pcap nor pcapng. */
  | 'PCAP_FORMAT'
  /** A block or packet with a length that the format does not allow. */
  | 'PCAP_LENGTH';

export class PcapError extends Error {
  override readonly name = 'PcapError';
  readonly code: PcapErrorCode;
  /** Bytes from the start of the file. */
  readonly offset: number;

  constructor(code: PcapErrorCode, text: string, offset: number) {
    super(`capture file, byte ${offset}: ${text}`);
    this.code = code;
    this.offset = offset;
  }
}
