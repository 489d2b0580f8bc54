import { readCommandLine } from './command-line.ts';
import type { Flag, KnownFlag } from './flag.ts';
import type { AgentOptions } from './options.ts';
import type { OptionProblem } from './problem.ts';
import { type FlagValues, flags } from './registry.ts';
import { joinRouterPeers } from './router-peers.ts';

/**
 * Makes typed options of a command line, or tells everything that is wrong with it. Parts that are asked for and are not
 * built yet end in `unbuilt`, to be warned of; what cannot be left out silently is a problem.
 */
export type ParsedOptions =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'bad'; readonly problems: readonly OptionProblem[] }
  | { readonly kind: 'run'; readonly options: AgentOptions; readonly unbuilt: readonly UnbuiltPart[] };

export interface UnbuiltPart {
  readonly part: string;
  readonly flag: string;
}

/** AS number of the nodes when --cluster-asn is 0, as the original. */
const DEFAULT_CLUSTER_ASN = 64512;

/** `readFile` serves --peer-router-passwords-file. */
export function parseOptions(argv: readonly string[], readFile: (path: string) => string): ParsedOptions {
  const line = readCommandLine(argv);
  const problems = [...line.problems];
  const unbuilt: UnbuiltPart[] = [];
  const entries = Object.entries(flags).map(([key, flag]: [string, Flag<unknown>]) => {
    const texts = line.given.get(flag.name);
    const value = texts === undefined ? flag.default : readValue(flag, texts, problems);
    if (flag.status === 'known' && value !== undefined) weighKnown(flag, value, texts !== undefined, problems, unbuilt);
    return [key, value ?? flag.default] as const;
  });
  const values = Object.fromEntries(entries) as FlagValues;
  if (values.help) return { kind: 'help' };
  if (values.version) return { kind: 'version' };
  problems.push(...crossChecks(values));
  const { peerRouterIps, peerRouterAsns, peerRouterPorts, peerRouterPasswords, peerRouterPasswordsFile, ...rest } =
    values;
  const joined = joinRouterPeers(values, readFile);
  // The lists of a bad value are empty here: counting them would name the same fault twice.
  const named = new Set(problems.map((problem) => ('flag' in problem ? problem.flag : '')));
  const peerFlags = Object.values(flags).filter((flag) => flag.name.startsWith('peer-router-'));
  if (!peerFlags.some((flag) => named.has(flag.name))) problems.push(...joined.problems);
  if (problems.length > 0) return { kind: 'bad', problems };
  const options = { ...rest, clusterAsn: values.clusterAsn || DEFAULT_CLUSTER_ASN, routerPeers: joined.peers };
  return { kind: 'run', options, unbuilt };
}

/** The value of all occurrences: the last one, or all added up for a list. */
function readValue(flag: Flag<unknown>, texts: readonly string[], problems: OptionProblem[]): unknown {
  const values: unknown[] = [];
  for (const text of texts) {
    const value = flag.kind.parse(text);
    const expected = value === undefined ? flag.kind.expected : flag.check?.(value);
    if (expected !== undefined) {
      problems.push({ code: 'bad-value', flag: flag.name, value: text, expected });
      return undefined;
    }
    values.push(value);
  }
  return flag.kind.repeats === undefined ? values.at(-1) : flag.kind.repeats(values);
}

function weighKnown(
  flag: KnownFlag<unknown>,
  value: unknown,
  explicit: boolean,
  problems: OptionProblem[],
  unbuilt: UnbuiltPart[],
): void {
  const off = (flag.off ?? []).map((one) => flag.kind.format(one));
  if (off.includes(flag.kind.format(value))) return;
  if (explicit && !flag.tolerated) problems.push({ code: 'not-built', flag: flag.name, part: flag.part, off });
  // A setting without an off value (a port, a period) asks for nothing while it has its default.
  else if (off.length > 0) unbuilt.push({ part: flag.part, flag: flag.name });
}

/** Ranges of service addresses in a family that is off (V-81); the default range is passed over then. */
function rangeFamilies(values: FlagValues): readonly OptionProblem[] {
  const keys = ['serviceClusterIpRange', 'serviceExternalIpRange', 'loadBalancerIpRange'] as const;
  return keys.flatMap((key) =>
    values[key]
      .filter((cidr) => !(cidr.includes(':') ? values.enableIpv6 : values.enableIpv4))
      .filter(() => values[key] !== flags[key].default)
      .map((value): OptionProblem => {
        const family = value.includes(':') ? flags.enableIpv6 : flags.enableIpv4;
        const expected = `prefixes of a family that is on (--${family.name} is false)`;
        return { code: 'bad-value', flag: flags[key].name, value, expected };
      }),
  );
}

/** Rules between flags that are good in themselves. */
function crossChecks(values: FlagValues): readonly OptionProblem[] {
  const problems: OptionProblem[] = [];
  if (!values.enableIpv4 && !values.enableIpv6) {
    const expected = 'at least one of the two to be true';
    problems.push({ code: 'conflict', flags: [flags.enableIpv4.name, flags.enableIpv6.name], expected });
  }
  if (values.manifests !== '' && (values.kubeconfig !== '' || values.master !== '')) {
    const other = values.kubeconfig === '' ? flags.master : flags.kubeconfig;
    const expected = 'only one of them: the cluster is read from one place';
    problems.push({ code: 'conflict', flags: [flags.manifests.name, other.name], expected });
  }
  problems.push(...rangeFamilies(values));
  return problems;
}
