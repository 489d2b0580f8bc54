/** Who takes part in the tests with hostile peers: the speaker, two well-behaved peers, and addresses for the others. */
import type { LeanPeer } from './lean-session.ts';

export const target = { address: '10.255.0.1', asn: 65_001 } as const;

/** Their sessions must not suffer, whatever the others do. */
export const steady = {
  sender: { address: '10.255.3.1', asn: 65_101, identifier: '10.255.3.1' },
  receiver: { address: '10.255.3.2', asn: 65_102, identifier: '10.255.3.2' },
} as const satisfies Record<string, LeanPeer>;

/** Configured, but not friendly. */
export const hostile: LeanPeer = { address: '10.255.4.1', asn: 65_104, identifier: '10.255.4.1' };

export const allPeers: readonly LeanPeer[] = [steady.sender, steady.receiver, hostile];

/** What the process of the speaker says when it is asked. */
export interface Figures {
  readonly descriptors: number;
  /** After a collection of garbage. */
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly warnings: number;
  readonly lastWarnings: readonly string[];
  readonly peers: readonly {
    readonly address: string;
    readonly state: string;
    readonly established: number;
    readonly prefixesReceived: number;
  }[];
}
