/**
 * The questions that a running agent answers and their answers, as plain values that JSON holds. A new command is one
 * entry of `Asks`, an answer by the module that knows it, and a row of `commands.ts`. Read-only: no question changes
 * anything. What is here is a contract with scripts: fields are added, and a change of one raises `ASK_VERSION`.
 */

/** Of the paths and of every answer. */
export const ASK_VERSION = 1;

export interface Asks {
  status: Ask<Record<string, never>, StatusAnswer>;
  peers: Ask<Record<string, never>, PeersAnswer>;
  routes: Ask<Record<string, never>, RoutesAnswer>;
  neighbor: Ask<{ readonly address: string; readonly limit: number }, NeighborAnswer>;
  plan: Ask<PlanQuestion, PlanAnswer>;
  why: Ask<{ readonly about: string }, WhyAnswer>;
  policy: Ask<{ readonly pod: string }, PolicyAnswer>;
  verdict: Ask<VerdictQuestion, VerdictAnswer>;
}

interface Ask<Question, Answer> {
  readonly question: Question;
  readonly answer: Answer;
}

export type AskName = keyof Asks;

/** What one module can answer. */
export type Answerers = {
  readonly [K in AskName]?: (question: Asks[K]['question']) => Promise<Asks[K]['answer']>;
};

/** A question that cannot be answered as it was put. */
export class AskError extends Error {
  override readonly name = 'AskError';
  readonly code: 'bad-question' | 'not-found' | 'not-ready';

  constructor(code: AskError['code'], text: string) {
    super(text);
    this.code = code;
  }
}

/** Something that is wrong now. */
export interface StandingProblem {
  readonly code: string;
  readonly subject: string;
  readonly text: string;
}

export interface StatusAnswer {
  readonly version: string;
  /** Version of Node. */
  readonly runtime: string;
  readonly node: string;
  readonly uptimeMs: number;
  /** Where the cluster is read from. */
  readonly source: string;
  readonly modules: readonly string[];
  readonly heartbeats: readonly {
    readonly name: string;
    readonly periodMs: number;
    readonly sinceMs: number;
    readonly state: 'waiting' | 'alive' | 'late';
  }[];
  readonly counts: Readonly<Record<string, number>>;
  readonly problems: readonly StandingProblem[];
}

export interface PeerRow {
  readonly address: string;
  /** Name of the node; `(external)` for a peer that is none. */
  readonly name: string;
  readonly asn: number;
  readonly type: string;
  readonly state: string;
  /** Time in this state. */
  readonly sinceMs: number;
  readonly prefixesReceived: number;
  readonly prefixesAccepted: number;
  readonly prefixesSent: number;
  /** Why the session ended the last time. */
  readonly lastError?: string;
}

export interface PeersAnswer {
  readonly peers: readonly PeerRow[];
  /** Sessions that cannot be, with the reason. */
  readonly refused: readonly StandingProblem[];
}

export interface RouteRow {
  readonly destination: string;
  /** `via 192.0.2.12`, `dev tun-…`; several for multipath. */
  readonly nextHops: readonly string[];
  readonly table?: number;
  /** Where it comes from: `bgp`, or another source of the rib. */
  readonly source?: string;
  /** Name or address of the peer it was learned from. */
  readonly peer?: string;
  /**
   * `programmed`; `held`: of an earlier life; `foreign`, `failed`, `unresolved`, `invalid`: wanted and not in the kernel;
   * `refused`: never asked of the kernel; `pending`: on its way.
   */
  readonly state: 'programmed' | 'held' | 'foreign' | 'failed' | 'unresolved' | 'invalid' | 'refused' | 'pending';
  readonly reason?: string;
}

export interface RoutesAnswer {
  readonly routes: readonly RouteRow[];
}

export interface NeighborRoute {
  readonly prefix: string;
  readonly nextHop: string;
  /** Attributes by name, as `bgp decode` prints them. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** What policy or BGP did: `accepted`, `rejected by kube_router_import: default-routes`. */
  readonly verdict: string;
  readonly taken: boolean;
}

