/** Nodes, facts and options as the planners take them, with what a test does not care about filled in. */
import type { Node } from '../../../src/cluster/model.ts';
import { type Identity, planIdentity } from '../../../src/router/identity.ts';
import { type NodeFacts, readNodeFacts } from '../../../src/router/node-facts.ts';
import type { RouterPlanOptions } from '../../../src/router/plan.ts';

export const options: RouterPlanOptions = {
  enableIpv4: true,
  enableIpv6: true,
  clusterAsn: 64512,
  nodesFullMesh: true,
  routerId: '',
  bgpPort: 179,
  enableIbgp: true,
  bgpHoldMs: 90_000,
  bgpGracefulRestart: false,
  bgpLongLivedStaleMs: 0,
  enableBfd: false,
  bfdPort: 3784,
  bfdDetectionMultiplier: 3,
  bfdDesiredMinTxMs: 1000,
  bfdRequiredMinRxMs: 1000,
  meshHoldMs: 90_000,
  meshEnableBfd: false,
  peerRouterMultihopTtl: 0,
  advertisePodCidr: true,
  overrideNextHop: false,
  routerPeers: [],
};

interface NodeParts {
  /** Internal addresses; `external:` in front makes one external. */
  readonly addresses?: readonly string[];
  readonly podCidrs?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export function node(name: string, { addresses = [], podCidrs = [], annotations = {} }: NodeParts = {}): Node {
  return {
    kind: 'Node',
    metadata: { name, labels: {}, annotations },
    spec: { podCIDRs: podCidrs, ...(podCidrs[0] !== undefined && { podCIDR: podCidrs[0] }) },
    status: {
      addresses: [
        { type: 'Hostname', address: name },
        ...addresses.map((text) => ({
          type: text.startsWith('external:') ? 'ExternalIP' : 'InternalIP',
          address: text.replace('external:', ''),
        })),
      ],
    },
  };
}

export function facts(name: string, parts?: NodeParts): NodeFacts {
  return readNodeFacts(node(name, parts));
}

export function identity(own: NodeFacts, changes: Partial<RouterPlanOptions> = {}): Identity {
  const { identity: result } = planIdentity(own, undefined, { ...options, ...changes });
  if (!result) throw new Error(`no identity of ${own.name}`);
  return result;
}
