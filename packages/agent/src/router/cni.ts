/**
 * Decides the text of the CNI configuration file: the pod CIDRs of this node as ranges of host-local, the MTU on the bridge
 * plugin. Keys that it does not know, ranges that stand and the order of keys are kept; a file that says it all already
 * stays as it is, byte by byte.
 */
import { type Prefix, parsePrefix } from '../annotations/prefix.ts';

/** The text is no CNI configuration that can be edited. */
export class CniError extends Error {
  override readonly name = 'CniError';
  readonly code: 'not-json' | 'shape' | 'no-bridge';
  readonly path: string;

  constructor(code: CniError['code'], path: string, detail: string) {
    super(`CNI configuration ${path}: ${detail}`);
    this.code = code;
    this.path = path;
  }
}

export interface CniGoal {
  readonly podCidrs: readonly Prefix[];
  /** Undefined: the file's MTU is left alone. */
  readonly mtu: number | undefined;
}

export interface CniPlan {
  /** The new text; undefined when the file is as wanted. */
  readonly text: string | undefined;
  /** Ranges of the file that are no pod CIDR of this node: kept, and each pod gets an address of these too. */
  readonly strayRanges: readonly string[];
}

type JsonObject = { [key: string]: unknown };

/** Keys of ipam that describe the one range of host-local's old form, and move together with `subnet`. */
const RANGE_KEYS = ['subnet', 'rangeStart', 'rangeEnd', 'gateway'] as const;

/** `path` ends in `.conflist` for a list of plugins, as for the CNI library. Throws a CniError. */
export function planCni(text: string, path: string, { podCidrs, mtu }: CniGoal): CniPlan {
  const root = parse(text, path);
  const plugin = bridgePlugin(root, path);
  const ipam = member(plugin, 'ipam', path);
  const ranges = readRanges(ipam, path);
  let changed = false;

  if (ipam['subnet'] !== undefined) {
    const range: JsonObject = {};
    for (const key of RANGE_KEYS) {
      if (ipam[key] !== undefined) range[key] = ipam[key];
      delete ipam[key];
    }
    if (!ranges.some((set) => set.some(({ subnet }) => equalSubnets(subnet, range['subnet'])))) ranges.push([range]);
    changed = true;
  }
  for (const { text: subnet } of podCidrs) {
    if (ranges.some((set) => set.some((range) => equalSubnets(range['subnet'], subnet)))) continue;
    ranges.push([{ subnet }]);
    changed = true;
  }
  if (changed) ipam['ranges'] = ranges;
  if (mtu !== undefined && plugin['mtu'] !== mtu) {
    plugin['mtu'] = mtu;
    changed = true;
  }

  const strayRanges = ranges
    .flat()
    .map(({ subnet }) => String(subnet))
    .filter((subnet) => !podCidrs.some((cidr) => equalSubnets(subnet, cidr.text)));
  return { text: changed ? print(root, text) : undefined, strayRanges };
}

/** Reads the file as far as it has to be right for any goal. Throws a CniError. */
export function checkCni(text: string, path: string): void {
  planCni(text, path, { podCidrs: [], mtu: undefined });
}

function parse(text: string, path: string): JsonObject {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new CniError('not-json', path, `got text that is not JSON (${detail}), expected a CNI configuration`);
  }
  if (!isObject(root)) throw new CniError('shape', path, 'expected a JSON object');
  return root;
}

function bridgePlugin(root: JsonObject, path: string): JsonObject {
  if (!path.endsWith('.conflist')) {
    if (root['type'] === 'bridge') return root;
    throw new CniError('no-bridge', path, `got type ${JSON.stringify(root['type'])}, expected "bridge"`);
  }
  const plugins = root['plugins'];
  if (!Array.isArray(plugins)) throw new CniError('shape', path, 'expected a list at plugins');
  const plugin: unknown = plugins.find((entry) => isObject(entry) && entry['type'] === 'bridge');
  if (isObject(plugin)) return plugin;
  throw new CniError('no-bridge', path, 'expected a plugin of type "bridge" in plugins');
}

/** The object at `key`, made when it is not there. */
function member(parent: JsonObject, key: string, path: string): JsonObject {
  const value = parent[key] ?? {};
  if (!isObject(value)) throw new CniError('shape', path, `expected an object at ${key} of the bridge plugin`);
  parent[key] = value;
  return value;
}

/** host-local: a list of range sets, a pod gets an address from each set. */
function readRanges(ipam: JsonObject, path: string): JsonObject[][] {
  const ranges: unknown = ipam['ranges'] ?? [];
  const sets = Array.isArray(ranges) ? ranges : [undefined];
  if (sets.every((set): set is JsonObject[] => Array.isArray(set) && set.every(isObject))) return [...sets];
  throw new CniError('shape', path, 'expected a list of lists of ranges at ipam.ranges');
}

function equalSubnets(a: unknown, b: unknown): boolean {
  if (typeof a !== 'string' || typeof b !== 'string') return false;
  return a === b || (parsePrefix(a) !== undefined && parsePrefix(a)?.text === parsePrefix(b)?.text);
}

function print(root: JsonObject, like: string): string {
  const indent = /\n([ \t]+)/.exec(like)?.[1] ?? (like.includes('\n') ? '  ' : undefined);
  return `${JSON.stringify(root, undefined, indent)}${like.endsWith('\n') ? '\n' : ''}`;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
