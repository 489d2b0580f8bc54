/** One external peer as it is configured, wherever it was read: annotations of both generations and flags. */
import type { Secret } from '../options/secret.ts';

export interface ExternalPeer {
  /** Canonical address of the neighbour. */
  readonly address: string;
  readonly asn: number;
  /** 179 when left out. */
  readonly port?: number;
  /** Canonical address to connect from. */
  readonly localAddress?: string;
  /** RFC 2385 key, decoded. */
  readonly password?: Secret;
}
