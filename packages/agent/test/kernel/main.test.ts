import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { listenHttp } from '../../src/listener.ts';

/** The process as a pod starts it: as root, in network and process namespaces of its own, with a folder of manifests. */

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const ADDRESS = '10.99.0.1';

interface Line {
  readonly level: string;
  readonly module: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

interface Start {
  /** JavaScript that runs in the process before its main. */
  readonly preload?: string;
  /** Words before the command. */
  readonly wrapper?: readonly string[];
}

async function agent(t: Test, argv: readonly string[], { preload, wrapper = [] }: Start = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'routelet-main-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const cni = join(folder, '10-kuberouter.conflist');
  const plugins = [{ type: 'bridge', bridge: 'kube-bridge', ipam: { type: 'host-local' } }];
  await writeFile(cni, JSON.stringify({ cniVersion: '0.3.0', name: 'mynet', plugins }));
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1' },
    spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] },
    status: { addresses: [{ type: 'InternalIP', address: ADDRESS }] },
  };
  await writeFile(join(folder, 'n1.yaml'), JSON.stringify(node));
  const env = {
    ...process.env,
    KUBE_ROUTER_CNI_CONF_FILE: cni,
    ROUTELET_STATE_DIRECTORY: join(folder, 'state'),
    XTABLES_LOCKFILE: join(folder, 'xtables.lock'),
  };
  const imports = preload === undefined ? [] : ['--import', `data:text/javascript,${preload}`];
  const words = [
    ...wrapper,
    process.execPath,
    ...imports,
    MAIN,
    `--manifests=${folder}`,
    '--hostname-override=n1',
    ...argv,
  ];
  const child = spawn(words[0] ?? '', words.slice(1), {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const lines: Line[] = [];
  const reading = readLines(child, lines);
  const ended = once(child, 'exit').then(async ([code]) => {
    await reading;
    return code as number | null;
  });
  /** The first line that says so; fails when the process ends without it. */
  const says = async (message: RegExp): Promise<Line> => {
    for (;;) {
      const line = lines.find((one) => message.test(one.message));
      if (line !== undefined) return line;
      const next = await Promise.race([once(child.stderr, 'data').then(() => 'data'), ended.then(() => 'end')]);
      if (next === 'end') throw new Error(`expected ${message}, got ${lines.map((one) => one.message).join('; ')}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { child, lines, says, ended };
}

function hasIpvs(): Promise<boolean> {
  return access('/proc/net/ip_vs').then(
    () => true,
    () => false,
  );
}

async function readLines(child: ChildProcess, lines: Line[]): Promise<void> {
  let rest = '';
  child.stderr?.setEncoding('utf8');
  for await (const chunk of child.stderr ?? []) {
    const parts = `${rest}${chunk}`.split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.map((part) => JSON.parse(part) as Line));
  }
}

t.before(() => {
  const ip = (words: string) => execFileSync('ip', words.split(' '));
  ip('link add lan0 type veth peer name lan1');
  ip('link set lan0 up');
  ip('link set lan1 up');
  ip(`address add ${ADDRESS}/24 dev lan0`);
});

t.test('starts, tells what is not built once each, answers, and SIGTERM ends it with 0', async (t) => {
  const { child, lines, says, ended } = await agent(t, ['--metrics-port=8080']);
  const started = await says(/^started$/);
  t.comment(`| resident memory after start: ${started['rssMb']} MB`);
  const unbuilt = lines.filter(({ message }) => message.endsWith('is not built yet and stays off'));
  t.same(
    unbuilt.map((line) => [line.level, line['flag']]),
    [
      ['warn', '--disable-source-dest-check'],
      ['warn', '--gobgp-admin-port'],
    ],
  );
  const health = await fetch('http://127.0.0.1:20244/healthz');
  t.same([health.status, await health.text()], [200, 'OK\n']);
  const metrics = await (await fetch('http://127.0.0.1:8080/metrics')).text();
  t.match(metrics, /^kube_router_build_info\{/m);
  child.kill('SIGTERM');
  t.equal(await ended, 0);
  t.same(
    lines.slice(-1).map(({ message }) => message),
    ['stopped'],
  );
  const errors = lines.filter(({ level }) => level === 'error').map(({ message }) => message);
  // The service proxy is on, as in the original; a kernel that has no IPVS is told of once, and the rest runs.
  if (await hasIpvs()) t.same(errors, []);
  else t.match(errors, [/^this kernel has no IPVS: expected the module ip_vs .*: services are not served$/]);
});

t.test('SIGINT ends it with 0 too', async (t) => {
  const { child, says, ended } = await agent(t, []);
  await says(/^started$/);
  child.kill('SIGINT');
  t.equal(await ended, 0);
});

t.test('a fault that nobody handles ends it with 1', async (t) => {
  for (const fault of ["throw Error('boom')", "Promise.reject(Error('boom'))"]) {
    const { child, lines, says, ended } = await agent(t, [], { preload: `process.on('SIGUSR2', () => { ${fault} })` });
    await says(/^started$/);
    child.kill('SIGUSR2');
    t.equal(await ended, 1, fault);
    const [line] = lines.slice(-1);
    t.match(line, { level: 'error', message: /^(uncaught exception|unhandled rejection): /, error: 'boom' });
  }
});

t.test('nothing to run: exit code 0 (P-3)', async (t) => {
  const { says, ended } = await agent(t, ['--run-router=false', '--run-firewall=false', '--run-service-proxy=false']);
  await says(/^nothing to run/);
  t.equal(await ended, 0);
});

t.test('not root: one error (P-2)', async (t) => {
  // In a user namespace without a mapping every process is nobody, and can still read the files of its real user.
  const { lines, ended } = await agent(t, [], { wrapper: ['unshare', '--user'] });
  t.equal(await ended, 1);
  t.match(lines, [{ level: 'error', message: /^not root: expected effective user id 0/ }]);
  t.equal(lines.length, 1);
});

t.test('a port in use: one error, exit code 1', async (t) => {
  const other = await listenHttp({ what: 'x', flag: 'x', address: '', port: 20244, handle: () => {} });
  t.teardown(() => other.close());
  const { lines, ended } = await agent(t, []);
  t.equal(await ended, 1);
  t.match(
    lines.filter(({ level }) => level === 'error'),
    [{ message: 'cannot start', error: 'health cannot listen on * port 20244 (--health-port): the port is in use' }],
  );
});
