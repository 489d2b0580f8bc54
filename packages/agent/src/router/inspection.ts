/** What questions about a running router are answered from: its state at one moment. Nothing here changes anything. */
import type { Speaker } from '@routelet/bgp';
import type { Rib } from '@routelet/rib';
import type { ClusterView, Kind } from '../cluster/model.ts';
import type { AgentOptions } from '../options/options.ts';
import type { Secret } from '../options/secret.ts';
import type { Problem } from '../problem.ts';
import type { HostFacts } from './host.ts';
import type { NodeFacts } from './node-facts.ts';
import type { RouterPlan } from './plan.ts';
import type { NodeChanges, NodeChangesState } from './pod-network-preview.ts';
import type { RouteContext } from './route-context.ts';
import type { RefusedRoute } from './routes.ts';

export interface RouterInspection {
  readonly options: AgentOptions;
  readonly nodeName: string;
  readonly cluster: ClusterView;
  /** What the module reads of it. */
  readonly kinds: readonly Kind[];
  readonly facts: ReadonlyMap<string, NodeFacts>;
  /** Undefined while the node cannot be planned; the problems say why. */
  readonly plan: RouterPlan | undefined;
  /** Of the sessions with nodes. */
  readonly meshPassword: Secret | undefined;
  readonly context: RouteContext | undefined;
  readonly host: HostFacts | undefined;
  readonly speaker: Speaker | undefined;
  readonly rib: Rib | undefined;
  readonly refusals: Iterable<readonly [prefix: string, refused: RefusedRoute]>;
  readonly problems: readonly Problem[];
  /** The speaker's clock, in milliseconds. */
  readonly nowMs: number;
  /** What would be done to bridge, CNI file, sysctls, sets and rules of this node. */
  nodeChanges(state: NodeChangesState): Promise<readonly NodeChanges[]>;
}
