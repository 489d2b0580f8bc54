import t from 'tap';
import type { ClusterChange } from '../../../src/cluster/model.ts';
import { PolicyCompiler } from '../../../src/policy/compile/compiler.ts';
import { type CompiledMatch, setKey } from '../../../src/policy/compile/model.ts';
import { added, deleted, modified, NODE, namespace, pod, policy } from './objects.ts';

const compiled = (...changes: ClusterChange[][]) => {
  const compiler = new PolicyCompiler(NODE);
  for (const change of changes) compiler.apply(change);
  return compiler;
};

/** Matches with their sets as lists of elements. */
function shown(compiler: PolicyCompiler, matches: readonly CompiledMatch[] | undefined) {
  return matches?.map(({ peers, targets, ports }) => ({
    ...(peers && { peers: [...compiler.elements(peers)].sort() }),
    ...(targets && { targets: [...compiler.elements(targets)].sort() }),
    ...(ports && { ports: ports.map(({ protocol, first, last }) => `${protocol} ${first}-${last}`) }),
  }));
}

const web = pod('web', ['10.1.0.1', 'fd00::1'], { labels: { app: 'web' }, ports: [['http', 8080]] });
const old = pod('old', ['10.1.0.2'], { labels: { app: 'web' }, ports: [['http', 80]] });
const client = pod('client', ['10.1.1.1'], { labels: { app: 'client' }, node: 'node-2' });
const other = pod('other', ['10.1.1.2'], { namespace: 'y', node: 'node-2', ports: [['http', 9090]] });
const everyone = added(namespace('x'), namespace('y', { team: 'y' }), web, old, client, other);

t.test('who a policy applies to, and what it lets pass', (t) => {
  const compiler = compiled(
    everyone,
    added(
      policy('p', {
        podSelector: { matchLabels: { app: 'web' } },
        ingress: [
          {
            from: [{ podSelector: { matchLabels: { app: 'client' } } }],
            ports: [{ port: 80 }, { port: 81, endPort: 90 }],
          },
          { from: [{ namespaceSelector: { matchLabels: { team: 'y' } } }, { ipBlock: { cidr: '192.0.2.0/24' } }] },
          {},
        ],
      }),
    ),
  );
  t.strictSame([...compiler.elements({ policy: 'x/p', of: 'targets' })].sort(), ['10.1.0.1', '10.1.0.2', 'fd00::1']);
  t.strictSame(shown(compiler, compiler.policy('x/p')?.ingress), [
    { peers: ['10.1.1.1'], ports: ['TCP 80-90'] },
    { peers: ['10.1.1.2'] },
    { peers: ['192.0.2.0/24'] },
    {},
  ]);
  t.equal(compiler.policy('x/p')?.egress, undefined);
  t.match(compiler.localPod('x/web'), { ingress: ['x/p'], egress: [] });
  t.equal(compiler.localPod('x/client'), undefined, 'a pod of another node');
  t.end();
});

t.test('T-20, T-21: a named port is open on its owners alone, each under its own number', (t) => {
  const compiler = compiled(
    everyone,
    added(
      policy('named', { podSelector: {}, ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 'http' }] }] }),
      policy('nowhere', { podSelector: {}, ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 'nothing' }] }] }),
    ),
  );
  const peers = ['10.1.0.1', '10.1.0.2', '10.1.1.1', 'fd00::1'];
  t.strictSame(shown(compiler, compiler.policy('x/named')?.ingress), [
    { peers, targets: ['10.1.0.2'], ports: ['TCP 80-80'] },
    { peers, targets: ['10.1.0.1', 'fd00::1'], ports: ['TCP 8080-8080'] },
  ]);
  t.strictSame(compiler.policy('x/nowhere')?.ingress, [], 'nothing passes');
  const change = compiler.apply(deleted(old));
  t.ok(change.policies.has('x/named'), 'a number that nobody owns any more is no rule');
  t.equal(compiler.policy('x/named')?.ingress?.length, 1);
  t.end();
});

