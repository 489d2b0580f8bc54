/** The OPEN of a session: made from its configuration, and the peer's answer turned into the machine's event. */
import type { Capability } from '../capability/registry.ts';
import { afiOf, safiOf } from '../family/model.ts';
import type { FsmEvent } from '../fsm/event.ts';
import { afi, asTrans, capabilityCode, errorCode, openSubcode } from '../iana.ts';
import type { Negotiated, OpenMessage } from '../message/model.ts';
import { asnOf, negotiate, validateOpen } from '../message/negotiation.ts';
import type { GracefulRestartOffer, SessionConfig } from './model.ts';

/** This side's OPEN with AS number `localAsn`; asks `config.gracefulRestart` for what holds now. */
export function localOpen(config: SessionConfig, localAsn = config.localAsn): OpenMessage {
  const restart = config.gracefulRestart?.();
  const capabilities: Capability[] = [
    ...config.families.map((family) => ({ kind: 'multiprotocol', family }) as const),
    { kind: 'route-refresh' },
    { kind: 'enhanced-route-refresh' },
    { kind: 'extended-message' },
    { kind: 'four-octet-as', asn: localAsn },
  ];
  if (restart !== undefined) capabilities.push(...restartCapabilities(restart));
  if (config.addPath !== undefined) {
    const { send, receive } = config.addPath;
    capabilities.push({ kind: 'add-path', families: config.families.map((family) => ({ family, send, receive })) });
  }
  if (config.extendedNextHop !== undefined) {
    const entries = config.extendedNextHop.map((family) => ({ family, nextHopAfi: afi.ipv6 }));
    capabilities.push({ kind: 'extended-next-hop', entries });
  }
  if (config.role !== undefined) capabilities.push({ kind: 'role', role: config.role });
  return {
    kind: 'open',
    version: 4,
    myAs: localAsn > 0xffff ? asTrans : localAsn,
    holdTimeSeconds: Math.floor(config.holdTimeMs / 1000),
    identifier: config.localIdentifier,
    capabilities,
  };
}

function restartCapabilities({ families, longLived, ...restart }: GracefulRestartOffer): Capability[] {
  const capabilities: Capability[] = [
    {
      kind: 'graceful-restart',
      restarting: restart.restarting,
      notification: restart.notification,
      // RFC 4724 §3: 12 bits.
      restartTimeSeconds: Math.min(4095, Math.ceil(restart.restartTimeMs / 1000)),
      families,
    },
  ];
  if (longLived !== undefined) {
    const entries = longLived.map(({ family, forwardingPreserved, staleTimeMs }) => {
      return { family, forwardingPreserved, staleTimeSeconds: Math.ceil(staleTimeMs / 1000) };
    });
    capabilities.push({ kind: 'long-lived-graceful-restart', families: entries });
  }
  return capabilities;
}

/** The event that the peer's OPEN is (RFC 4271 §6.2), with what both sides agreed when it is acceptable. */
export function judgeOpen(
  local: OpenMessage,
  remote: OpenMessage,
  config: SessionConfig,
): { readonly event: FsmEvent; readonly negotiated?: Negotiated } {
  const { localIdentifier, peerAsn, role, roleStrict = false, confederationMembers } = config;
  const internalAsns = internalAsnsOf(config);
  const error = validateOpen(remote, {
    localAsn: asnOf(local),
    localIdentifier,
    peerAsn,
    ...(internalAsns !== undefined && { internalAsns }),
    ...(role !== undefined && { role, roleRequired: roleStrict }),
  });
  if (error !== undefined) {
    return { event: { name: 'BGPOpenMsgErr', notification: error.notification, text: error.message } };
  }
  const negotiated = negotiate(local, remote, {
    ...(confederationMembers !== undefined && { confederationMembers }),
    ...(internalAsns !== undefined && { internalAsns }),
  });
  if (negotiated.families.length === 0) return { event: noCommonFamily(config) };
  const { holdTimeMs, keepaliveMs, peerIdentifier, gracefulRestart } = negotiated;
  return {
    negotiated,
    event: {
      name: 'BGPOpen',
      holdTimeMs,
      keepaliveMs,
      peerIdentifier,
      peerAsn: negotiated.peerAsn,
      gracefulRestart: (gracefulRestart?.families.length ?? 0) > 0,
    },
  };
}

function internalAsnsOf({ localAsn, otherLocalAsn, peerAsn }: SessionConfig): readonly number[] | undefined {
  if (otherLocalAsn === undefined) return undefined;
  const numbers = [localAsn, otherLocalAsn];
  return numbers.includes(peerAsn) ? numbers : undefined;
}

/** RFC 5492 §5: the data lists the capabilities whose lack ends the session, encoded as in an OPEN. */
function noCommonFamily({ families }: SessionConfig): FsmEvent {
  const data = families.flatMap((family) => {
    const identifier = afiOf(family);
    return [capabilityCode.multiprotocol, 4, identifier >>> 8, identifier & 0xff, 0, safiOf(family)];
  });
  return {
    name: 'BGPOpenMsgErr',
    notification: {
      code: errorCode.openMessage,
      subcode: openSubcode.unsupportedCapability,
      data: Uint8Array.from(data),
    },
    text: 'the peer offers none of the address families configured for it',
  };
}
