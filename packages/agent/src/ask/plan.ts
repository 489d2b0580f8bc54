/**
 * Answers what a change of manifests or flags would do: the planners that run are asked once more with other Nodes and
 * options, and the result is held against the present sessions, tables and kernel. Nothing is changed by it.
 */
import { createSpeaker, type PeerPreview, type ProposedChange, plainAttributes, type Speaker } from '@routelet/bgp';
import { parseManifest } from '../cluster/manifests/document.ts';
import type { ClusterView, Kind, KindMap } from '../cluster/model.ts';
import { ClusterStore } from '../cluster/store.ts';
import type { AgentOptions } from '../options/options.ts';
import type { ParsedOptions } from '../options/parse.ts';
import { describeProblem } from '../options/problem.ts';
import { VipRoutes } from '../router/announcements.ts';
import { bestAddress } from '../router/identity.ts';
import type { RouterInspection } from '../router/inspection.ts';
import type { NodeFacts } from '../router/node-facts.ts';
import { NodeTable } from '../router/node-table.ts';
import { speakerKey, speakerOptions } from '../router/peering.ts';
import { planRouter, type RouterPlan } from '../router/plan.ts';
import { type RouteContext, routeContext } from '../router/route-context.ts';
import { joinRoutes, planRoute } from '../router/routes.ts';
import { VipTable } from '../router/vip-table.ts';
import { AskError, type PlanAnswer, type PlannedSession, type PlanQuestion } from './model.ts';
import { wayTexts } from './routes.ts';

type PlannedRouteChange = PlanAnswer['routes'][number];

/** `parseFlags`: the agent's options with these flags in place of those it was started with. Throws `AskError` for bad flags. */
export async function answerPlan(
  inspection: RouterInspection,
  question: PlanQuestion,
  parseFlags: (flags: readonly string[]) => ParsedOptions,
): Promise<PlanAnswer> {
  const options = optionsOf(inspection, question.flags, parseFlags);
  const { cluster, badObjects } = proposedCluster(inspection, question);
  const { plan, facts, problems, announcements } = propose(inspection, cluster, options);
  if (plan === undefined) {
    const notes = ['the router could not be planned: what there is would stay as it is until the problems are gone'];
    return answer({ notes, problems, badObjects, sessions: [], routes: [], node: [] });
  }
  const context = routeContext(plan.identity, facts.values(), inspection.host?.subnets ?? [], options);
  const standing = new Set(inspection.problems.map(({ text }) => text));
  const sessions = planSessions(inspection, { peers: plan.peers, announcements }, plan, options);
  const state = inspection.host && {
    identity: plan.identity,
    nodes: [...facts.values()],
    host: inspection.host,
    options,
  };
  return answer({
    notes: notesOf(inspection, plan, options),
    problems: [...problems, ...context.owners.problems].filter(({ text }) => !standing.has(text)),
    badObjects,
    sessions,
    routes: planRoutes(inspection, plan, { facts, context }),
    node: state === undefined ? [] : (await inspection.nodeChanges(state)).filter(({ changes }) => changes.length > 0),
  });
}

function answer(parts: Omit<PlanAnswer, 'empty'>): PlanAnswer {
  const { sessions, routes, node, notes } = parts;
  return { ...parts, empty: sessions.length + routes.length + node.length + notes.length === 0 };
}

function optionsOf(
  { options }: RouterInspection,
  flags: readonly string[],
  parseFlags: (flags: readonly string[]) => ParsedOptions,
): AgentOptions {
  if (flags.length === 0) return options;
  const parsed = parseFlags(flags);
  switch (parsed.kind) {
    case 'run':
      return parsed.options;
    case 'bad':
      throw new AskError('bad-question', parsed.problems.map(describeProblem).join('\n'));
    default:
      throw new AskError('bad-question', `--${parsed.kind} is nothing to plan with`);
  }
}

