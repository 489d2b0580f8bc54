/**
 * The one direction of imports (CONTRIBUTING.md, "Layers"). Packages and the layers inside them are listed from the
 * bottom up: a file may import what stands in its own layer or before it. Core files know no Node module and no native
 * code; what does is named here as a shell. No cycles, types included.
 */

const packages = {
  'netlink-wire': {
    mayImport: [],
    layers: [
      'constants|errors\\.ts',
      'wire',
      'attribute',
      'message',
      'rtnetlink|generic|nfnetlink|ipset|ipvs|conntrack',
      'socket|fake',
      'client',
    ],
    shells: ['socket/', 'client/', 'index\\.ts'],
  },
  bgp: {
    mayImport: [],
    layers: [
      'wire|iana\\.ts|errors\\.ts|ports\\.ts|socket\\.ts|libc\\.ts',
      'address\\.ts|family',
      'attribute|capability',
      'message',
      'mrt|pcap',
      'codec\\.ts',
      'fsm',
      'policy',
      'session',
      'table',
      'bfd',
      'speaker',
      'simulator|recorder',
      'index\\.ts|cli',
    ],
    shells: [
      'libc\\.ts',
      'bfd/node-[^/]+\\.ts',
      'recorder/node-[^/]+\\.ts',
      'session/node-[^/]+\\.ts',
      'session/tcp-options\\.ts',
      'speaker/create-speaker\\.ts',
      'speaker/node-[^/]+\\.ts',
      'cli/',
      'index\\.ts',
    ],
  },
  rib: {
    mayImport: ['netlink-wire'],
    layers: ['errors\\.ts|model\\.ts', 'table', 'fib', 'shell', 'index\\.ts'],
    shells: ['shell/', 'index\\.ts'],
  },
  agent: {
    mayImport: ['netlink-wire', 'rib', 'bgp'],
    layers: [
      'options|cluster|health|metrics|log\\.ts|listener\\.ts|repeat-filter\\.ts|node-name\\.ts|ask/model\\.ts',
      'annotations',
      'service',
      'kernel',
      'module\\.ts|problem\\.ts|problem-log\\.ts|work-loop\\.ts',
      'policy',
      'router',
      'proxy',
      'ask/(?!model)|cleanup',
      'daemon\\.ts',
      'main\\.ts',
    ],
    shells: [
      '(?!annotations/|service/|policy/compile/|proxy/(?:model|endpoints|service-plan|proxy-table|ipvs-plan|ownership|held-addresses|forwarding|flows)\\.ts|ask/(?!main|server|client)|kernel/[^/]*plan\\.ts|kernel/(?:rule|icmp-rules|saved-table)\\.ts)',
    ],
  },
};

const NATIVE = '(^|node_modules/)(netlink|koffi)(/|$)';
const src = (name) => `^packages/${name}/src/`;
const within = (name, parts) => parts.map((part) => `${src(name)}(?:${part})`);

function rules([name, { mayImport, layers, shells }]) {
  const strangers = Object.keys(packages).filter((other) => other !== name && !mayImport.includes(other));
  return [
    {
      name: `${name}: packages import down`,
      comment: `packages/${name} imports ${mayImport.join(', ') || 'no package of ours'}`,
      severity: 'error',
      from: { path: src(name) },
      to: {
        path: [
          ...strangers.flatMap((other) => [src(other), `^@routelet/${other}$`]),
          '^(lab|bench|examples|deploy)/',
          '/test/',
        ],
      },
    },
    ...layers.map((layer, index) => ({
      name: `${name}: ${layer} imports down`,
      severity: 'error',
      from: { path: within(name, [layer]) },
      to: { path: within(name, layers.slice(index + 1)), pathNot: within(name, [layer]) },
    })),
    {
      name: `${name}: core knows no Node and no native code`,
      severity: 'error',
      from: { path: src(name), pathNot: within(name, shells) },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: `${name}: native code stays in shells`,
      severity: 'error',
      from: { path: src(name), pathNot: within(name, shells) },
      to: { path: NATIVE },
    },
  ].filter(({ to }) => to.path === undefined || to.path.length > 0);
}

export default {
  forbidden: [
    { name: 'no cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no unresolved import', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...Object.entries(packages).flatMap(rules),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/(dist|fixtures)/' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
    parser: 'swc',
    tsPreCompilationDeps: true,
  },
};
