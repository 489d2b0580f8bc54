import { Address4, Address6 } from 'ip-address';
import { formatDuration, parseDuration } from './duration.ts';
import { Secret } from './secret.ts';

/**
 * What the value of a flag may be: how its text is read and how a default is printed. The forms are those of Go's pflag,
 * which the original uses, so that existing manifests start. Kinds know nothing of a single flag's own limits.
 */
export interface ValueKind<T> {
  /** Word in the help text. */
  readonly name: string;
  /** Completes "expected ...". */
  readonly expected: string;
  /** Undefined when the text is not of this kind. */
  parse(text: string): T | undefined;
  format(value: T): string;
  /** Stands for the value when a flag is given without one, as pflag's NoOptDefVal; only bool has it. */
  readonly implied?: string;
  /** Occurrences add up instead of the last one winning. */
  repeats?(all: readonly T[]): T;
}

/** strconv.ParseBool. */
const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false])),
};

export const bool: ValueKind<boolean> = {
  name: 'bool',
  expected: 'true or false',
  parse: (text) => (Object.hasOwn(BOOLEANS, text) ? BOOLEANS[text] : undefined),
  format: String,
  implied: 'true',
};

export const string: ValueKind<string> = {
  name: 'string',
  expected: 'a text',
  parse: (text) => text,
  format: (value) => value,
};

/** strconv.ParseUint with base 0: decimal, 0x, 0o (or a leading 0), 0b. */
function parseUint(text: string, max: number): number | undefined {
  const octal = /^0[0-7]+$/.test(text) ? `0o${text.slice(1)}` : text;
  if (!/^(?:0[xX][\da-fA-F]+|0[oO][0-7]+|0[bB][01]+|0|[1-9]\d*)$/.test(octal)) return undefined;
  const value = Number(octal);
  return value <= max ? value : undefined;
}

export function uint(min: number, max: number): ValueKind<number> {
  return {
    name: 'uint',
    expected: `a whole number from ${min} to ${max}`,
    parse: (text) => {
      const value = parseUint(text, max);
      return value !== undefined && value >= min ? value : undefined;
    },
    format: String,
  };
}

export const duration: ValueKind<number> = {
  name: 'duration',
  expected: 'a duration such as 90s, 1m30s or 500ms',
  parse: parseDuration,
  format: formatDuration,
};

export function oneOf<const T extends string>(...words: readonly T[]): ValueKind<T> {
  return {
    name: words.join('|'),
    expected: words.join(' or '),
    parse: (text) => words.find((word) => word === text),
    format: (value) => value,
  };
}

/** True for an address without prefix length and zone, of the families asked for. */
export function isAddress(text: string, families: 'both' | 'ipv4' = 'both'): boolean {
  if (text.includes('/') || text.includes('%')) return false;
  return Address4.isValid(text) || (families === 'both' && Address6.isValid(text));
}

/** True for an address with a prefix length. */
export function isCidr(text: string): boolean {
  return /^[^%]+\/\d{1,3}$/.test(text) && (Address4.isValid(text) || Address6.isValid(text));
}

/** An address to listen on; empty is all addresses. */
export const listenAddress: ValueKind<string> = {
  name: 'ip',
  expected: 'an IPv4 or IPv6 address, or nothing for all addresses',
  parse: (text) => (text === '' || isAddress(text) ? text : undefined),
  format: (value) => value,
};

function list<T>(name: string, expected: string, item: (text: string) => T | undefined): ValueKind<readonly T[]> {
  return {
    name,
    expected,
    parse: (text) => {
      if (text === '') return [];
      const items = text.split(',').map((part) => item(part.trim()));
      return items.every((one) => one !== undefined) ? items : undefined;
    },
    format: (values) => values.map(String).join(','),
    repeats: (all) => all.flat(),
  };
}

export const addressList = list('ip,...', 'IPv4 or IPv6 addresses with commas between them', (text) =>
  isAddress(text) ? text : undefined,
);

export const cidrList = list('cidr,...', 'prefixes such as 10.96.0.0/12 with commas between them', (text) =>
  isCidr(text) ? text : undefined,
);

export function uintList(min: number, max: number): ValueKind<readonly number[]> {
  const one = uint(min, max);
  return list('uint,...', `whole numbers from ${min} to ${max} with commas between them`, one.parse);
}

/** Texts that stay hidden; an empty one keeps its place. */
export const secretList = list('base64,...', 'base64 texts with commas between them', (text) => new Secret(text));

/** `30000-32767` or `30000:32767`, lower end first; kept with a colon as the original does. */
export const portRange: ValueKind<string> = {
  name: 'port-port',
  expected: 'two ports such as 30000-32767, the lower one first',
  parse: (text) => {
    const match = /^(\d+)[:-](\d+)$/.exec(text);
    const [from, to] = [Number(match?.[1]), Number(match?.[2])];
    return from < to && to <= 65535 ? `${from}:${to}` : undefined;
  },
  format: (value) => value.replace(':', '-'),
};
