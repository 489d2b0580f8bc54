import t from 'tap';
import { policyText, verdictText } from '../../../src/ask/text/policies.ts';
import { answerPolicy, answerVerdict } from '../../../src/policy/answers.ts';
import { PolicyCompiler } from '../../../src/policy/compile/compiler.ts';
import { added, fromClient, NODE, policy, smallCluster } from './objects.ts';

const compiler = new PolicyCompiler(NODE);
compiler.apply(
  added(
    ...smallCluster,
    policy('in', {
      podSelector: { matchLabels: { app: 'web' } },
      ingress: [fromClient],
    }),
    policy('bad', { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ ports: [{ port: 90, endPort: 80 }] }] }),
  ),
);
const addresses: Readonly<Record<string, readonly string[]>> = {
  'x/web': ['10.1.0.1', 'fd00::1'],
  'x/free': ['10.1.0.2'],
  'x/client': ['10.1.1.1'],
};
const verdict = (from: string, to: string, port: number, protocol: 'TCP' | 'UDP' = 'TCP') =>
  answerVerdict(compiler, { from, to, port, protocol }, (name) => addresses[name]);

t.test('policies of a pod', (t) => {
  const answer = answerPolicy(compiler, 'x/web', true);
  t.strictSame(answer.ingress, {
    policies: ['x/bad', 'x/in'],
    matches: [
      { policy: 'x/in', peers: ['10.1.1.1'], ports: ['TCP 80-90'] },
      { policy: 'x/in', peers: ['10.1.1.1'], targets: ['10.1.0.1', 'fd00::1'], ports: ['TCP 8080'] },
    ],
  });
  t.strictSame(answer.egress, { policies: [], matches: [] });
  t.match(answer.problems, [
    { subject: 'x/bad', text: /^NetworkPolicy x\/bad: spec.ingress\[0\].ports\[0\].endPort: / },
  ]);
  const text = policyText(answer);
  t.match(text, /ingress\npolicy +from +own pods +ports\nx\/in +10.1.1.1 +all +TCP 80-90\n/);
  t.match(text, /egress\n {2}open: no policy applies/);
  t.match(policyText({ ...answer, programmed: false }), /not in the kernel yet: it is closed/);
  t.throws(() => answerPolicy(compiler, 'x/client', true), { code: 'not-found', message: /^pod x\/client: expected/ });
  t.end();
});

t.test('verdicts name the policy that allows, or those that do not', (t) => {
  t.match(verdict('x/client', 'x/web', 80), {
    allowed: true,
    verdicts: [{ direction: 'ingress', allowed: true, why: 'x/in lets TCP 80-90 from 10.1.1.1 pass' }],
  });
  const denied = verdict('x/free', 'x/web', 80);
  t.match(denied, {
    allowed: false,
    verdicts: [
      { direction: 'egress', allowed: true, why: 'no policy applies' },
      { direction: 'ingress', allowed: false, why: 'no rule of x/bad, x/in lets it pass' },
    ],
  });
  t.equal(
    verdictText(denied),
    'ok  egress  10.1.0.2 -> 10.1.0.1: no policy applies\nSTOP  ingress  10.1.0.2 -> 10.1.0.1: no rule of x/bad, x/in lets it pass\n\nis refused\n',
  );
  t.equal(verdict('x/client', 'x/web', 8080).allowed, true, 'by the number of a named port');
  t.equal(verdict('x/client', 'x/web', 80, 'UDP').allowed, false);
  t.equal(verdict('192.0.2.1', 'x/free', 1).allowed, true);
  t.throws(() => verdict('x/nobody', 'x/web', 80), { code: 'not-found', message: /^x\/nobody: / });
  t.throws(() => verdict('192.0.2.1', '192.0.2.2', 80), { code: 'not-found', message: /its own node decides/ });
  t.throws(() => verdict('fd00::9', 'x/free', 80), { code: 'bad-question' });
  t.end();
});
