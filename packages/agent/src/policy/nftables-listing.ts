/**
 * Compares two tables as `nft list table` prints them, whatever the version of nft and its spelling: what is wanted is
 * printed too, from a table that no hook calls. Pure text.
 */

/** Chains, sets and maps by name, each with what it holds in one text. */
export type Listing = ReadonlyMap<string, string>;

/** Elements are in no order; the line of a hook is what the table that is compared with has not. */
export function readListing(text: string): { readonly blocks: Listing; readonly hooks: ReadonlySet<string> } {
  const blocks = new Map<string, string>();
  const hooks = new Set<string>();
  let name: string | undefined;
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    const start = /^\t((?:chain|set|map) \S+) \{$/.exec(line);
    if (start !== null) {
      name = start[1];
      lines = [];
    } else if (line === '\t}' && name !== undefined) {
      blocks.set(name, name.startsWith('chain ') ? lines.join('\n') : sortElements(lines.join(' ')));
      name = undefined;
    } else if (name !== undefined && /^\t\ttype filter hook (\w+) priority (filter|0); policy accept;$/.test(line)) {
      hooks.add(name);
    } else if (name !== undefined) {
      lines.push(line.trim());
    }
  }
  return { blocks, hooks };
}

function sortElements(text: string): string {
  const match = /^(.*elements = \{)(.*)(\}.*)$/.exec(text);
  if (match === null) return text;
  const [, head = '', body = '', tail = ''] = match;
  const elements = body.split(',').map((one) => one.trim());
  return `${head}${elements.sort().join(',')}${tail}`;
}

/** Names of what differs. */
export function differences(wanted: Listing, actual: Listing): string[] {
  const names = new Set([...wanted.keys(), ...actual.keys()]);
  return [...names].filter((name) => wanted.get(name) !== actual.get(name));
}
