/**
 * The facts of all nodes, kept up to date from the changes of the cluster, and the answer to the one question that
 * matters after each: what became of it to this node's routing.
 */
import type { ChangeOf, Node } from '../cluster/model.ts';
import { equalFacts, type NodeFacts, readNodeFacts } from './node-facts.ts';

export interface NodeTableChange {
  /** The own Node came, went, or says something else to the router (annotations included). */
  readonly own: boolean;
  /** Facts of some node changed. */
  readonly facts: boolean;
}

export class NodeTable {
  readonly #ownName: string;
  readonly #facts = new Map<string, NodeFacts>();
  #own: Node | undefined;

  constructor(ownName: string, nodes: Iterable<Node>) {
    this.#ownName = ownName;
    for (const node of nodes) this.#set(node);
  }

  /** The own Node object; undefined while there is none. */
  get own(): Node | undefined {
    return this.#own;
  }

  get facts(): ReadonlyMap<string, NodeFacts> {
    return this.#facts;
  }

  apply(changes: readonly ChangeOf<'Node'>[]): NodeTableChange {
    let own = false;
    let facts = false;
    for (const change of changes) {
      const { name } = change.object.metadata;
      const before = this.#facts.get(name);
      const ownBefore = this.#own;
      if (change.type === 'deleted') this.#delete(name);
      else this.#set(change.object);
      const after = this.#facts.get(name);
      const changed = !before || !after || !equalFacts(before, after);
      facts ||= changed;
      own ||= name === this.#ownName && (changed || !equalAnnotations(ownBefore, this.#own));
    }
    return { own, facts };
  }

  #set(node: Node): void {
    this.#facts.set(node.metadata.name, readNodeFacts(node));
    if (node.metadata.name === this.#ownName) this.#own = node;
  }

  #delete(name: string): void {
    this.#facts.delete(name);
    if (name === this.#ownName) this.#own = undefined;
  }
}

const PREFIX = 'kube-router.io/';

function equalAnnotations(a: Node | undefined, b: Node | undefined): boolean {
  const ours = (node: Node | undefined) =>
    Object.entries(node?.metadata.annotations ?? {})
      .filter(([key]) => key.startsWith(PREFIX))
      .sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify(ours(a)) === JSON.stringify(ours(b));
}
