/**
 * Reads what `nft --json list table` says (libnftables-json(5)): chains with the comments of their rules, sets with their
 * elements. Of the rules themselves nothing is read, as each version of nft may print them in its own way. Pure.
 */
import { parseAddress, parsePrefix } from '../annotations/prefix.ts';
import { digestOf, type ListedTable, type SetKind, type StandingChain, type StandingSet } from './nftables-table.ts';

type Json = Readonly<Record<string, unknown>>;

export function readListing(text: string): ListedTable {
  const chains = new Map<string, StandingChain & { comments: string[] }>();
  const sets = new Map<string, StandingSet>();
  const elements = new Map<string, ReadonlySet<string>>();
  const { nftables } = JSON.parse(text) as { nftables: readonly Json[] };
  for (const item of nftables) {
    const { chain, rule, set, map } = item as Readonly<Record<string, Json | undefined>>;
    if (chain !== undefined) {
      const { name, type, hook, prio, policy } = chain;
      chains.set(String(name), {
        comments: [],
        ...(hook !== undefined && { hook: [type, hook, prio, policy ?? 'accept'].join(' ') }),
      });
    }
    if (rule !== undefined) chains.get(String(rule['chain']))?.comments.push(String(rule['comment'] ?? ''));
    const held = set ?? map;
    if (held !== undefined) {
      const name = String(held['name']);
      const all = new Set([held['elem'] ?? []].flat().map(elementText));
      const kind = kindOf(held);
      sets.set(name, { digest: digestOf(all), ...(kind && { kind }) });
      elements.set(name, all);
    }
  }
  return { chains, sets, elements };
}

/** Undefined for what is not made here: other types, sets with a time limit or of the packet path. */
function kindOf(held: Json): SetKind | undefined {
  const flags = [held['flags'] ?? []].flat().join();
  if ((held['type'] !== 'ipv4_addr' && held['type'] !== 'ipv6_addr') || held['timeout'] !== undefined) return undefined;
  if (held['map'] !== undefined) return held['map'] === 'verdict' && flags === '' ? 'verdicts' : undefined;
  if (flags === '') return 'addresses';
  return flags === 'interval' && held['auto-merge'] !== true ? 'prefixes' : undefined;
}

/** In the spelling of the plan; what the plan never has in some text of its own, which is then taken out. */
function elementText(element: unknown): string {
  if (typeof element === 'string') return parseAddress(element)?.text ?? element;
  if (Array.isArray(element)) {
    const [key, verdict] = element as [unknown, { readonly jump?: { readonly target: string } } | undefined];
    return `${elementText(key)} : ${verdict?.jump === undefined ? JSON.stringify(verdict) : `jump ${verdict.jump.target}`}`;
  }
  const { prefix, range, elem } = element as {
    readonly prefix?: { readonly addr: string; readonly len: number };
    readonly range?: readonly [string, string];
    readonly elem?: { readonly val: unknown };
  };
  if (prefix !== undefined) return parsePrefix(`${prefix.addr}/${prefix.len}`)?.text ?? `${prefix.addr}/${prefix.len}`;
  if (range !== undefined) return range.join('-');
  return elem === undefined ? JSON.stringify(element) : elementText(elem.val);
}