export interface NeighborAnswer {
  readonly peer: PeerRow;
  readonly description: string;
  readonly identifier?: string;
  readonly authentication?: string;
  readonly localAddress?: string;
  readonly configured: Readonly<Record<string, unknown>>;
  /** Of the session, while it is up. */
  readonly capabilities: readonly string[];
  readonly timers: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
  readonly importPolicy?: string;
  readonly exportPolicy?: string;
  readonly adjRibIn: readonly NeighborRoute[];
  readonly adjRibOut: readonly NeighborRoute[];
  /** Routes of both tables that were left out of the answer. */
  readonly leftOut: number;
}

export interface PlanQuestion {
  /** Files of manifests as they were read. */
  readonly manifests: readonly { readonly file: string; readonly text: string }[];
  /** The given objects are all there are of their kinds, and not only added to what is there. */
  readonly all: boolean;
  /** Flags as on the command line of the agent; each takes the place of the one it was started with. */
  readonly flags: readonly string[];
}

export interface PlannedRoute {
  readonly prefix: string;
  readonly nextHop: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface PlannedSession {
  readonly address: string;
  readonly name: string;
  readonly change: 'added' | 'removed' | 'reset' | 'updated' | 'kept' | 'failed';
  /** Options that differ. */
  readonly options: readonly string[];
  readonly problem?: string;
  readonly announce: readonly PlannedRoute[];
  readonly withdraw: readonly string[];
}

export interface PlanAnswer {
  /** Things to know about the change as a whole: a restart, sessions that all start again. */
  readonly notes: readonly string[];
  readonly problems: readonly StandingProblem[];
  /** Objects of the manifests that could not be read; they are left out of the plan. */
  readonly badObjects: readonly string[];
  readonly sessions: readonly PlannedSession[];
  readonly routes: readonly {
    readonly change: 'add' | 'remove' | 'change';
    readonly route: string;
    readonly why: string;
  }[];
  /** Bridge, CNI file, sysctls, ipsets, iptables: one line a change, as the agent would write it. */
  readonly node: readonly { readonly part: string; readonly changes: readonly string[] }[];
  /** Nothing at all would change. */
  readonly empty: boolean;
}

/** What one rule of a policy lets pass. */
export interface PolicyMatch {
  readonly policy: string;
  /** Addresses and prefixes of the other side; absent: everybody. */
  readonly peers?: readonly string[];
  /** Those of the policy's pods that own a named port; absent: all of them. */
  readonly targets?: readonly string[];
  /** `TCP 80`, `UDP 5000-5010`, `SCTP`; absent: all ports of all protocols. */
  readonly ports?: readonly string[];
}

export interface PolicyDirection {
  /** Policies that apply to the pod; none: the direction is open. */
  readonly policies: readonly string[];
  readonly matches: readonly PolicyMatch[];
}

export interface PolicyAnswer {
  readonly pod: string;
  readonly addresses: readonly string[];
  /** Its rules are in the kernel; until then it is closed. */
  readonly programmed: boolean;
  readonly ingress: PolicyDirection;
  readonly egress: PolicyDirection;
  /** What is wrong with the policies that apply to it. */
  readonly problems: readonly StandingProblem[];
}

export interface VerdictQuestion {
  /** `namespace/name` of a pod, or an address. */
  readonly from: string;
  readonly to: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
}

export interface VerdictAnswer {
  readonly question: VerdictQuestion;
  /** One a family and a side that this node decides. */
  readonly verdicts: readonly {
    readonly source: string;
    readonly destination: string;
    readonly direction: 'ingress' | 'egress';
    readonly allowed: boolean;
    readonly why: string;
  }[];
  readonly allowed: boolean;
}

export interface WhyStep {
  readonly step: 'node' | 'session' | 'path' | 'policy' | 'decision' | 'route' | 'choice' | 'kernel';
  readonly outcome: 'ok' | 'stopped' | 'skipped';
  readonly text: string;
  readonly details: readonly string[];
}

export interface WhyAnswer {
  readonly about: string;
  /** The destination that the question came down to. */
  readonly destination?: string;
  readonly steps: readonly WhyStep[];
  /** Absent when all is in place. */
  readonly stoppedAt?: WhyStep['step'];
  readonly verdict: string;
}
