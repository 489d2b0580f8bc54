/**
 * What the policies of this node say to one new connection, and which of them says it. Reads the compiled form alone, so
 * it answers what a backend was told, not what was meant to be told.
 */
import { contains, parseAddress, parsePrefix } from '../../annotations/prefix.ts';
import type { Protocol } from '../../cluster/model.ts';
import type { PolicyCompiler } from './compiler.ts';
import type { CompiledMatch, Direction, PolicyKey, SetId } from './model.ts';

/** The first packet of a connection, before anything rewrites it but a Service's address, which is resolved already. */
export interface Packet {
  /** Canonical texts. */
  readonly source: string;
  readonly destination: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface Verdict {
  readonly allowed: boolean;
  /** Policies that apply to the pod in this direction; none: the direction is open. */
  readonly policies: readonly PolicyKey[];
  /** The first match that lets the packet pass. */
  readonly by?: { readonly policy: PolicyKey; readonly match: CompiledMatch };
}

/** The verdict for the pod of this node that has the packet's destination (ingress) or source (egress). Undefined: no such pod. */
export function judge(compiler: PolicyCompiler, packet: Packet, direction: Direction): Verdict | undefined {
  const own = direction === 'ingress' ? packet.destination : packet.source;
  const pod = compiler.localPods().find(({ addresses }) => addresses.includes(own));
  if (pod === undefined) return undefined;
  const policies = pod[direction];
  if (policies.length === 0) return { allowed: true, policies };
  for (const policy of policies) {
    const match = compiler.policy(policy)?.[direction]?.find((one) => passes(compiler, one, packet, direction));
    if (match !== undefined) return { allowed: true, policies, by: { policy, match } };
  }
  return { allowed: false, policies };
}

function passes(
  compiler: PolicyCompiler,
  { peers, targets, ports }: CompiledMatch,
  { source, destination, protocol, port }: Packet,
  direction: Direction,
): boolean {
  const [peer, own] = direction === 'ingress' ? [source, destination] : [destination, source];
  const holds = (set: SetId | undefined, address: string) =>
    set === undefined || compiler.elements(set).some((element) => covers(element, address));
  const open = ports?.some((range) => range.protocol === protocol && range.first <= port && port <= range.last) ?? true;
  return open && holds(peers, peer) && holds(targets, own);
}

/** `element`: an address or a prefix. */
function covers(element: string, address: string): boolean {
  if (element === address) return true;
  const prefix = parsePrefix(element);
  const parsed = parseAddress(address);
  return prefix !== undefined && parsed !== undefined && contains(prefix, parsed);
}
