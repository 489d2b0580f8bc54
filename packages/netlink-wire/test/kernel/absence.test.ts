/** What the machine may lack: koffi, and memory to send with. Each case runs in a process of its own. */
import { spawnSync } from 'node:child_process';
import t from 'tap';

const index = new URL('../../src/index.ts', import.meta.url).href;

function run(script: string, options: { readonly node?: readonly string[]; readonly under?: readonly string[] } = {}) {
  const words = [
    ...(options.under ?? []),
    process.execPath,
    ...(options.node ?? []),
    '--input-type=module',
    '-e',
    script,
  ];
  const [command = '', ...rest] = words;
  const { stdout, status } = spawnSync(command, rest, { encoding: 'utf8', timeout: 30_000 });
  return { output: stdout.trim(), status };
}

t.test('koffi is not installed', async (t) => {
  const hooks = `import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) {
      if (name === 'koffi') throw Object.assign(new Error('none'), { code: 'ERR_MODULE_NOT_FOUND' });
      return next(name, context);
    } });`;
  const { output, status } = run(
    `import { Rtnetlink } from '${index}';
     const client = await Rtnetlink.open();
     const [link] = await client.links();
     const [error] = await client.apply([{ kind: 'link', action: 'delete', object: { name: 'none' } }]);
     console.log(client.extendedAck, link.name, error.code);
     client.close();`,
    { node: ['--import', `data:text/javascript,${encodeURIComponent(hooks)}`] },
  );
  t.equal(output, 'false lo ENODEV');
  t.equal(status, 0);
});

t.test('the kernel answers every send with ENOBUFS', async (t) => {
  const { output, status } = run(
    `import { Rtnetlink } from '${index}';
     const client = await Rtnetlink.open({ stallMs: 200 });
     const error = await client.links().catch((reason) => reason);
     const [other] = await client.apply([{ kind: 'link', action: 'delete', object: { name: 'none' } }]);
     console.log(error.code, other.code);
     client.close();`,
    { under: ['strace', '-f', '-o', '/dev/null', '-e', 'trace=sendmsg', '-e', 'inject=sendmsg:error=ENOBUFS'] },
  );
  t.equal(output, 'ESTALLED ESTALLED');
  t.equal(status, 0, 'and the process ends');
});

t.test('sends are refused for a moment and then taken', async (t) => {
  const { output, status } = run(
    `import { Rtnetlink } from '${index}';
     const client = await Rtnetlink.open();
     const [link] = await client.links();
     console.log(link.name);
     client.close();`,
    {
      under: ['strace', '-f', '-o', '/dev/null', '-e', 'trace=sendmsg', '-e', 'inject=sendmsg:error=ENOBUFS:when=1..3'],
    },
  );
  t.equal(output, 'lo');
  t.equal(status, 0);
});