t.test('T-23: a named port of egress is open towards its owners, also in a block and in all the world', (t) => {
  const egress = (to: unknown[]) => ({
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [{ to, ports: [{ port: 'http' }] }],
  });
  const compiler = compiled(
    everyone,
    added(
      policy('any', egress([])),
      policy('block', egress([{ ipBlock: { cidr: '10.1.0.0/24', except: ['10.1.0.2/32'] } }])),
      policy('pods', egress([{ namespaceSelector: { matchLabels: { team: 'y' } } }])),
    ),
  );
  t.strictSame(shown(compiler, compiler.policy('x/any')?.egress), [
    { peers: ['10.1.0.2'], ports: ['TCP 80-80'] },
    { peers: ['10.1.0.1', 'fd00::1'], ports: ['TCP 8080-8080'] },
    { peers: ['10.1.1.2'], ports: ['TCP 9090-9090'] },
  ]);
  t.strictSame(shown(compiler, compiler.policy('x/block')?.egress), [
    { peers: ['10.1.0.1'], ports: ['TCP 8080-8080'] },
  ]);
  t.strictSame(shown(compiler, compiler.policy('x/pods')?.egress), [{ peers: ['10.1.1.2'], ports: ['TCP 9090-9090'] }]);
  t.end();
});

t.test('T-22, T-24: ::/0 is whole, and an exception is that of its own peer', (t) => {
  const from = [
    { ipBlock: { cidr: '10.0.0.0/30', except: ['10.0.0.0/31'] } },
    { ipBlock: { cidr: '10.0.0.1/32' } },
    { ipBlock: { cidr: '::/0' } },
  ];
  const compiler = compiled(added(policy('p', { podSelector: {}, ingress: [{ from }] })));
  t.strictSame(shown(compiler, compiler.policy('x/p')?.ingress), [{ peers: ['10.0.0.1/32', '10.0.0.2/31', '::/0'] }]);
  t.end();
});

t.test('N-1: pods that have ended, have no address or live in the host network are known to no policy', (t) => {
  const all = policy('all', { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] });
  const ended = pod('ended', ['10.1.0.8'], { phase: 'Succeeded' });
  const host = pod('host', ['192.0.2.1'], { hostNetwork: true });
  const pending = pod('pending', ['10.1.0.9'], { phase: 'Pending' });
  const compiler = compiled(added(all, ended, host, pod('new', []), pending));
  t.strictSame(shown(compiler, compiler.policy('x/all')?.ingress), [{ peers: ['10.1.0.9'] }]);
  t.strictSame(
    compiler.localPods().map(({ key }) => key),
    ['x/pending'],
  );
  compiler.apply(modified(pod('pending', ['10.1.0.9'], { phase: 'Failed' }), pending));
  t.strictSame(compiler.localPods(), []);
  t.end();
});

t.test('a change touches what it concerns and nothing else', (t) => {
  const policies = [
    policy('p', {
      podSelector: { matchLabels: { app: 'web' } },
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }],
    }),
    policy('q', {
      podSelector: { matchLabels: { app: 'db' } },
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }],
    }),
  ];
  const compiler = compiled(everyone, added(...policies));
  const second = pod('second', ['10.1.1.9'], { labels: { app: 'client' }, node: 'node-2' });
  const came = compiler.apply(added(second));
  t.strictSame([...came.policies], []);
  t.strictSame([...came.pods], []);
  t.strictSame([...came.sets.keys()], ['x/p ingress 0 pods']);
  t.strictSame([...(came.sets.get('x/p ingress 0 pods')?.added ?? [])], ['10.1.1.9']);

  const moved = compiler.apply(
    modified(pod('second', ['10.1.1.10'], { labels: { app: 'client' }, node: 'node-2' }), second),
  );
  const set = moved.sets.get('x/p ingress 0 pods');
  t.strictSame([[...(set?.added ?? [])], [...(set?.removed ?? [])]], [['10.1.1.10'], ['10.1.1.9']]);

  t.equal(compiler.apply(modified(web, web)).sets.size, 0, 'the same again');
  const relabelled = compiler.apply(modified(pod('web', ['10.1.0.1', 'fd00::1'], { labels: { app: 'db' } }), web));
  t.strictSame([...relabelled.pods], ['x/web']);
  t.strictSame([...relabelled.policies], []);
  t.strictSame([...relabelled.sets.keys()].sort(), ['x/p targets', 'x/q ingress 0 pods', 'x/q targets']);
  t.match(compiler.localPod('x/web'), { ingress: ['x/q'] });

  const edited = compiler.apply(
    modified(policy('q', { podSelector: { matchLabels: { app: 'db' } } }), policies[1] ?? web),
  );
  t.strictSame([...edited.policies], ['x/q']);
  t.strictSame([...edited.sets.keys()], ['x/q ingress 0 pods'], 'its targets are the same');
  t.end();
});

