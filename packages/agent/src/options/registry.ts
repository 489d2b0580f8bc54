import { bgp } from './bgp.ts';
import type { Flag } from './flag.ts';
import { general } from './general.ts';
import { routing } from './routing.ts';
import { service } from './service.ts';

/** The tables under the headings of the help text. */
export const sections = {
  Process: general,
  'Pod network': routing,
  BGP: bgp,
  'Services and policies': service,
} as const;

/** Every flag, by the key under which its value is handed over. The type of the options is derived from it. */
export const flags = { ...general, ...routing, ...bgp, ...service } as const;

export type FlagKey = keyof typeof flags;

/** The value of each flag as it was given or defaulted, each good in itself. */
export type FlagValues = {
  readonly [K in FlagKey]: (typeof flags)[K] extends Flag<infer T> ? T : never;
};
