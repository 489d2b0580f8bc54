/** Faults that a compiler of policies could have, as replacements in its source. Each stands for a way to get it wrong. */
export interface Mutant {
  /** In src/policy/compile. */
  readonly file: string;
  /** Stands there once. */
  readonly from: string;
  readonly to: string;
}

export const mutants: readonly Mutant[] = [
  // Ports.
  { file: 'rule.ts', from: 'last: endPort ?? port', to: 'last: port' },
  {
    file: 'rule.ts',
    from: 'return { protocol, first: 0, last: LAST_PORT };',
    to: 'return { protocol, first: 0, last: 0 };',
  },
  { file: 'rule.ts', from: '...(ports.length > 0 && {', to: '...(ranges.length > 0 && {' },
  { file: 'rule.ts', from: 'open.protocol !== range.protocol || ', to: '' },
  // Peers.
  { file: 'rule.ts', from: '...(peers.length > 0 && {', to: '...(pods.length + blocks.length > 1 && {' },
  { file: 'rule.ts', from: 'return difference(cidr, except);', to: 'return difference(cidr, []);' },
  { file: 'rule.ts', from: 'namespaces === undefined ? { namespace } : { namespaces }', to: '{ namespace }' },
  {
    file: 'rule.ts',
    from: "podSelector === undefined ? everything : read('podSelector', podSelector)",
    to: 'everything',
  },
  { file: 'prefix-set.ts', from: 'first = hole.last + 1n;', to: 'first = hole.last;' },
  { file: 'prefix-set.ts', from: 'else if (last > open.last) open.last = last;', to: '' },
  // Selectors.
  {
    file: 'selector.ts',
    from: 'meets: (labels) => !among.meets(labels)',
    to: 'meets: (labels) => Object.hasOwn(labels, key) && !among.meets(labels)',
  },
  { file: 'selector.ts', from: 'requirements.every(', to: 'requirements.some(' },
  { file: 'selector.ts', from: 'const wanted = new Set(values);', to: 'const wanted = new Set(values.slice(0, 1));' },
  {
    file: 'selector-index.ts',
    from: 'return inScope && selector.matches(labels);',
    to: 'return selector.matches(labels);',
  },
  { file: 'selector-index.ts', from: 'yield* byLabel.get(ANY_LABEL) ?? [];', to: '' },
  { file: 'selector-index.ts', from: 'for (const entry of entries) {', to: 'for (const entry of []) {' },
  // Pods.
  { file: 'pod-facts.ts', from: 'spec.hostNetwork || ', to: '' },
  { file: 'pod-facts.ts', from: "'Succeeded', ", to: '' },
  { file: 'pod-facts.ts', from: 'local: spec.nodeName === nodeName', to: 'local: true' },
  // Named ports.
  { file: 'compiler.ts', from: 'one.name === name && one.protocol === protocol', to: 'one.name === name' },
  { file: 'compiler.ts', from: '...side, targets: id, ports: range', to: '...side, ports: range' },
  { file: 'compiler.ts', from: 'matches.push({ peers: id, ports: range })', to: 'matches.push({ ports: range })' },
  { file: 'compiler.ts', from: '(address: string) => isInside(address, peers.blocks)', to: '() => true' },
  {
    file: 'compiler.ts',
    from: 'if (peers === undefined || peers.blocks.length > 0) {',
    to: 'if (peers !== undefined && peers.blocks.length > 0) {',
  },
  // Directions.
  { file: 'compiler.ts', from: 'if (!policyTypes.includes(type)) return undefined;', to: '' },
  { file: 'compiler.ts', from: "egress: rulesOf('egress', 'Egress')", to: "egress: rulesOf('ingress', 'Egress')" },
];
