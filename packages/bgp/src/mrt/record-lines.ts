/**
 * Records as lines of `bgpdump -m`, which tools around the world read: fields between bars, one line a route, UPDATEs and
 * changes of state only. What that format has no field for (large communities, OTC, defects) is in `plainRecord`.
 */

import { formatAddress, formatIpv4, formatPrefix } from '../address.ts';
import { plainAsPath } from '../attribute/as-path.ts';
import type { PathAttributes } from '../attribute/registry.ts';
import { BgpError } from '../errors.ts';
import { type FamilyKey, familyKey, type Nlri, type Prefix } from '../family/model.ts';
import { decodePrefixes } from '../family/prefix.ts';
import { afi, safi, wellKnownCommunity } from '../iana.ts';
import type { UpdateMessage } from '../message/model.ts';
import { mrtType, tableDumpV2Subtype } from './iana.ts';
import type { MrtHeader, MrtMessageRecord, MrtPeer, MrtRecord } from './model.ts';

/** None for records that hold no route and no change of state. */
export function recordLines(record: MrtRecord): string[] {
  switch (record.kind) {
    case 'table-dump': {
      const { header, prefix, path } = record;
      return [routeLine('TABLE_DUMP', header, 'B', path.peer, formatPrefix(prefix), path.attributes, path.nextHop)];
    }
    case 'rib': {
      const { header, prefix, paths } = record;
      const addPath = header.subtype >= tableDumpV2Subtype.ribIpv4UnicastAddPath;
      const title = addPath ? 'TABLE_DUMP2_AP' : 'TABLE_DUMP2';
      return paths.map(({ peer, pathId, attributes, nextHop }) => {
        const text = addPath ? `${formatPrefix(prefix)}|${pathId ?? 0}` : formatPrefix(prefix);
        return routeLine(title, header, 'B', peer, text, attributes, nextHop);
      });
    }
    case 'state-change':
      return [
        [titleOf(record.header, false), ...head(record.header, 'STATE', record.peer), record.from, record.to].join('|'),
      ];
    case 'message':
      return messageLines(record);
    default:
      return [];
  }
}

function messageLines({ header, peer, message }: MrtMessageRecord): string[] {
  if (message.kind !== 'update') return [];
  const { withdrawn, mpUnreach, nlri, mpReach, attributes } = message;
  const gone = [...withdrawn, ...prefixesOf(mpUnreach)];
  const title = titleOf(header, isAddPath(message));
  return [
    ...gone.map((prefix) => [title, ...head(header, 'W', peer), prefixField(prefix)].join('|')),
    ...nlri.map((prefix) => routeLine(title, header, 'A', peer, prefixField(prefix), attributes)),
    ...prefixesOf(mpReach).map((prefix) =>
      routeLine(title, header, 'A', peer, prefixField(prefix), attributes, mpReach?.nextHop),
    ),
  ];
}

const multicastBits: ReadonlyMap<FamilyKey, number> = new Map([
  [familyKey(afi.ipv4, safi.multicast), 32],
  [familyKey(afi.ipv6, safi.multicast), 128],
]);

/** The format has no field for the family: multicast prefixes (SAFI 2, which has no descriptor) stand among the others. */
function prefixesOf(carrier?: { readonly family: FamilyKey; readonly nlri: Nlri }): readonly Prefix[] {
  if (carrier === undefined) return [];
  const { family, nlri } = carrier;
  if (!('raw' in nlri)) return nlri;
  const bits = multicastBits.get(family);
  if (bits === undefined) return [];
  try {
    return decodePrefixes(nlri.raw, family, bits, false);
  } catch (error) {
    if (error instanceof BgpError) return [];
    throw error;
  }
}

function isAddPath({ withdrawn, nlri, mpReach, mpUnreach }: UpdateMessage): boolean {
  const [first] = [...withdrawn, ...nlri, ...prefixesOf(mpReach), ...prefixesOf(mpUnreach)];
  return first?.pathId !== undefined;
}

function prefixField(prefix: Prefix): string {
  return prefix.pathId === undefined ? formatPrefix(prefix) : `${formatPrefix(prefix)}|${prefix.pathId}`;
}

function titleOf({ type }: MrtHeader, addPath: boolean): string {
  return `${type === mrtType.bgp4mpEt ? 'BGP4MP_ET' : 'BGP4MP'}${addPath ? '_AP' : ''}`;
}

function timeOf({ seconds, microseconds }: MrtHeader): string {
  return microseconds === undefined ? `${seconds}` : `${seconds}.${String(microseconds).padStart(6, '0')}`;
}

function head(header: MrtHeader, letter: string, peer: MrtPeer): (string | number)[] {
  return [timeOf(header), letter, formatAddress(peer.address), peer.asn];
}

function routeLine(
  title: string,
  header: MrtHeader,
  letter: string,
  peer: MrtPeer,
  prefix: string,
  attributes: PathAttributes,
  mpNextHop?: Uint8Array,
): string {
  const { asPath = [], origin, nextHop, localPref = 0, multiExitDisc = 0, communities = [] } = attributes;
  const { atomicAggregate, aggregator } = attributes;
  return [
    title,
    ...head(header, letter, peer),
    prefix,
    plainAsPath(asPath).join(' '),
    origin?.toUpperCase() ?? '',
    nextHopField(nextHop, mpNextHop),
    localPref,
    multiExitDisc,
    communities.map(communityField).join(' '),
    atomicAggregate === true ? 'AG' : 'NAG',
    aggregator === undefined ? '' : `${aggregator.asn} ${formatIpv4(aggregator.address)}`,
    '',
  ].join('|');
}

/** The global address of two; nothing for the next hop of a family whose next hops are no addresses. */
function nextHopField(nextHop: number | undefined, mpNextHop: Uint8Array | undefined): string {
  if (mpNextHop === undefined) return nextHop === undefined ? '' : formatIpv4(nextHop);
  const bytes = mpNextHop.subarray(0, 16);
  return bytes.length === 4 || bytes.length === 16 ? formatAddress(bytes) : '';
}

/** The names that the format knows; the later well-known communities are numbers in it. */
const communityNames: ReadonlyMap<number, string> = new Map([
  [wellKnownCommunity.noExport, 'no-export'],
  [wellKnownCommunity.noAdvertise, 'no-advertise'],
  [wellKnownCommunity.noExportSubconfed, 'local-AS'],
]);

function communityField(community: number): string {
  return communityNames.get(community) ?? `${community >>> 16}:${community & 0xffff}`;
}
