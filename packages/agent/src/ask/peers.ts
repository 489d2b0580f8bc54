/** Answers which sessions there are, and which cannot be. */
import type { PeerStatus } from '@routelet/bgp';
import type { RouterInspection } from '../router/inspection.ts';
import type { PeerRow, PeersAnswer } from './model.ts';

export function answerPeers({ speaker, plan, problems, nowMs }: RouterInspection): PeersAnswer {
  const names = new Map(plan?.peers.map(({ address, description = '' }) => [address, description]));
  const rows = (speaker?.peers() ?? []).map((status) => peerRow(status, names.get(status.address) ?? '', nowMs));
  return {
    peers: rows.sort((a, b) => a.name.localeCompare(b.name) || a.address.localeCompare(b.address)),
    refused: problems.filter(({ code }) => code === 'peer-refused' || code === 'peer-family' || code === 'speaker'),
  };
}

export function peerRow(status: PeerStatus, name: string, nowMs: number): PeerRow {
  return {
    address: status.address,
    name,
    asn: status.asn,
    type: status.type,
    state: status.state,
    sinceMs: Math.max(0, Math.round(nowMs - status.since)),
    prefixesReceived: status.prefixesReceived,
    prefixesAccepted: status.prefixesAccepted,
    prefixesSent: status.prefixesSent,
    ...(status.lastDown !== undefined && { lastError: status.lastDown.text }),
  };
}
