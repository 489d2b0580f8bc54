/**
 * Follows a destination the way its route comes: Node, session, path, import policy, decision process, route plan, choice
 * between sources, kernel. The walk ends at the first step that keeps the route from being in place, and names it.
 */
import type { InspectedPath, Speaker } from '@routelet/bgp';
import type { RouteState } from '@routelet/rib';
import { contains, hostPrefix, type IpAddress, type Prefix, parseAddress, parsePrefix } from '../annotations/prefix.ts';
import type { RouterInspection } from '../router/inspection.ts';
import type { NodeFacts } from '../router/node-facts.ts';
import { planRoute } from '../router/routes.ts';
import { AskError, type WhyAnswer, type WhyStep } from './model.ts';
import { describeDecision, describeImport, describeSteps, isTaken } from './policy.ts';
import { nextHopTexts, peerNames, wayTexts } from './routes.ts';

type StepName = WhyStep['step'];

/** `about`: an address, a prefix, or the name of a Node. Throws `AskError` for anything else. */
export function answerWhy(inspection: RouterInspection, about: string): WhyAnswer {
  return new Walk(inspection, about).run();
}

/** Where the question leads: a destination, and the node that should announce it. */
interface Target {
  readonly destination: string;
  readonly node: NodeFacts | undefined;
}

class Walk {
  readonly #inspection: RouterInspection;
  readonly #about: string;
  readonly #steps: WhyStep[] = [];

  constructor(inspection: RouterInspection, about: string) {
    this.#inspection = inspection;
    this.#about = about;
  }

  run(): WhyAnswer {
    const { speaker, rib, context } = this.#inspection;
    const target = this.#findTarget();
    if ('verdict' in target) return target;
    const { destination } = target;
    if (speaker === undefined || rib === undefined || context === undefined) {
      const reasons = this.#inspection.problems.map(({ text }) => text);
      return this.#stop('session', 'BGP does not run on this node', reasons, destination);
    }
    const paths = speaker
      .inspect()
      .explain(destination)
      .filter(({ fromType }) => fromType !== 'local');
    const stopped =
      this.#session(target, speaker, paths) ?? this.#paths(destination, paths) ?? this.#policy(destination, paths);
    if (stopped !== undefined) return stopped;
    return this.#decision(destination, paths) ?? this.#installed(destination, paths, rib.state(destination));
  }

  // --- what the question is about ---------------------------------------------------------------------------------

  #findTarget(): Target | WhyAnswer {
    const address = parseAddress(this.#about);
    const prefix = parsePrefix(this.#about);
    const node = this.#inspection.facts.get(this.#about);
    if (address !== undefined) return this.#ofAddress(address);
    if (prefix !== undefined) return this.#ofPrefix(prefix);
    if (node !== undefined) return this.#ofNode(node);
    throw new AskError('bad-question', `"${this.#about}": expected an address, a prefix, or the name of a Node`);
  }

  #ofAddress(address: IpAddress): Target | WhyAnswer {
    const { facts, context, plan } = this.#inspection;
    const holder = [...facts.values()].find(({ addresses }) => addresses.includes(address.text));
    if (holder !== undefined) {
      const text = `${address.text} is an address of node ${holder.name} itself, which is reached without routes of ours`;
      if (holder.name === this.#inspection.nodeName || holder.podCidrs.length > 0) return this.#end('node', text);
      return this.#ofNode(holder);
    }
    const own = plan?.identity.podCidrs.find((cidr) => contains(cidr, address));
    if (own !== undefined) {
      return this.#end(
        'node',
        `${address.text} is in ${own.text}, the pod CIDR of this node: kube-bridge has it`,
        own.text,
      );
    }
    const [owned] = context?.owners.overlapping(hostPrefix(address)) ?? [];
    if (owned !== undefined) return this.#owned(address.text, owned.prefix, owned.node);
    return this.#covering(address, hostPrefix(address).length);
  }

