/** Communities (RFC 1997) as annotations write them: a number, two numbers with a colon, or a well-known name. */
import { wellKnownCommunity } from '@routelet/bgp';
import { parseList } from './list.ts';
import type { Parsed } from './problem.ts';

/** Well-known communities by name: words joined by hyphens, and two that GoBGP, so the original, calls otherwise. */
const wellKnown: ReadonlyMap<string, number> = new Map([
  ...Object.entries(wellKnownCommunity).map(([name, value]): [string, number] => [
    name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    value,
  ]),
  ['planned-shut', wellKnownCommunity.gracefulShutdown],
  ['internet', 0],
]);

const EXPECTED = 'a number of 32 bits, two of 16 as 65000:100, or a well-known name such as no-export';

/** The communities of one annotation. Bad entries are named and left out, as in the original. */
export function parseCommunityList(annotation: string, text: string | undefined): Parsed<readonly number[]> {
  return text ? parseList(annotation, text, parseCommunity, EXPECTED) : { value: [], problems: [] };
}

function parseCommunity(item: string): number | undefined {
  const known = wellKnown.get(item.toLowerCase());
  if (known !== undefined) return known;
  const [high, low] = /^(\d+):(\d+)$/.exec(item)?.slice(1).map(Number) ?? [];
  if (high !== undefined && low !== undefined) {
    return high <= 0xffff && low <= 0xffff ? high * 0x10000 + low : undefined;
  }
  return /^\d+$/.test(item) && Number(item) <= 0xffff_ffff ? Number(item) : undefined;
}