t.test('labels of a namespace move its pods', (t) => {
  const compiler = compiled(
    everyone,
    added(
      policy('p', { podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'y' } } }] }] }),
    ),
  );
  const change = compiler.apply(modified(namespace('y'), namespace('y', { team: 'y' })));
  t.strictSame([...(change.sets.get('x/p ingress 0 pods')?.removed ?? [])], ['10.1.1.2']);
  const byName = { matchLabels: { 'kubernetes.io/metadata.name': 'y' } };
  compiler.apply(added(policy('n', { podSelector: {}, ingress: [{ from: [{ namespaceSelector: byName }] }] })));
  t.strictSame(compiler.elements({ policy: 'x/n', of: 'pods', direction: 'ingress', rule: 0 }), ['10.1.1.2']);
  t.end();
});

t.test('what cannot be meant is named and closed', (t) => {
  const ingress = (rule: unknown) => ({ podSelector: {}, ingress: [{}, rule] });
  const cases: readonly (readonly [spec: unknown, path: string, text: RegExp])[] = [
    [ingress({ from: [{}] }), 'spec.ingress[1].from[0].', /expected a podSelector/],
    [
      ingress({ from: [{ ipBlock: { cidr: '10.0.0.1' } }] }),
      'spec.ingress[1].from[0].ipBlock.cidr',
      /got "10\.0\.0\.1"/,
    ],
    [
      ingress({ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/8'] } }] }),
      'spec.ingress[1].from[0].ipBlock.except[0]',
      /inside of 10\.0\.0\.0\/8, got "11/,
    ],
    [ingress({ ports: [{ port: 90, endPort: 80 }] }), 'spec.ingress[1].ports[0].endPort', /from 90 \(the port\)/],
    [ingress({ ports: [{ port: 'http', endPort: 80 }] }), 'spec.ingress[1].ports[0].endPort', /beside the name "http"/],
    [ingress({ ports: [{ port: 70000 }] }), 'spec.ingress[1].ports[0].port', /got 70000/],
    [
      ingress({ from: [{ podSelector: { matchExpressions: [{ key: 'a', operator: 'Like', values: ['b'] }] } }] }),
      'spec.ingress[1].from[0].podSelector.matchExpressions[0].operator',
      /unknown operator "Like"/,
    ],
    [
      { podSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] }, ingress: [{}] },
      'spec.podSelector.matchExpressions[0].values',
      /needs values/,
    ],
  ];
  t.ok(cases.length > 0);
  for (const [spec, path, text] of cases) {
    const compiler = compiled(everyone, added(policy('p', spec)));
    t.match(compiler.policy('x/p'), { ingress: [], problems: [{ policy: 'x/p', path, text }] }, path);
    t.match(compiler.localPod('x/web'), { ingress: ['x/p'] }, 'its pods are closed');
  }
  const egress = compiled(everyone, added(policy('p', { ...ingress({ from: [{}] }), egress: [{}] })));
  t.strictSame(egress.policy('x/p')?.egress, [{}], 'the other direction is as it says');
  t.end();
});

t.test('every set has a name of its own', (t) => {
  const rule = { policy: 'x/p', direction: 'ingress', rule: 0 } as const;
  const names = [
    setKey({ policy: 'x/p', of: 'targets' }),
    setKey({ ...rule, of: 'pods' }),
    setKey({ ...rule, of: 'blocks' }),
    setKey({ ...rule, of: 'named-port', protocol: 'TCP', port: 80 }),
    setKey({ ...rule, of: 'named-port', protocol: 'UDP', port: 80 }),
    setKey({ ...rule, rule: 1, of: 'pods' }),
    setKey({ ...rule, direction: 'egress', of: 'pods' }),
  ];
  t.equal(new Set(names).size, names.length);
  t.end();
});