  #ofPrefix(prefix: Prefix): Target | WhyAnswer {
    const { context, plan } = this.#inspection;
    const own = plan?.identity.podCidrs.find((cidr) => contains(cidr, prefix));
    if (own !== undefined) {
      return this.#end(
        'node',
        `${prefix.text} is in ${own.text}, the pod CIDR of this node: kube-bridge has it`,
        own.text,
      );
    }
    const owned = context?.owners.overlapping(prefix).find((each) => contains(each.prefix, prefix));
    if (owned !== undefined) return this.#owned(prefix.text, owned.prefix, owned.node);
    return this.#covering(prefix, prefix.length);
  }

  #ofNode(node: NodeFacts): Target | WhyAnswer {
    if (node.name === this.#inspection.nodeName) return this.#end('node', `${node.name} is this node`);
    const [cidr] = node.podCidrs;
    if (cidr === undefined) {
      const details = [
        'expected spec.podCIDRs (kube-controller-manager --allocate-node-cidrs) or kube-router.io/pod-cidrs',
        ...node.problems.map(({ text }) => text),
      ];
      return this.#stop('node', `node ${node.name} has no pod CIDR, so it announces none`, details);
    }
    return this.#owned(node.name, cidr, node.name);
  }

  #owned(what: string, cidr: Prefix, name: string): Target {
    const node = this.#inspection.facts.get(name);
    const at = node?.primary === undefined ? '' : `, at ${node.primary}`;
    const text = what === name ? `node ${name}${at}` : `${what} is in ${cidr.text}, the pod CIDR of node ${name}${at}`;
    this.#ok('node', text);
    return { destination: cidr.text, node };
  }

  /** No node's: the longest prefix that somebody announces, or that a source wants. */
  #covering(address: IpAddress, longest: number): Target | WhyAnswer {
    const { speaker, rib, facts, problems } = this.#inspection;
    for (let length = longest; length >= 0; length--) {
      const prefix = parsePrefix(`${address.text.replace(/\/.*/, '')}/${length}`);
      if (prefix === undefined) continue;
      const known = (speaker?.paths(prefix.text).length ?? 0) > 0 || rib?.state(prefix.text) !== undefined;
      if (!known) continue;
      this.#ok('node', `no node has ${this.#about} in its pod CIDR; ${prefix.text} covers it`);
      return { destination: prefix.text, node: undefined };
    }
    const without = [...facts.values()].filter(({ podCidrs }) => podCidrs.length === 0).map(({ name }) => name);
    const details = [
      ...(without.length === 0 ? [] : [`nodes without a pod CIDR: ${without.join(', ')}`]),
      ...problems.filter(({ code }) => code === 'pod-cidr-overlap' || code === 'no-pod-cidr').map(({ text }) => text),
    ];
    return this.#stop(
      'node',
      `no node has a pod CIDR that holds ${this.#about}, and no peer announced a route to it`,
      details,
    );
  }

  // --- the way of the route ---------------------------------------------------------------------------------------

  #session({ destination, node }: Target, speaker: Speaker, paths: readonly InspectedPath[]): WhyAnswer | undefined {
    if (node === undefined) {
      this.#skip('session', 'it is no node that has to announce it');
      return undefined;
    }
    const peer = this.#inspection.plan?.peers.find(({ description }) => description === node.name);
    const status = speaker.peers().find(({ address }) => address === peer?.address);
    if (status?.state === 'Established') {
      this.#ok('session', `the session with ${node.name} (${status.address}) is Established`);
      return undefined;
    }
    const refused = this.#inspection.problems.filter(({ subject }) => subject === node.name).map(({ text }) => text);
    const text =
      status === undefined
        ? `there is no session with ${node.name}`
        : `the session with ${node.name} (${status.address}) is ${status.state}, not Established`;
    const details = [...refused, ...(status?.lastDown === undefined ? [] : [`it ended: ${status.lastDown.text}`])];
    if (paths.length === 0) return this.#stop('session', text, details, destination);
    this.#skip('session', `${text}; others announce the route`, details);
    return undefined;
  }

  #paths(destination: string, paths: readonly InspectedPath[]): WhyAnswer | undefined {
    if (paths.length === 0) return this.#stop('path', `nobody announces ${destination} to this node`, [], destination);
    const details = paths.map((path) => `${this.#pathText(path)}${path.stale ? ', stale' : ''}`);
    this.#ok('path', paths.length === 1 ? '1 path' : `${paths.length} paths`, details);
    return undefined;
  }

  #policy(destination: string, paths: readonly InspectedPath[]): WhyAnswer | undefined {
    const [first] = paths;
    const taken = paths.filter(isTaken);
    if (taken.length === 0 && first !== undefined) {
      const details = paths.flatMap((path) => [
        `${this.#pathText(path)}: ${describeImport(path)}`,
        ...('steps' in path.import ? describeSteps(path.import.steps).map((line) => `  ${line}`) : []),
      ]);
      return this.#stop('policy', `no path is taken: ${describeImport(first)}`, details, destination);
    }
    this.#ok(
      'policy',
      `${taken.length} of ${paths.length} taken`,
      paths.map((path) => `${this.#pathText(path)}: ${describeImport(path)}`),
    );
    return undefined;
  }

  #decision(destination: string, paths: readonly InspectedPath[]): WhyAnswer | undefined {
    const details = paths.filter(isTaken).map((path) => `${this.#pathText(path)}: ${describeDecision(path)}`);
    const best = paths.find(({ decision }) => decision.kind === 'best');
    if (best === undefined) return this.#stop('decision', 'no path is the best one', details, destination);
    this.#ok('decision', `the best path is ${this.#pathText(best)}`, details);
    return undefined;
  }

  #installed(destination: string, paths: readonly InspectedPath[], state: RouteState | undefined): WhyAnswer {
    const { context } = this.#inspection;
    const best = paths.find(({ decision }) => decision.kind === 'best');
    const plans =
      context === undefined ? [] : paths.filter(isTaken).map((path) => ({ path, plan: planRoute(path, context) }));
    const first = plans.find(({ path }) => path === best)?.plan;
    const usable = plans.find(({ plan }) => plan.kind === 'route');
    if (usable === undefined) {
      const text = first?.kind === 'refused' ? first.problem.text : 'no path makes a route';
      const others = plans.flatMap(({ plan }) =>
        plan.kind === 'refused' && plan !== first ? [plan.problem.text] : [],
      );
      return this.#stop('route', text, others, destination);
    }
    const instead = first?.kind === 'refused' ? [`the best path is refused: ${first.problem.text}`] : [];
    const planned = usable.plan.kind === 'route' ? wayTexts(usable.plan.route).join(', ') : '';
    this.#ok('route', `${destination} ${planned}`, instead);
    return this.#choice(destination, state) ?? this.#kernel(destination, state);
  }

  #choice(destination: string, state: RouteState | undefined): WhyAnswer | undefined {
    const candidates = state?.candidates ?? [];
    const [chosen] = candidates;
    const details = candidates.map(
      ({ source, distance, route }) => `${source}, distance ${distance}: ${nextHopTexts(route).join(', ')}`,
    );
    if (chosen === undefined) return this.#stop('choice', 'no source wants the route (yet)', [], destination);
    if (chosen.source !== 'bgp') {
      return this.#stop(
        'choice',
        `the source ${chosen.source} was chosen, its distance is smaller`,
        details,
        destination,
      );
    }
    this.#ok('choice', `the source ${chosen.source} was chosen`, details);
    return undefined;
  }

  #kernel(destination: string, state: RouteState | undefined): WhyAnswer {
    const programmed = state?.programmed;
    if (state?.problem !== undefined) {
      return this.#stop('kernel', state.problem.text, state.foreign, destination);
    }
    if (programmed === undefined) return this.#stop('kernel', 'not in the kernel yet', [], destination);
    const text = `${destination} ${nextHopTexts(programmed).join(', ')}`;
    return this.#end('kernel', text, destination, `in place: ${text}`);
  }

  // --- the answer -------------------------------------------------------------------------------------------------

  #pathText({ from, nextHop, prefix }: InspectedPath): string {
    const name = peerNames(this.#inspection).get(from);
    return `${prefix} via ${nextHop} from ${name === undefined ? from : `${name} (${from})`}`;
  }

  #ok(step: StepName, text: string, details: readonly string[] = []): void {
    this.#steps.push({ step, outcome: 'ok', text, details });
  }

  #skip(step: StepName, text: string, details: readonly string[] = []): void {
    this.#steps.push({ step, outcome: 'skipped', text, details });
  }

  /** All is as it should be, and there are no more steps. */
  #end(step: StepName, text: string, destination?: string, verdict = text): WhyAnswer {
    this.#ok(step, text);
    return { about: this.#about, ...(destination !== undefined && { destination }), steps: this.#steps, verdict };
  }

  #stop(step: StepName, text: string, details: readonly string[], destination?: string): WhyAnswer {
    this.#steps.push({ step, outcome: 'stopped', text, details });
    return {
      about: this.#about,
      ...(destination !== undefined && { destination }),
      steps: this.#steps,
      stoppedAt: step,
      verdict: `not in place, stopped at ${step}: ${text}`,
    };
  }
}
