import { spawnSync } from 'node:child_process';
import t from 'tap';
import { projectRoot } from '../../src/levels/needs.ts';

const demo = () => {
  const started = performance.now();
  const result = spawnSync('npm', ['run', '--silent', 'demo'], {
    cwd: projectRoot,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { ...result, seconds: (performance.now() - started) / 1000 };
};

t.test('npm run demo shows a cluster that works, twice', async (t) => {
  for (const round of ['first', 'second']) {
    const { status, stdout, stderr, seconds } = demo();
    t.equal(status, 0, `${round} run: ${stderr}\n${stdout}`);
    t.match(stdout, /Established/, 'sessions are shown');
    t.match(stdout, /proto 17|proto mrouted/, 'kernel routes are shown');
    t.match(stdout, /refused +refused/, 'a policy closes');
    t.match(
      stdout,
      /A Service has one address for all pods: left out|every pod is answered at/,
      'a Service, or why not',
    );
    t.comment(`| ${round} run of the demo: ${seconds.toFixed(1)} s`);
  }
});
