/**
 * Sets of addresses as prefixes: union and difference without overlap, in the fewest prefixes that say it. The `except` of
 * one peer is taken from that peer alone (T-24), so what backends get has no exceptions left.
 */
import { formatAddress, type IpFamily, type Prefix } from '../../annotations/prefix.ts';

/** First and last address, both in the set. */
interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

const BITS: Readonly<Record<IpFamily, bigint>> = { 4: 32n, 6: 128n };

/** The addresses of `prefix` that lie in none of `except`; those of another family take nothing away. */
export function difference(prefix: Prefix, except: readonly Prefix[]): Prefix[] {
  const { family } = prefix;
  const holes = merge(except.filter((one) => one.family === family).map(rangeOf));
  const left: Range[] = [];
  let { first, last } = rangeOf(prefix);
  for (const hole of holes) {
    if (hole.last < first || hole.first > last) continue;
    if (hole.first > first) left.push({ first, last: hole.first - 1n });
    first = hole.last + 1n;
  }
  if (first <= last) left.push({ first, last });
  return left.flatMap((range) => prefixesOf(range, family));
}

/** The same addresses in the fewest prefixes, in order, IPv4 first. */
export function union(prefixes: readonly Prefix[]): Prefix[] {
  return ([4, 6] as const).flatMap((family) =>
    merge(prefixes.filter((one) => one.family === family).map(rangeOf)).flatMap((range) => prefixesOf(range, family)),
  );
}

function rangeOf({ family, value, length }: Prefix): Range {
  return { first: value, last: value + (1n << (BITS[family] - BigInt(length))) - 1n };
}

/** In order, with ranges that touch made one. */
function merge(ranges: Range[]): Range[] {
  const merged: { first: bigint; last: bigint }[] = [];
  for (const { first, last } of ranges.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const open = merged.at(-1);
    if (open === undefined || first > open.last + 1n) merged.push({ first, last });
    else if (last > open.last) open.last = last;
  }
  return merged;
}

/** The fewest prefixes for a range: at each address the largest that begins there and does not pass the end. */
function prefixesOf({ first, last }: Range, family: IpFamily): Prefix[] {
  const bits = BITS[family];
  const prefixes: Prefix[] = [];
  let at = first;
  while (at <= last) {
    let host = 0n;
    while (host < bits && (at & ((2n << host) - 1n)) === 0n && at + (2n << host) - 1n <= last) host++;
    const length = Number(bits - host);
    prefixes.push({ family, value: at, length, text: `${formatAddress(family, at)}/${length}` });
    at += 1n << host;
  }
  return prefixes;
}
