/**
 * Options, events and routes as JSON and back: bytes and 64-bit numbers are marked, functions and signals are left out, and
 * keys of TCP MD5 and TCP-AO are replaced by a name that is equal for equal keys, so that a changed key is still a change.
 */
import { decodeHex, encodeHex } from './hex.ts';

export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [name: string]: Plain };

/** Names for the secrets of one recording. */
export class Secrets {
  readonly #names = new Map<string, string>();

  nameOf(secret: string): string {
    const known = this.#names.get(secret);
    if (known !== undefined) return known;
    const name = `redacted-${this.#names.size + 1}`;
    this.#names.set(secret, name);
    return name;
  }
}

/** Where a key stands in options: `password` (RFC 2385), and `key` inside `tcpAo` (RFC 5925). */
function isSecret(name: string, within: string): boolean {
  return name === 'password' || (name === 'key' && within === 'tcpAo');
}

/** Without `secrets` the keys stay: they are names already. */
export function toPlain(value: unknown, secrets?: Secrets, within = ''): Plain {
  if (typeof value === 'bigint') return { $bigint: `${value}` };
  if (value instanceof Uint8Array) return { $bytes: encodeHex(value) };
  if (Array.isArray(value)) return value.map((part: unknown) => toPlain(part, secrets, within));
  if (typeof value === 'object' && value !== null) {
    const parts: Record<string, Plain> = {};
    for (const [name, part] of Object.entries(value)) {
      if (part === undefined || typeof part === 'function') continue;
      const secret = secrets !== undefined && typeof part === 'string' && isSecret(name, within);
      parts[name] = secret ? secrets.nameOf(part) : toPlain(part, secrets, name);
    }
    return parts;
  }
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' ? value : null;
}

export function fromPlain(value: Plain): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map(fromPlain);
  const { $bigint: big, $bytes: bytes } = value;
  if (typeof big === 'string') return BigInt(big);
  if (typeof bytes === 'string') return decodeHex(bytes);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, fromPlain(part)]));
}

function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}