function proposedCluster(
  { cluster: present, kinds }: RouterInspection,
  { manifests, all }: PlanQuestion,
): { readonly cluster: ClusterStore; readonly badObjects: readonly string[] } {
  const cluster = new ClusterStore();
  const wanted = new Set(kinds);
  const objects: KindMap[Kind][] = [];
  const badObjects: string[] = [];
  for (const { file, text } of manifests) {
    const manifest = parseManifest(text, wanted);
    if (manifest.kind === 'broken') {
      badObjects.push(`${file} line ${manifest.line}: expected YAML: ${manifest.text}`);
      continue;
    }
    for (const { line, text: fault } of manifest.problems) badObjects.push(`${file} line ${line}: ${fault}`);
    for (const { object } of manifest.objects) objects.push(object);
  }
  const replaced = new Set(all ? objects.map(({ kind }) => kind) : []);
  for (const kind of kinds) {
    if (!replaced.has(kind)) for (const object of present.list(kind)) cluster.set(object);
  }
  for (const object of objects) cluster.set(object);
  return { cluster, badObjects };
}

/** The planners of the router over another cluster. */
function propose(
  { nodeName, plan: previous, meshPassword }: RouterInspection,
  cluster: ClusterView,
  options: AgentOptions,
) {
  const table = new NodeTable(nodeName, cluster.list('Node'));
  const vips = new VipTable(cluster, nodeName, options);
  vips.planAll(table.facts.get(nodeName)?.addresses ?? []);
  const { plan, problems } = planRouter(
    { nodeName, own: table.own, nodes: table.facts, vips: vips.wanted, previous, meshPassword },
    options,
  );
  if (plan === undefined) return { plan, facts: table.facts, problems, announcements: [] };
  const nodeByAddress = new Map(
    [...table.facts.values()].flatMap(({ name, addresses }) => addresses.map((address) => [address, name])),
  );
  const planned = new VipRoutes();
  planned.planAll(vips.announced, plan.identity, nodeByAddress);
  return {
    plan,
    facts: table.facts,
    problems: [...problems, ...vips.problems, ...planned.problems],
    announcements: [...plan.announcements, ...planned.routes.values()],
  };
}

/** The live speaker cannot become another one: for a change of identity one that never starts stands for it. */
function isOtherSpeaker(
  { plan: present, options: before }: RouterInspection,
  plan: RouterPlan,
  after: AgentOptions,
): boolean {
  if (present === undefined) return true;
  const key = (identity: RouterPlan['identity'], options: AgentOptions) => [
    speakerKey(identity),
    options.bgpGracefulRestart,
    options.bgpGracefulRestartTimeMs,
  ];
  return JSON.stringify(key(present.identity, before)) !== JSON.stringify(key(plan.identity, after));
}

function notesOf(inspection: RouterInspection, plan: RouterPlan, options: AgentOptions): string[] {
  const notes: string[] = [];
  const differing = (Object.keys(options) as (keyof AgentOptions)[]).filter(
    (key) => JSON.stringify(options[key]) !== JSON.stringify(inspection.options[key]),
  );
  if (differing.length > 0)
    notes.push('flags are read at start: the agent has to be started again, and all sessions with it');
  if (inspection.speaker !== undefined && isOtherSpeaker(inspection, plan, options)) {
    const { asn, routerId, listen } = plan.identity;
    const where = listen.map(({ address, port }) => `${address} port ${port}`).join(', ');
    notes.push(
      `all sessions start again: this node is AS ${asn}, BGP identifier ${routerId}, listening on ${where} then`,
    );
  }
  return notes;
}

function planSessions(
  inspection: RouterInspection,
  change: ProposedChange,
  plan: RouterPlan,
  options: AgentOptions,
): PlannedSession[] {
  const { speaker, plan: present } = inspection;
  const names = new Map(
    [...(present?.peers ?? []), ...plan.peers].map(({ address, description = '' }) => [address, description]),
  );
  const other = isOtherSpeaker(inspection, plan, options);
  const asked = other || speaker === undefined ? createSpeaker(speakerOptions(plan, options, false)) : speaker;
  const previews = [...asked.inspect().preview(change)];
  if (other) {
    const before = new Set(present?.peers.map(({ address }) => address));
    const after = new Set(plan.peers.map(({ address }) => address));
    for (const [index, preview] of previews.entries()) {
      if (before.has(preview.address) && preview.change === 'added') previews[index] = { ...preview, change: 'reset' };
    }
    for (const address of before) {
      if (!after.has(address)) previews.push({ address, change: 'removed', options: [], announce: [], withdraw: [] });
    }
  }
  return previews
    .filter(({ change: kind, announce, withdraw }) => kind !== 'kept' || announce.length + withdraw.length > 0)
    .map((preview) => plannedSession(preview, names.get(preview.address) ?? ''));
}

