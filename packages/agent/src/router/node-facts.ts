/**
 * What a Node object says that routing needs, read once for each version of the object. Equal facts mean that nothing of
 * the router has to be planned again (a kubelet updates its Node's status all the time).
 */
import { parseNodeAsn, parsePodCidrs, parseReflection, type Reflection } from '../annotations/node.ts';
import { type Prefix, parseAddress, parsePrefix } from '../annotations/prefix.ts';
import { type AnnotationProblem, formatProblem, show } from '../annotations/problem.ts';
import type { Node } from '../cluster/model.ts';
import type { Problem } from '../problem.ts';

export interface NodeFacts {
  readonly name: string;
  /** First InternalIP, else first ExternalIP; undefined when the node has no address. */
  readonly primary: string | undefined;
  /** The same rule within one family. */
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  /** All internal and external addresses. */
  readonly addresses: readonly string[];
  readonly podCidrs: readonly Prefix[];
  /** kube-router.io/node.asn. */
  readonly asn: number | undefined;
  /** kube-router.io/rr.server and rr.client. */
  readonly reflection: Reflection | undefined;
  readonly problems: readonly Problem[];
}

export function readNodeFacts(node: Node): NodeFacts {
  const { name, annotations } = node.metadata;
  const typed = (type: string) => node.status.addresses.filter((address) => address.type === type);
  const addresses = [...typed('InternalIP'), ...typed('ExternalIP')].flatMap(
    ({ address }) => parseAddress(address) ?? [],
  );
  const asn = parseNodeAsn(annotations);
  const podCidrs = parsePodCidrs(annotations);
  const reflection = parseReflection(annotations);
  const spec = podCidrs.value === undefined ? readSpec(node) : { podCidrs: podCidrs.value, problems: [] };
  return {
    name,
    primary: addresses[0]?.text,
    ipv4: addresses.find(({ family }) => family === 4)?.text,
    ipv6: addresses.find(({ family }) => family === 6)?.text,
    addresses: [...new Set(addresses.map(({ text }) => text))],
    podCidrs: spec.podCidrs,
    asn: asn.value,
    reflection: reflection.value,
    problems: [
      ...annotationProblems(name, [...asn.problems, ...podCidrs.problems, ...reflection.problems]),
      ...spec.problems,
    ],
  };
}

function readSpec({ metadata: { name }, spec }: Node): Pick<NodeFacts, 'podCidrs' | 'problems'> {
  const texts = spec.podCIDRs.length > 0 ? spec.podCIDRs : spec.podCIDR ? [spec.podCIDR] : [];
  const podCidrs: Prefix[] = [];
  const problems: Problem[] = [];
  for (const text of texts) {
    const prefix = parsePrefix(text);
    if (prefix) podCidrs.push(prefix);
    else
      problems.push({
        code: 'no-pod-cidr',
        subject: name,
        text: `node ${name}: spec.podCIDRs: got ${show(text)}, expected a prefix`,
      });
  }
  return { podCidrs, problems };
}

export function annotationProblems(node: string, problems: readonly AnnotationProblem[]): Problem[] {
  return problems.map((problem) => ({
    code: 'annotation',
    subject: `${node} ${problem.annotation} ${problem.path}`,
    text: formatProblem(`node ${node}`, problem),
  }));
}

export function equalFacts(a: NodeFacts, b: NodeFacts): boolean {
  const key = ({ podCidrs, ...rest }: NodeFacts) => JSON.stringify([rest, podCidrs.map(({ text }) => text)]);
  return key(a) === key(b);
}
