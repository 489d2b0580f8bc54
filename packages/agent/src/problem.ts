/** Something in the cluster or in the options that keeps a part of the agent from its work, as data and as a sentence. */
export type ProblemCode =
  | 'annotation'
  | 'node-missing'
  | 'no-address'
  | 'no-pod-cidr'
  | 'router-id'
  | 'asn'
  | 'peer-refused'
  | 'password-file'
  | 'bfd'
  | 'peer-family'
  | 'pod-cidr-overlap'
  | 'route-refused'
  | 'vip-refused'
  | 'vip-conflict'
  | 'cni'
  | 'kernel'
  | 'rules'
  | 'endpoint'
  | 'health-check'
  | 'flows'
  | 'sysctl'
  | 'policy'
  | 'speaker';

export interface Problem {
  readonly code: ProblemCode;
  /** What it is about: a node, a peer, a next hop, a file. Code and subject together name the problem. */
  readonly subject: string;
  /** The sentence for the log: names the thing, the value and what was expected. */
  readonly text: string;
  /** For what works, but perhaps not as meant; an error when left out. */
  readonly level?: 'warn';
}
