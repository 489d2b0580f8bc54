/**
 * Reads the annotations of a Service that say how its addresses are announced and served. What a bad value means is what the
 * original makes of it, and it is named.
 */
import { bool } from '../options/value.ts';
import { parseCommunityList } from './community.ts';
import { parseList } from './list.ts';
import { type AnnotationProblem, type Parsed, show } from './problem.ts';
import { annotations as rows } from './registry.ts';

/** linux/net/netfilter/ipvs: the schedulers by the names that the kernel has for them. */
const schedulers = ['rr', 'lc', 'dh', 'sh', 'mh'] as const;
export type Scheduler = (typeof schedulers)[number];

/** include/uapi/linux/ip_vs.h IP_VS_SVC_F_SCHED1 and on, of which mh makes fallback and port. */
const schedulerFlags = ['flag-1', 'flag-2', 'flag-3'] as const;
export type SchedulerFlag = (typeof schedulerFlags)[number];

export interface ServiceSettings {
  /** Undefined: as the flags say. */
  readonly advertise: {
    readonly clusterIp: boolean | undefined;
    readonly externalIp: boolean | undefined;
    readonly loadBalancerIp: boolean | undefined;
  };
  /** Load balancer addresses are neither announced nor served. */
  readonly skipLoadBalancerIps: boolean;
  /** External traffic goes to endpoints of the own node alone. */
  readonly local: boolean;
  /** Direct server return, by tunnel. */
  readonly dsr: boolean;
  readonly scheduler: Scheduler;
  readonly schedulerFlags: readonly SchedulerFlag[];
  readonly hairpin: boolean;
  readonly hairpinExternalIps: boolean;
  /** Communities of its addresses, for external peers. */
  readonly communities: readonly number[];
}

type Annotations = Readonly<Record<string, string>>;

export function parseServiceSettings(annotations: Annotations): Parsed<ServiceSettings> {
  const problems: AnnotationProblem[] = [];
  const given = (row: { readonly name: string }) => annotations[row.name];
  const complain = ({ name }: { readonly name: string }, expected: string) =>
    problems.push({ annotation: name, path: '', value: show(annotations[name]), expected });
  const take = <T>({ value, problems: found }: Parsed<T>): T => {
    problems.push(...found);
    return value;
  };
  const advertise = (row: { readonly name: string }): boolean | undefined => {
    const text = given(row);
    if (text === undefined) return undefined;
    const value = bool.parse(text);
    if (value === undefined) complain(row, 'true or false; it is taken as false');
    return value ?? false;
  };
  const oneOf = <const T extends string>(row: { readonly name: string }, words: readonly T[]): T | undefined => {
    const text = given(row);
    const word = words.find((one) => one === text);
    if (text !== undefined && word === undefined) complain(row, `${words.join(', ')}; it is not used`);
    return word;
  };

  const scheduler = oneOf(rows.serviceScheduler, schedulers) ?? 'rr';
  const flagsText = given(rows.serviceSchedulerFlags);
  const flags =
    flagsText === undefined
      ? []
      : take(
          parseList(
            rows.serviceSchedulerFlags.name,
            flagsText,
            (item) => schedulerFlags.find((flag) => flag === item),
            schedulerFlags.join(', '),
          ),
        );
  if (flagsText !== undefined && scheduler !== 'mh') {
    complain(rows.serviceSchedulerFlags, `${rows.serviceScheduler.name} to be mh; it is not used`);
  }
  const value: ServiceSettings = {
    advertise: {
      clusterIp: advertise(rows.serviceAdvertiseClusterIp),
      externalIp: advertise(rows.serviceAdvertiseExternalIp),
      loadBalancerIp: advertise(rows.serviceAdvertiseLoadBalancerIp),
    },
    skipLoadBalancerIps: given(rows.serviceSkipLoadBalancerIps) !== undefined,
    local: oneOf(rows.serviceLocal, ['true', 'false']) === 'true',
    dsr: oneOf(rows.serviceDsr, ['tunnel']) === 'tunnel',
    scheduler,
    schedulerFlags: scheduler === 'mh' ? flags : [],
    hairpin: given(rows.serviceHairpin) !== undefined,
    hairpinExternalIps: given(rows.serviceHairpinExternalIps) !== undefined,
    communities: take(parseCommunityList(rows.serviceCommunities.name, given(rows.serviceCommunities))),
  };
  return { value, problems };
}
