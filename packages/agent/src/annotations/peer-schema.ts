/**
 * What a peer of `kube-router.io/peers` may say, as a schema: the original's keys with its names, and our own with those of
 * the field. Messages complete "expected …".
 */
import { type PolicyMatch, validatePolicy } from '@routelet/bgp';
import { z } from 'zod';
import { parseDuration } from '../options/duration.ts';
import type { FilterRule } from './external-peer.ts';
import { parsePrefix } from './prefix.ts';
import { address, password, peerAsn, port } from './value.ts';

/** Without the keys that nothing was said of. */
export function given<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** A map with these keys and no others. */
function map<Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? `only the keys ${keys}` : `a map with the keys ${keys}`),
  });
}

function integer(min: number, max: number, what = 'a whole number') {
  const error = `${what} from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

const flag = z.boolean({ error: 'true or false' });

/** Milliseconds of a duration as flags take it. */
function duration(minMs: number, maxMs: number, expected: string) {
  const error = `a duration such as 30s or 1m30s, ${expected}`;
  return z.string({ error }).transform((text, context) => {
    const ms = parseDuration(text.trim());
    if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
}

const HOUR_MS = 3_600_000;
const MAX_UINT32 = 0xffff_ffff;
/** RFC 5881 §4. */
const DEFAULT_BFD_PORT = 3784;
/** BFD counts microseconds in 32 bits. */
const bfdInterval = integer(1, Math.floor(MAX_UINT32 / 1000), 'milliseconds');

const bfd = map({
  enabled: flag.optional(),
  port: integer(1, 65535, 'a UDP port').optional(),
  detection_multiplier: integer(1, 255).optional(),
  desired_min_tx_interval: bfdInterval.optional(),
  required_min_rx_interval: bfdInterval.optional(),
}).transform((value) =>
  value.enabled === true
    ? {
        detectMultiplier: value.detection_multiplier ?? 3,
        desiredMinTxMs: value.desired_min_tx_interval ?? 1000,
        requiredMinRxMs: value.required_min_rx_interval ?? 1000,
        ...(value.port !== undefined && value.port !== DEFAULT_BFD_PORT && { port: value.port }),
      }
    : undefined,
);

const prefixLimit = map({
  maximum: integer(1, MAX_UINT32, 'a number of prefixes'),
  action: z.enum(['warn', 'stop', 'restart'], { error: 'warn, stop or restart' }).optional(),
  warnPercent: integer(1, 100, 'a percentage').optional(),
  restartAfter: duration(1000, 24 * HOUR_MS, '1s to 24h').optional(),
}).transform(({ maximum, action, warnPercent, restartAfter }) => ({
  maximum,
  ...given({ action, warnPercent, restartAfterMs: restartAfter }),
}));

const PREFIX_EXPECTED = 'a prefix such as 10.0.0.0/8, or a map with prefix, ge and le';
const prefix = z.string({ error: PREFIX_EXPECTED }).transform((text, context) => {
  const parsed = parsePrefix(text.trim());
  if (parsed) return parsed;
  context.addIssue({ code: 'custom', message: 'a prefix such as 10.0.0.0/8' });
  return z.NEVER;
});
const prefixBounds = map({ prefix, ge: integer(0, 128).optional(), le: integer(0, 128).optional() }).transform(
  ({ prefix: { text, length, family }, ge, le }, context) => {
    const max = family === 4 ? 32 : 128;
    if ((ge ?? length) < length || (le ?? max) > max || (ge ?? length) > (le ?? max)) {
      context.addIssue({ code: 'custom', message: `${length} <= ge <= le <= ${max} for ${text}` });
      return z.NEVER;
    }
    // As BGP daemons take it: `ge` alone is open to the longest prefixes.
    return {
      prefix: text,
      ...(ge !== undefined && { ge, le: max }),
      ...(le !== undefined && { ge: ge ?? length, le }),
    };
  },
);
const prefixRange = z.preprocess((value) => (typeof value === 'string' ? { prefix: value } : value), prefixBounds);

const texts = (expected: string) => z.array(z.string({ error: expected }), { error: `a list of ${expected}` });

/** Texts that the policy language takes in this place of a match. */
function patterns(key: keyof PolicyMatch, expected: string) {
  return texts(expected).superRefine((values, context) => {
    for (const [index, value] of values.entries()) {
      const statements = [{ name: 'x', match: { [key]: [value] } }];
      const [problem] = validatePolicy({ name: 'x', statements, defaultVerdict: 'accept' });
      if (problem) context.addIssue({ code: 'custom', path: [index], message: problem.expected });
    }
  });
}

type CommunityAction = 'add-communities' | 'add-large-communities' | 'add-extended-communities';

/** Communities that can be added: no wildcards. */
function communities(kind: CommunityAction, expected: string) {
  return texts(expected).superRefine((values, context) => {
    for (const [index, value] of values.entries()) {
      const statements = [{ name: 'x', match: {}, actions: [{ kind, communities: [value] }] }];
      const [problem] = validatePolicy({ name: 'x', statements, defaultVerdict: 'accept' });
      if (problem) context.addIssue({ code: 'custom', path: [index], message: expected });
    }
  });
}

const filterRule = map({
  action: z.enum(['accept', 'reject'], { error: 'accept or reject' }),
  prefixes: z.array(prefixRange, { error: 'a list of prefixes' }).optional(),
  communities: patterns('communities', 'communities such as 65000:100, 65000:* or no-export').optional(),
  largeCommunities: patterns('largeCommunities', 'large communities such as 65000:1:*').optional(),
  extendedCommunities: patterns('extendedCommunities', 'extended communities such as rt:65000:*').optional(),
  asPath: patterns('asPath', 'patterns of AS numbers such as ^65001 .*').optional(),
}).transform(({ action, ...match }): FilterRule => ({ verdict: action, match: given(match) }));
const filter = z.array(filterRule, { error: 'a list of rules' });

export const peerSchema = map({
  remoteip: address,
  remoteasn: peerAsn,
  localip: address.optional(),
  password: password.optional(),
  port: port.optional(),
  bfd: bfd.optional(),
  holdTime: duration(3000, 65_535_000, '3s to 65535s').optional(),
  multihopTtl: integer(2, 255, 'a TTL').optional(),
  ttlSecurity: integer(1, 254, 'a number of hops').optional(),
  gracefulRestart: flag.optional(),
  longLivedStaleTime: duration(1000, 4660 * HOUR_MS, '1s to 4660h').optional(),
  addPath: map({
    receive: flag.optional(),
    send: z.union([flag, integer(1, 255)], { error: 'true, false or how many paths' }).optional(),
  })
    .transform(given)
    .optional(),
  prefixLimit: prefixLimit.optional(),
  importFilter: filter.optional(),
  exportFilter: filter.optional(),
  pathPrepend: map({ as: integer(1, MAX_UINT32, 'an AS number'), count: integer(1, 255) }).optional(),
  nextHopSelf: flag.optional(),
  communities: communities('add-communities', 'communities such as 65000:100 or no-export').optional(),
  largeCommunities: communities('add-large-communities', 'large communities such as 65000:1:2').optional(),
  extendedCommunities: communities('add-extended-communities', 'extended communities such as rt:65000:1').optional(),
  localPreference: integer(0, MAX_UINT32).optional(),
}).superRefine((value, context) => {
  if (value.multihopTtl !== undefined && value.ttlSecurity !== undefined) {
    const message = 'one of multihopTtl and ttlSecurity: the latter sends with TTL 255 anyway';
    context.addIssue({ code: 'custom', path: ['ttlSecurity'], message });
  }
});
