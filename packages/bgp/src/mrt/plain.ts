/** MRT records as people read them, for JSON: as `plainMessage` has messages. */

import { formatAddress, formatIpv4, formatPrefix } from '../address.ts';
import { plainAttributes } from '../attribute/plain.ts';
import { describeProblem, type UpdateProblem } from '../attribute/problem.ts';
import { nameOfFamily } from '../family/registry.ts';
import { nameOf } from '../iana.ts';
import { plainMessage, plainNextHop } from '../message/plain.ts';
import type { Plain } from '../wire/plain.ts';
import { hexOf } from '../wire/text.ts';
import { bgpState } from './iana.ts';
import type { MrtHeader, MrtPath, MrtPeer, MrtRecord } from './model.ts';

export function plainRecord(record: MrtRecord): Record<string, Plain> {
  const head = { kind: record.kind, ...plainHeader(record.header) };
  switch (record.kind) {
    case 'table-dump':
      return { ...head, view: record.view, prefix: formatPrefix(record.prefix), path: plainPath(record.path) };
    case 'peer-index-table':
      return {
        ...head,
        collectorIdentifier: formatIpv4(record.collectorIdentifier),
        viewName: record.viewName,
        peers: record.peers.map(plainPeer),
      };
    case 'rib':
      return {
        ...head,
        sequence: record.sequence,
        family: nameOfFamily(record.prefix.family),
        prefix: formatPrefix(record.prefix),
        paths: record.paths.map(plainPath),
      };
    case 'rib-generic':
      return { ...head, sequence: record.sequence, family: nameOfFamily(record.family), bytes: hexOf(record.bytes) };
    case 'message':
      return {
        ...head,
        peer: plainPeer(record.peer),
        local: plainPeer(record.local),
        sentByLocal: record.sentByLocal,
        message: plainMessage(record.message),
        ...plainProblems(record.problems),
      };
    case 'state-change':
      return {
        ...head,
        peer: plainPeer(record.peer),
        local: plainPeer(record.local),
        from: nameOf(bgpState, record.from),
        to: nameOf(bgpState, record.to),
      };
    case 'unknown':
      return { ...head, bytes: hexOf(record.bytes) };
    case 'malformed':
      return { ...head, code: record.error.code, error: record.error.message, bytes: hexOf(record.bytes) };
  }
}

function plainHeader({ offset, seconds, microseconds, type, subtype }: MrtHeader): Record<string, Plain> {
  return { offset, seconds, ...(microseconds === undefined ? {} : { microseconds }), type, subtype };
}

function plainPeer({ address, asn, identifier }: MrtPeer): Record<string, Plain> {
  return {
    address: formatAddress(address),
    asn,
    ...(identifier === undefined ? {} : { identifier: formatIpv4(identifier) }),
  };
}

function plainPath({ peer, originatedSeconds, attributes, nextHop, pathId, problems }: MrtPath): Record<string, Plain> {
  return {
    peer: plainPeer(peer),
    originatedSeconds,
    ...(pathId === undefined ? {} : { pathId }),
    ...(nextHop === undefined ? {} : { nextHop: plainNextHop(nextHop) }),
    attributes: plainAttributes(attributes),
    ...plainProblems(problems),
  };
}

function plainProblems(problems: readonly UpdateProblem[]): Record<string, Plain> {
  return problems.length === 0 ? {} : { problems: problems.map(describeProblem) };
}
