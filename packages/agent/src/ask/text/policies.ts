/** Answers about network policies in words. */
import type { PolicyAnswer, PolicyDirection, PolicyMatch, VerdictAnswer } from '../model.ts';
import { fields, indent, section, table } from './table.ts';

/** Addresses of a cell; the answer in JSON has all. */
const SHOWN = 6;

export function policyText({ pod, addresses, programmed, ingress, egress, problems }: PolicyAnswer): string {
  return [
    fields([
      ['pod', pod],
      ['addresses', addresses.join(' ')],
      ['rules', programmed ? 'in the kernel' : 'not in the kernel yet: it is closed'],
    ]),
    section('ingress', directionText(ingress, 'from')),
    section('egress', directionText(egress, 'to')),
    section('problems', indent(problems.map(({ text }) => text))),
  ].join('');
}

export function verdictText({ verdicts, allowed }: VerdictAnswer): string {
  const lines = verdicts.map(
    (one) => `${one.allowed ? 'ok' : 'STOP'}  ${one.direction}  ${one.source} -> ${one.destination}: ${one.why}\n`,
  );
  return `${lines.join('')}\n${allowed ? 'passes' : 'is refused'}\n`;
}

function directionText({ policies, matches }: PolicyDirection, side: string): string {
  if (policies.length === 0) return '  open: no policy applies\n';
  if (matches.length === 0) return `  closed by ${policies.join(', ')}\n`;
  return table(
    ['policy', side, 'own pods', 'ports'],
    matches.map(({ policy, peers, targets, ports }: PolicyMatch) => [
      policy,
      short(peers, 'everybody'),
      short(targets, 'all'),
      ports?.join(', ') ?? 'all',
    ]),
  );
}

function short(items: readonly string[] | undefined, all: string): string {
  if (items === undefined) return all;
  if (items.length === 0) return 'nobody';
  const rest = items.length > SHOWN ? ` and ${items.length - SHOWN} more` : '';
  return `${items.slice(0, SHOWN).join(' ')}${rest}`;
}
