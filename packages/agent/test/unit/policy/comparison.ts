/** The compiler held against the oracle: the same random clusters and connections to both. */
import type { ClusterChange } from '../../../src/cluster/model.ts';
import { readNamespace } from '../../../src/cluster/namespace.ts';
import { readNetworkPolicy } from '../../../src/cluster/network-policy.ts';
import { readPod } from '../../../src/cluster/pod.ts';
import type { PolicyCompiler } from '../../../src/policy/compile/compiler.ts';
import type { judge } from '../../../src/policy/compile/verdict.ts';
import { type Connection, mayEnter, mayLeave, type World } from './oracle.ts';
import { seeded, Worlds } from './worlds.ts';

/** What is judged; another copy of it is a mutant. */
export interface Subject {
  readonly PolicyCompiler: typeof PolicyCompiler;
  readonly judge: typeof judge;
}

export interface Comparison {
  readonly cases: number;
  readonly allowed: number;
  readonly difference?: { readonly world: World; readonly connection: Connection; readonly text: string };
}

const NODE = 'node-1';
const CONNECTIONS = 20;

/** Compares until the first difference. */
export function compare({ PolicyCompiler, judge }: Subject, seed: number, cases: number): Comparison {
  const random = seeded(seed);
  const worlds = new Worlds(random);
  let done = 0;
  let allowed = 0;
  while (done < cases) {
    const world = worlds.world();
    const compiler = new PolicyCompiler(NODE);
    const changes = shuffled(changesOf(world), random);
    // In two parts: what is followed must end where what is read at once does.
    const cut = Math.floor(random() * changes.length);
    compiler.apply(changes.slice(0, cut));
    compiler.apply(changes.slice(cut));
    for (let count = 0; count < CONNECTIONS; count++, done++) {
      const connection = worlds.connection(world);
      const { from: source, to: destination, port } = connection;
      const packet = { source, destination, port, protocol: connection.protocol as 'TCP' };
      const enters = judge(compiler, packet, 'ingress')?.allowed ?? true;
      const leaves = judge(compiler, packet, 'egress')?.allowed ?? true;
      const wanted = { enters: mayEnter(world, NODE, connection), leaves: mayLeave(world, NODE, connection) };
      if (wanted.enters && wanted.leaves) allowed++;
      if (enters !== wanted.enters || leaves !== wanted.leaves) {
        const text = `compiled ${JSON.stringify({ enters, leaves })}, documented ${JSON.stringify(wanted)}`;
        return { cases: done + 1, allowed, difference: { world, connection, text } };
      }
    }
  }
  return { cases: done, allowed };
}

function changesOf({ pods, namespaces, policies }: World): ClusterChange[] {
  const read = [...namespaces.map(readNamespace), ...pods.map(readPod), ...policies.map(readNetworkPolicy)];
  return read.map((object) => {
    if ('problem' in object) throw new Error(object.problem);
    return { type: 'added', kind: object.kind, object } as ClusterChange;
  });
}

function shuffled<T>(values: T[], random: () => number): T[] {
  for (let at = values.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [values[at], values[other]] = [values[other] as T, values[at] as T];
  }
  return values;
}
