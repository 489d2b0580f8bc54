/** `bgp listen` as a process, against a speaker of ours on the loopback interface. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { createSpeaker } from '../../../src/index.ts';

const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  await once(server, 'close');
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

const all = { name: 'all', statements: [], defaultVerdict: 'accept' } as const;

for (const json of [false, true]) {
  t.test(json ? 'JSON' : 'text', async (t) => {
    const port = await freePort('127.0.0.2');
    const child = spawn(
      process.execPath,
      [
        main,
        'listen',
        '--asn',
        '65000',
        '--router-id',
        '10.0.0.2',
        '--listen',
        '127.0.0.2',
        '--port',
        `${port}`,
        '--peer',
        '127.0.0.1=65001',
        ...(json ? ['--json'] : []),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    t.teardown(() => child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    const speaker = createSpeaker({ asn: 65001, routerId: '10.0.0.1', exportPolicy: all });
    speaker.addPeer({ address: '127.0.0.2', localAddress: '127.0.0.1', port, asn: 65000 });
    speaker.announce({ prefix: '203.0.113.0/24', attributes: { communities: [65001 * 65536 + 7] } });
    await speaker.start();
    t.teardown(() => speaker.stop());
    if (json) {
      t.match(JSON.parse(await next()), { kind: 'peer', peer: '127.0.0.1', state: 'Established' });
      t.match(JSON.parse(await next()), {
        kind: 'best',
        prefix: '203.0.113.0/24',
        nextHop: '127.0.0.1',
        attributes: { asPath: [65001], communities: ['65001:7'] },
      });
      speaker.withdraw('203.0.113.0/24');
      t.strictSame(JSON.parse(await next()), { kind: 'withdrawn', prefix: '203.0.113.0/24' });
    } else {
      t.equal(await next(), '* 127.0.0.1 Established');
      t.equal(await next(), '+ 203.0.113.0/24 via 127.0.0.1 from 127.0.0.1 path 65001');
      speaker.withdraw('203.0.113.0/24');
      t.equal(await next(), '- 203.0.113.0/24');
    }
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    t.equal(code, 0);
  });
}

t.test('the address is taken', async (t) => {
  const server = createServer().listen(0, '127.0.0.2');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  const child = spawn(
    process.execPath,
    [
      main,
      'listen',
      '--asn',
      '65000',
      '--router-id',
      '10.0.0.2',
      '--listen',
      '127.0.0.2',
      '--port',
      `${port}`,
      '--peer',
      '127.0.0.1=65001',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const chunks: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = await once(child, 'close');
  t.equal(code, 1);
  t.match(Buffer.concat(chunks).toString(), /^[^\n]*127\.0\.0\.2[^\n]*\n$/);
});
