import * as z from 'zod';
import type { NetworkPolicy, NetworkPolicyRule } from './model.ts';
import { given, list, namespacedMetadata, optional, protocol, readWith, texts } from './object.ts';

/**
 * Reads a NetworkPolicy of the networking.k8s.io/v1 API. Fields that routelet does not read are dropped. Only the shape is
 * checked: what its values mean is the compiler's affair, which closes what it cannot understand; a policy that is refused
 * here would leave its pods open.
 */

const selector = z.object({
  matchLabels: texts,
  matchExpressions: list(
    z.object({
      key: z.string().min(1),
      operator: z.string(),
      values: list(z.string()),
    }),
  ),
});

const peer = z.object({
  podSelector: optional(selector),
  namespaceSelector: optional(selector),
  ipBlock: optional(z.object({ cidr: z.string(), except: list(z.string()) })),
});

const ports = list(
  z.object({ protocol, port: optional(z.union([z.number(), z.string()])), endPort: optional(z.number()) }),
);

const schema = z.object({
  metadata: namespacedMetadata,
  spec: z.object({
    // The API takes a policy without one as one with an empty selector: all pods of the namespace.
    podSelector: optional(selector),
    policyTypes: list(z.enum(['Ingress', 'Egress'])),
    ingress: list(z.object({ from: list(peer), ports })),
    egress: list(z.object({ to: list(peer), ports })),
  }),
});

type Peers = z.output<typeof peer>[];

/** A NetworkPolicy, or the first thing that is wrong with it with its path. */
export function readNetworkPolicy(raw: unknown): NetworkPolicy | { readonly problem: string } {
  const result = readWith(schema, raw);
  if ('problem' in result) return result;
  const { metadata, spec } = result.data;
  const types = spec.policyTypes;
  return {
    kind: 'NetworkPolicy',
    metadata: { name: metadata.name, namespace: metadata.namespace, labels: {}, annotations: {} },
    spec: {
      podSelector: spec.podSelector ?? { matchLabels: {}, matchExpressions: [] },
      policyTypes: types.length > 0 ? types : spec.egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress'],
      ingress: spec.ingress.map(({ from, ports }) => rule(from, ports)),
      egress: spec.egress.map(({ to, ports }) => rule(to, ports)),
    },
  };
}

function rule(peers: Peers, portList: z.output<typeof ports>): NetworkPolicyRule {
  return { peers: peers.map((one) => given(one)), ports: portList.map((one) => given(one)) };
}