function plannedSession({ announce, withdraw, ...rest }: PeerPreview, name: string): PlannedSession {
  return {
    ...rest,
    name,
    announce: announce.map(({ prefix, nextHop, attributes }) => ({
      prefix,
      nextHop,
      attributes: plainAttributes(attributes),
    })),
    withdraw: withdraw.map(({ prefix }) => prefix),
  };
}

/** Learned routes that change by what is planned from them, and those to expect from nodes. */
function planRoutes(
  inspection: RouterInspection,
  plan: RouterPlan,
  after: { readonly facts: ReadonlyMap<string, NodeFacts>; readonly context: RouteContext },
): PlannedRouteChange[] {
  const { speaker, context: before } = inspection;
  if (speaker === undefined || before === undefined) return [];
  const stay = new Set(plan.peers.map(({ address }) => address));
  const changes: PlannedRouteChange[] = [];
  const learned = new Set<string>();
  for (const { prefix, fromType } of speaker.routes()) {
    if (fromType === 'local') continue;
    learned.add(prefix);
    const was = firstRoute(speaker, prefix, before, () => true);
    const will = firstRoute(speaker, prefix, after.context, (from) => stay.has(from));
    if (was.route === will.route) continue;
    if (will.route === undefined) changes.push({ change: 'remove', route: was.route ?? prefix, why: will.why });
    else if (was.route === undefined) changes.push({ change: 'add', route: will.route, why: was.why });
    else changes.push({ change: 'change', route: will.route, why: `now ${was.route}` });
  }
  return [...changes, ...expectedRoutes(inspection, plan, after, learned)];
}

/** The route of the best path that makes one, as text, or why there is none. */
function firstRoute(
  speaker: Speaker,
  prefix: string,
  context: RouteContext,
  stays: (from: string) => boolean,
): { readonly route?: string; readonly why: string } {
  let why = 'its session ends';
  const paths = speaker.paths(prefix).filter(({ fromType, from }) => fromType !== 'local' && stays(from));
  const equal = paths.filter(({ multipath }) => multipath);
  for (const together of [equal, ...paths.map((path) => [path])]) {
    const parts = together.flatMap((path) => {
      const planned = planRoute(path, context);
      if (planned.kind === 'route') return [{ route: planned.route, bandwidth: path.bandwidth }];
      why = planned.problem.text;
      return [];
    });
    const route = joinRoutes(parts);
    if (route !== undefined) return { route: `${prefix} ${wayTexts(route).join(', ')}`, why: '' };
  }
  return { why };
}

/** Nodes announce their pod CIDRs: what comes, or goes, once they hear of the same change. */
function expectedRoutes(
  { facts: present, nodeName, plan: presentPlan }: RouterInspection,
  plan: RouterPlan,
  { facts, context }: { readonly facts: ReadonlyMap<string, NodeFacts>; readonly context: RouteContext },
  learned: ReadonlySet<string>,
): PlannedRouteChange[] {
  const changes: PlannedRouteChange[] = [];
  const known = new Set(presentPlan?.peers.map(({ description }) => description));
  const sessions = new Map(plan.peers.map(({ description, address }) => [description, address]));
  for (const node of facts.values()) {
    const from = sessions.get(node.name);
    if (node.name === nodeName || from === undefined) continue;
    for (const { text, family } of node.podCidrs) {
      const nextHop = family === 4 ? node.ipv4 : node.ipv6;
      const usable = bestAddress(plan.identity, family) !== undefined;
      // What is expected without the change too is none of its effects.
      const before =
        known.has(node.name) && present.get(node.name)?.podCidrs.some((cidr) => cidr.text === text) === true;
      if (before || learned.has(text) || nextHop === undefined || !usable) continue;
      const planned = planRoute({ prefix: text, nextHop, from }, context);
      if (planned.kind !== 'route') continue;
      const route = `${text} ${wayTexts(planned.route).join(', ')}`;
      changes.push({ change: 'add', route, why: `once ${node.name} announces it` });
    }
    const kept = new Set(node.podCidrs.map(({ text }) => text));
    for (const { text } of present.get(node.name)?.podCidrs ?? []) {
      if (kept.has(text) || !learned.has(text)) continue;
      changes.push({ change: 'remove', route: text, why: `once ${node.name} withdraws it` });
    }
  }
  return changes;
}
