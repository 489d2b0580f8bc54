/** The ICMP messages without which addresses do not work, let in by the firewall and at service addresses alike. Pure. */
import type { IpFamily } from '../annotations/prefix.ts';
import type { Rule } from './rule.ts';

/** N-33, V-42. Types by number, as they are printed. */
const common: Readonly<Record<IpFamily, readonly (readonly [type: number, note: string])[]>> = {
  4: [
    [8, 'allow icmp echo requests'],
    [3, 'allow icmp destination unreachable messages'],
    [11, 'allow icmp time exceeded messages'],
  ],
  6: [
    [128, 'allow icmp echo requests'],
    [1, 'allow icmp destination unreachable messages'],
    [3, 'allow icmp time exceeded messages'],
    [135, 'allow icmp neighbor solicitation messages'],
    [136, 'allow icmp neighbor advertisement messages'],
    [129, 'allow icmp echo reply messages'],
  ],
};

export function acceptCommonIcmp(family: IpFamily): Rule[] {
  return common[family].map(([type, note]) => [...matchIcmp(family, type, note), '-j', 'ACCEPT']);
}

/** One type, with a comment. */
export function matchIcmp(family: IpFamily, type: number, note: string): Rule {
  const comment = ['-m', 'comment', '--comment', note];
  return family === 4
    ? ['-p', 'icmp', ...comment, '-m', 'icmp', '--icmp-type', String(type)]
    : ['-p', 'ipv6-icmp', ...comment, '-m', 'icmp6', '--icmpv6-type', String(type)];
}
