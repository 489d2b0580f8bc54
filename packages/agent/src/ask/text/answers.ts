/** Answers as people read them. */
import { formatCommunity } from '@routelet/bgp/codec';
import type {
  NeighborAnswer,
  NeighborRoute,
  PeersAnswer,
  PlanAnswer,
  PlannedSession,
  RoutesAnswer,
  StandingProblem,
  StatusAnswer,
  WhyAnswer,
} from '../model.ts';
import { age, fields, indent, section, table } from './table.ts';

export function statusText({ heartbeats, counts, problems, ...status }: StatusAnswer): string {
  return [
    fields([
      ['version', `${status.version} (Node ${status.runtime})`],
      ['node', status.node],
      ['up', age(status.uptimeMs)],
      ['cluster', status.source],
      ['modules', status.modules.join(', ')],
      ...Object.entries(counts),
    ]),
    section(
      'heartbeats',
      table(
        ['name', 'state', 'last', 'period'],
        heartbeats.map(({ name, state, sinceMs, periodMs }) => [name, state, age(sinceMs), age(periodMs)]),
      ),
    ),
    section('problems', problemLines(problems)) || '\nno problems\n',
  ].join('');
}

export function peersText({ peers, refused }: PeersAnswer): string {
  const rows = peers.map((peer) => [
    ...[peer.address, peer.name, String(peer.asn), peer.type, peer.state, age(peer.sinceMs)],
    ...[String(peer.prefixesReceived), String(peer.prefixesAccepted), String(peer.prefixesSent), peer.lastError ?? ''],
  ]);
  const head = ['peer', 'name', 'AS', 'type', 'state', 'since', 'in', 'taken', 'out', 'last error'];
  return `${table(head, rows) || 'no peers\n'}${section('no session', problemLines(refused))}`;
}

export function routesText({ routes }: RoutesAnswer): string {
  const rows = routes.map((route) => [
    route.table === undefined ? route.destination : `${route.destination} table ${route.table}`,
    route.nextHops.join(', '),
    route.peer ?? route.source ?? '',
    route.state,
    route.reason ?? '',
  ]);
  return table(['destination', 'next hop', 'from', 'state', 'reason'], rows) || 'no routes\n';
}

export function neighborText({ peer, adjRibIn, adjRibOut, leftOut, ...answer }: NeighborAnswer): string {
  return [
    fields([
      ['peer', `${peer.address} ${peer.name}`.trim()],
      ['AS', `${peer.asn} (${peer.type})`],
      ['BGP identifier', answer.identifier],
      ['state', `${peer.state} for ${age(peer.sinceMs)}`],
      ['last error', peer.lastError],
      ['local address', answer.localAddress],
      ['authentication', answer.authentication],
      ['import policy', answer.importPolicy],
      ['export policy', answer.exportPolicy],
    ]),
    section('capabilities', indent(answer.capabilities)),
    section('timers', named(answer.timers)),
    section('counters', named(answer.counters)),
    section('configured', named(answer.configured)),
    section('received (Adj-RIB-In)', routeTable(adjRibIn)),
    section('sent (Adj-RIB-Out)', routeTable(adjRibOut)),
    leftOut === 0 ? '' : `\n${leftOut} more routes are not shown (--limit)\n`,
  ].join('');
}

export function planText({ notes, problems, badObjects, sessions, routes, node, empty }: PlanAnswer): string {
  return [
    indent(notes, '! '),
    section('left out', indent(badObjects)),
    section('problems', problemLines(problems)),
    section('sessions', sessions.map(sessionLines).join('')),
    section(
      'routes',
      indent(routes.map(({ change, route, why }) => `${change} ${route}${why === '' ? '' : ` (${why})`}`)),
    ),
    ...node.map(({ part, changes }) => section(part, indent(changes))),
    empty ? 'nothing would change\n' : '',
  ]
    .join('')
    .replace(/^\n/, '');
}

export function whyText({ steps, verdict }: WhyAnswer): string {
  const marks = { ok: 'ok', stopped: 'STOP', skipped: '--' } as const;
  const lines = steps.map(
    ({ step, outcome, text, details }) =>
      `${marks[outcome].padEnd(4)}  ${step.padEnd(8)}  ${text}\n${indent(details, ' '.repeat(18))}`,
  );
  return `${lines.join('')}\n${verdict}\n`;
}

function sessionLines({ address, name, change, options, problem, announce, withdraw }: PlannedSession): string {
  const words: Readonly<Record<PlannedSession['change'], string>> = {
    added: 'starts',
    removed: 'ends',
    reset: 'starts again',
    updated: 'goes on, changed',
    kept: 'goes on',
    failed: 'cannot be set up',
  };
  const what = options.length === 0 ? '' : ` (${options.join(', ')})`;
  const lines = [
    ...(problem === undefined ? [] : [problem]),
    ...announce.map(
      ({ prefix, nextHop, attributes }) => `announce ${prefix} next hop ${nextHop} ${attributeText(attributes)}`,
    ),
    ...withdraw.map((prefix) => `withdraw ${prefix}`),
  ];
  return `  ${`${address} ${name}`.trim()}: ${words[change]}${what}\n${indent(lines, '    ')}`;
}

function routeTable(routes: readonly NeighborRoute[]): string {
  return table(
    ['prefix', 'next hop', 'attributes', 'what became of it'],
    routes.map(({ prefix, nextHop, attributes, verdict }) => [prefix, nextHop, attributeText(attributes), verdict]),
  );
}

/** `igp path 65001 65002 community 65000:100 localPref 100`; the next hop stands elsewhere. */
function attributeText({ nextHop: _, ...attributes }: Readonly<Record<string, unknown>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name} ${valueText(name, value)}`.trim())
    .join(', ');
}

function valueText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    return value
      .map((part) => (name === 'communities' && typeof part === 'number' ? formatCommunity(part) : valueText('', part)))
      .join(' ');
  }
  return JSON.stringify(value);
}

function named(values: Readonly<Record<string, unknown>>): string {
  return indent(Object.entries(values).map(([name, value]) => `${name} ${valueText('', value)}`));
}

function problemLines(problems: readonly StandingProblem[]): string {
  return indent(problems.map(({ code, text }) => `${code}: ${text}`));
}
