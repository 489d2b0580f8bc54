/** Answers everything about one session: what was agreed, what came, what goes out, and what policy did with both. */
import {
  type ExportedPath,
  type InspectedPath,
  nameOfFamily,
  type PeerInspection,
  plainAttributes,
} from '@routelet/bgp';
import type { RouterInspection } from '../router/inspection.ts';
import { AskError, type NeighborAnswer, type NeighborRoute } from './model.ts';
import { peerRow } from './peers.ts';
import { decidingStatement, describeDecision, describeImport, isTaken } from './policy.ts';

/** `limit`: most routes of each table in the answer. Throws `AskError` for an address that is no peer's. */
export function answerNeighbor(inspection: RouterInspection, address: string, limit: number): NeighborAnswer {
  const { speaker, plan, nowMs } = inspection;
  const asked = speaker?.inspect();
  const peer = asked?.peer(address);
  if (asked === undefined || peer === undefined) {
    const known = (speaker?.peers() ?? []).map((status) => status.address).join(', ') || 'none';
    throw new AskError('not-found', `no session with ${address}; sessions: ${known}`);
  }
  const { status, options, session } = peer;
  const name = plan?.peers.find((each) => each.address === address)?.description ?? '';
  const into = take(asked.received(address), limit, receivedRoute);
  const out = take(asked.exported(address), limit, sentRoute);
  return {
    peer: peerRow(status, name, nowMs),
    description: options.description ?? '',
    ...(status.identifier !== undefined && { identifier: status.identifier }),
    ...(peer.authentication !== undefined && { authentication: peer.authentication }),
    ...(session !== undefined && { localAddress: session.localAddress }),
    configured: configuredOptions(peer),
    capabilities: capabilities(peer),
    timers: {
      ...(session !== undefined && {
        holdTimeMs: session.negotiated.holdTimeMs,
        keepaliveMs: session.negotiated.keepaliveMs,
      }),
      ...(options.holdTimeMs !== undefined && { configuredHoldTimeMs: options.holdTimeMs }),
    },
    counters: {
      established: status.established,
      messagesReceived: status.messages.received,
      messagesSent: status.messages.sent,
      updatesReceived: status.updates.received,
      updatesSent: status.updates.sent,
    },
    ...(peer.importPolicy !== undefined && { importPolicy: peer.importPolicy }),
    ...(peer.exportPolicy !== undefined && { exportPolicy: peer.exportPolicy }),
    adjRibIn: into.routes,
    adjRibOut: out.routes,
    leftOut: into.leftOut + out.leftOut,
  };
}

/** All options but policies, which have names. */
function configuredOptions({ options }: PeerInspection): Readonly<Record<string, unknown>> {
  const { importPolicy: _import, exportPolicy: _export, ...rest } = options;
  return rest;
}

function capabilities({ session, status }: PeerInspection): string[] {
  if (session === undefined) return [];
  const { negotiated } = session;
  const flags: readonly (readonly [boolean, string])[] = [
    [negotiated.fourOctetAs, 'four-octet AS numbers (RFC 6793)'],
    [negotiated.routeRefresh, 'route refresh (RFC 2918)'],
    [negotiated.enhancedRouteRefresh, 'enhanced route refresh (RFC 7313)'],
    [negotiated.extendedMessages, 'extended messages (RFC 8654)'],
    [negotiated.addPathSend.length > 0, `add-path sent (RFC 7911): ${names(negotiated.addPathSend)}`],
    [negotiated.addPathReceive.length > 0, `add-path received (RFC 7911): ${names(negotiated.addPathReceive)}`],
    [
      (negotiated.extendedNextHop?.length ?? 0) > 0,
      `IPv6 next hops (RFC 8950): ${names(negotiated.extendedNextHop ?? [])}`,
    ],
  ];
  const { gracefulRestart, longLivedGracefulRestart } = negotiated;
  return [
    ...status.families,
    ...flags.filter(([has]) => has).map(([, text]) => text),
    ...(gracefulRestart === undefined
      ? []
      : [`graceful restart (RFC 4724): ${gracefulRestart.restartTimeMs / 1000} s`]),
    ...(longLivedGracefulRestart === undefined ? [] : ['long-lived graceful restart (RFC 9494)']),
  ];
}

const names = (families: readonly number[]): string => families.map(nameOfFamily).join(', ');

function take<T>(
  paths: Iterable<T>,
  limit: number,
  route: (path: T) => NeighborRoute,
): { readonly routes: NeighborRoute[]; readonly leftOut: number } {
  const routes: NeighborRoute[] = [];
  let leftOut = 0;
  for (const path of paths) {
    if (routes.length < limit) routes.push(route(path));
    else leftOut++;
  }
  return { routes, leftOut };
}

function receivedRoute(path: InspectedPath): NeighborRoute {
  const taken = isTaken(path);
  const decision = taken ? `; ${describeDecision(path)}` : '';
  return {
    prefix: path.prefix,
    nextHop: path.nextHop,
    attributes: plainAttributes(path.received),
    verdict: `${describeImport(path)}${decision}`,
    taken,
  };
}

function sentRoute({ prefix, from, advertised, withheld, policy }: ExportedPath): NeighborRoute {
  const by = policy && `${policy.name}: ${decidingStatement(policy.steps)}`;
  const verdict = advertised === undefined ? (withheld ?? `rejected by ${by}`) : `sent, accepted by ${by ?? 'default'}`;
  return {
    prefix,
    nextHop: advertised?.nextHop ?? '',
    attributes: advertised === undefined ? {} : plainAttributes(advertised.attributes),
    verdict: from === 'local' ? verdict : `${verdict}; learned from ${from}`,
    taken: advertised !== undefined,
  };
}
