/** The zod types of the values that stand in annotations; each message completes "expected …". */
import { z } from 'zod';
import { isPeerAsn, peerAsnRanges } from '../options/asn.ts';
import { Secret } from '../options/secret.ts';
import { parseAddress } from './prefix.ts';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** An address in canonical text. */
export const address = z.string({ error: 'an IPv4 or IPv6 address' }).transform((text, context) => {
  const parsed = parseAddress(text.trim());
  if (parsed) return parsed.text;
  context.addIssue({ code: 'custom', message: 'an IPv4 or IPv6 address' });
  return z.NEVER;
});

const asnExpected = `an AS number of a peer (${peerAsnRanges})`;
export const peerAsn = z.number({ error: asnExpected }).refine(isPeerAsn, { error: asnExpected });

const portExpected = 'a TCP port from 1 to 65535';
export const port = z.int({ error: portExpected }).min(1, { error: portExpected }).max(65535, { error: portExpected });

/** TCP_MD5SIG takes keys of at most 80 bytes (include/uapi/linux/tcp.h TCP_MD5SIG_MAXKEYLEN). */
const MAX_KEY_BYTES = 80;
const passwordExpected = `the base64 of a password of 1 to ${MAX_KEY_BYTES} bytes`;

/** A base64 password, decoded. */
export const password = z.string({ error: passwordExpected }).transform((text, context) => {
  const decoded = decodePassword(text.trim());
  if (decoded) return decoded;
  context.addIssue({ code: 'custom', message: passwordExpected });
  return z.NEVER;
});

/** Undefined when the text is not base64 of a key of an allowed length. */
function decodePassword(text: string): Secret | undefined {
  if (!BASE64.test(text)) return undefined;
  const binary = atob(text);
  if (binary.length === 0 || binary.length > MAX_KEY_BYTES) return undefined;
  return new Secret(new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0))));
}
