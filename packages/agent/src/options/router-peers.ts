import type { RouterPeer } from './options.ts';
import type { OptionProblem } from './problem.ts';
import { type FlagValues, flags } from './registry.ts';
import { Secret } from './secret.ts';

const DEFAULT_BGP_PORT = 179;
/** TCP_MD5SIG_MAXKEYLEN, include/uapi/linux/tcp.h. */
const MAX_PASSWORD_BYTES = 80;

/** Joins the --peer-router-* lists to peers. `readFile` gives the text of the passwords file and throws when it cannot. */
export function joinRouterPeers(
  values: FlagValues,
  readFile: (path: string) => string,
): { readonly peers: readonly RouterPeer[]; readonly problems: readonly OptionProblem[] } {
  const problems: OptionProblem[] = [];
  const addresses = values.peerRouterIps;
  const passwords = readPasswords(values, readFile, problems);
  const needs = (flag: string, count: number, wanted: string) =>
    problems.push({
      code: 'conflict',
      flags: [flag, flags.peerRouterIps.name],
      expected: `as many entries in both lists (${wanted}), not ${count} and ${addresses.length}`,
    });
  if (values.peerRouterAsns.length !== addresses.length) {
    needs(flags.peerRouterAsns.name, values.peerRouterAsns.length, 'one AS number an address');
  }
  for (const [flag, count, wanted] of [
    [flags.peerRouterPorts, values.peerRouterPorts.length, 'one port an address'],
    [flags.peerRouterPasswords, passwords.length, 'one password an address'],
  ] as const) {
    if (count > 0 && count !== addresses.length) needs(flag.name, count, wanted);
  }
  const twice = addresses.find((address, index) => addresses.indexOf(address) !== index);
  if (twice !== undefined) {
    problems.push({ code: 'bad-value', flag: flags.peerRouterIps.name, value: twice, expected: 'each address once' });
  }
  if (problems.length > 0) return { peers: [], problems };
  const peers = addresses.map((address, index): RouterPeer => {
    const password = passwords[index];
    return {
      address,
      asn: values.peerRouterAsns[index] ?? 0,
      port: values.peerRouterPorts[index] ?? DEFAULT_BGP_PORT,
      ...(password !== undefined && { password }),
    };
  });
  return { peers, problems };
}

function readPasswords(
  values: FlagValues,
  readFile: (path: string) => string,
  problems: OptionProblem[],
): readonly (Secret | undefined)[] {
  let encoded = values.peerRouterPasswords;
  let flag: string = flags.peerRouterPasswords.name;
  // F-36: the flag wins over the file.
  if (encoded.length === 0 && values.peerRouterPasswordsFile !== '') {
    flag = flags.peerRouterPasswordsFile.name;
    const value = values.peerRouterPasswordsFile;
    try {
      const text = readFile(value).trim();
      encoded = text === '' ? [] : text.split(',').map((part) => new Secret(part.trim()));
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      problems.push({ code: 'bad-value', flag, value, expected: `a readable file (${cause})` });
      return [];
    }
  }
  return encoded.map((one, index) => {
    const text = one.reveal();
    if (text === '') return undefined;
    const password = decodePassword(text);
    if (password === undefined) {
      const expected = `base64 of 1 to ${MAX_PASSWORD_BYTES} bytes in entry ${index + 1}`;
      problems.push({ code: 'bad-value', flag, value: String(one), expected });
    }
    return password;
  });
}

/** A password as flags and annotations carry it: standard base64 of at most 80 bytes. Undefined when it is not that. */
export function decodePassword(base64: string): Secret | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) return undefined;
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length > 0 && bytes.length <= MAX_PASSWORD_BYTES ? new Secret(bytes.toString('utf8')) : undefined;
}
