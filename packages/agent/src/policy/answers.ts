/** Answers about policies from their compiled meaning: the same values that the rules of the kernel are made of. Pure. */
import { parseAddress } from '../annotations/prefix.ts';
import {
  AskError,
  type PolicyAnswer,
  type PolicyDirection,
  type PolicyMatch,
  type VerdictAnswer,
  type VerdictQuestion,
} from '../ask/model.ts';
import type { PolicyCompiler } from './compile/compiler.ts';
import type { CompiledMatch, Direction, LocalPod, PortRange } from './compile/model.ts';
import { judge } from './compile/verdict.ts';

export function answerPolicy(compiler: PolicyCompiler, key: string, programmed: boolean): PolicyAnswer {
  const pod = compiler.localPod(key);
  if (pod === undefined) {
    throw new AskError(
      'not-found',
      `pod ${key}: expected NAMESPACE/NAME of a pod of this node that policies can apply to`,
    );
  }
  const policies = new Set([...pod.ingress, ...pod.egress]);
  const problems = [...policies].flatMap((policy) => compiler.policy(policy)?.problems ?? []);
  return {
    ...{ pod: key, addresses: pod.addresses, programmed },
    ingress: directionOf(compiler, pod, 'ingress'),
    egress: directionOf(compiler, pod, 'egress'),
    problems: problems.map(({ policy, path, text }) => ({
      ...{ code: 'policy', subject: policy },
      text: `NetworkPolicy ${policy}: ${path}: ${text}`,
    })),
  };
}

/** `addressesOf`: the addresses of a pod of the cluster; undefined where there is none such. */
export function answerVerdict(
  compiler: PolicyCompiler,
  question: VerdictQuestion,
  addressesOf: (pod: string) => readonly string[] | undefined,
): VerdictAnswer {
  const resolve = (text: string) => {
    const address = parseAddress(text)?.text;
    const found = address === undefined ? addressesOf(text) : [address];
    if (found === undefined || found.length === 0)
      throw new AskError('not-found', `${text}: expected an address, or NAMESPACE/NAME of a pod that has one`);
    return found.flatMap((one) => parseAddress(one) ?? []);
  };
  const [sources, destinations] = [resolve(question.from), resolve(question.to)];
  const { protocol, port } = question;
  const pairs = sources.flatMap((source) =>
    destinations
      .filter(({ family }) => family === source.family)
      .map(({ text }) => ({ source: source.text, destination: text })),
  );
  if (pairs.length === 0)
    throw new AskError('bad-question', `${question.from} and ${question.to} have no family in common`);
  const verdicts = pairs.flatMap((pair) =>
    (['egress', 'ingress'] as const).flatMap((direction) => {
      const verdict = judge(compiler, { ...pair, protocol, port }, direction);
      if (verdict === undefined) return [];
      const { allowed, policies, by } = verdict;
      const why =
        by !== undefined
          ? `${by.policy} lets ${describe(matchOf(compiler, by.policy, by.match), direction)} pass`
          : allowed
            ? 'no policy applies'
            : `no rule of ${policies.join(', ')} lets it pass`;
      return [{ ...pair, direction, allowed, why }];
    }),
  );
  if (verdicts.length === 0)
    throw new AskError('not-found', 'neither side is a pod of this node: its own node decides');
  return { question, verdicts, allowed: verdicts.every(({ allowed }) => allowed) };
}

function directionOf(compiler: PolicyCompiler, pod: LocalPod, direction: Direction): PolicyDirection {
  const policies = pod[direction];
  const matches = policies.flatMap((policy) =>
    (compiler.policy(policy)?.[direction] ?? []).map((match) => matchOf(compiler, policy, match)),
  );
  return { policies, matches };
}

function matchOf(compiler: PolicyCompiler, policy: string, { peers, targets, ports }: CompiledMatch): PolicyMatch {
  return {
    policy,
    ...(peers && { peers: [...compiler.elements(peers)].sort() }),
    ...(targets && { targets: [...compiler.elements(targets)].sort() }),
    ...(ports && { ports: ports.map(portText) }),
  };
}

function describe({ peers, ports }: PolicyMatch, direction: Direction): string {
  const side = direction === 'ingress' ? 'from' : 'to';
  const who =
    peers === undefined ? 'everybody' : peers.length > 3 ? `${peers.length} addresses and prefixes` : peers.join(', ');
  return `${ports?.join(', ') ?? 'all ports'} ${side} ${who}`;
}

function portText({ protocol, first, last }: PortRange): string {
  if (first === 0 && last === 65535) return protocol;
  return `${protocol} ${first === last ? first : `${first}-${last}`}`;
}
