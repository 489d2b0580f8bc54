/**
 * Decides how ipsets get from what `ipset save` shows to what is wanted: by element where the set is of the right kind,
 * by a second set and a swap where only its options differ, so that a rule that uses the set never sees it gone. Pure text.
 */

export interface SetGoal {
  /** At most 30 characters: the set used for a swap has one more, and ipset takes 31 (IPSET_MAXNAMELEN with its zero byte is 32). */
  readonly name: string;
  readonly type: 'hash:ip' | 'hash:net';
  readonly family: 'inet' | 'inet6';
  /** Addresses or prefixes in canonical text. */
  readonly elements: readonly string[];
}

export interface ActualSet {
  readonly type: string;
  readonly family: string | undefined;
  readonly timeout: string | undefined;
  readonly elements: readonly string[];
}

/** All sets have a timeout of 0, as the original's: elements without an end, but one could be given. */
const TIMEOUT = '0';

/** Sets by name from the output of `ipset save`. */
export function parseSave(output: string): Map<string, ActualSet> {
  const sets = new Map<string, ActualSet & { elements: string[] }>();
  for (const line of output.split('\n')) {
    const [command, name, value, ...options] = line.split(' ');
    if (name === undefined || value === undefined) continue;
    if (command === 'create') {
      const option = (key: string) => {
        const at = options.indexOf(key);
        return at < 0 ? undefined : options[at + 1];
      };
      sets.set(name, { type: value, family: option('family'), timeout: option('timeout'), elements: [] });
    } else if (command === 'add') {
      sets.get(name)?.elements.push(value);
    }
  }
  return sets;
}

/** Name of the set that is filled and swapped in. */
export function swapName(name: string): string {
  return `${name}-`;
}

/** Lines for `ipset restore -exist`; none when the set is as wanted. `leftover`: the swap set of an interrupted run exists. */
export function planSet(goal: SetGoal, actual: ActualSet | undefined, leftover = false): string[] {
  const wanted = new Set(goal.elements.map(printedElement));
  const create = (name: string) => `create ${name} ${goal.type} family ${goal.family} timeout ${TIMEOUT}`;
  const add = (name: string) => (element: string) => `add ${name} ${element} timeout ${TIMEOUT}`;
  const swap = swapName(goal.name);
  const lines = leftover ? [`destroy ${swap}`] : [];
  if (!actual) return [...lines, create(goal.name), ...[...wanted].map(add(goal.name))];
  if (!sameKind(goal, actual))
    return [...lines, `destroy ${goal.name}`, create(goal.name), ...[...wanted].map(add(goal.name))];
  if (actual.timeout !== TIMEOUT) {
    return [...lines, create(swap), ...[...wanted].map(add(swap)), `swap ${swap} ${goal.name}`, `destroy ${swap}`];
  }
  const standing = new Set(actual.elements);
  return [
    ...lines,
    ...[...wanted].filter((element) => !standing.has(element)).map(add(goal.name)),
    ...[...standing].filter((element) => !wanted.has(element)).map((element) => `del ${goal.name} ${element}`),
  ];
}

/** The kernel swaps only sets of one type and family (IPSET_ERR_TYPE_MISMATCH); another one can only go if no rule uses it. */
export function sameKind(goal: SetGoal, actual: ActualSet): boolean {
  return actual.type === goal.type && actual.family === goal.family;
}

/** ipset prints a prefix that is one address without its length. */
function printedElement(element: string): string {
  return element.replace(element.includes(':') ? /\/128$/ : /\/32$/, '');
}
