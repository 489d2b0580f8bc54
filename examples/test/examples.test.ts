/** Each example runs as its first comment says, against a speaker in this process. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import t from 'tap';
import { changeOf, freePort, runExample, startSpeaker } from './run-example.ts';

const prefix = '203.0.113.0/24';

t.test('collector', async (t) => {
  const port = await freePort('127.0.1.1');
  const example = runExample(t, 'collector.ts', [
    '--listen',
    '127.0.1.1',
    '--port',
    `${port}`,
    '--peer',
    '127.0.1.2=65001',
  ]);
  const peer = { address: '127.0.1.1', localAddress: '127.0.1.2', port, asn: 65000 };
  const speaker = await startSpeaker(t, { asn: 65001, routerId: '192.0.2.1' }, [peer]);
  speaker.announce({ prefix, attributes: { multiExitDisc: 7 } });
  t.strictSame(JSON.parse(await example.line()), {
    prefix,
    from: '127.0.1.2',
    nextHop: '127.0.1.2',
    origin: 'igp',
    asPath: [65001],
    multiExitDisc: 7,
  });
  speaker.withdraw(prefix);
  t.strictSame(JSON.parse(await example.line()), { prefix, withdrawn: true });
  t.equal(await example.end('SIGTERM'), 0);
});

t.test('look at a peer', async (t) => {
  const port = await freePort('127.0.2.1');
  const listen = [{ address: '127.0.2.1', port }];
  const peer = { address: '127.0.2.2', asn: 65000, passive: true, gracefulRestart: true };
  const speaker = await startSpeaker(t, { asn: 65001, routerId: '192.0.2.1', listen }, [peer]);
  speaker.announce({ prefix });
  speaker.announce({ prefix: '198.51.100.0/24' });
  const args = ['--port', `${port}`, '--local-address', '127.0.2.2', '127.0.2.1=65001'];
  const example = runExample(t, 'look-at-peer.ts', args);
  const lines = [await example.line(), await example.line()];
  t.match(lines.sort(), [
    /^198\.51\.100\.0\/24 127\.0\.2\.1 \{/,
    /^203\.0\.113\.0\/24 127\.0\.2\.1 \{.*"asPath":\[65001\]/,
  ]);
  t.equal(await example.end(), 0);

  const nobody = runExample(t, 'look-at-peer.ts', [
    '--wait-seconds',
    '1',
    '--port',
    `${port}`,
    '--local-address',
    '127.0.2.3',
    '127.0.2.3=65001',
  ]);
  const complaints: string[] = [];
  while (!complaints.at(-1)?.startsWith('no whole table')) complaints.push(await nobody.complaint());
  t.equal(await nobody.end(), 1);
});

t.test('anycast with a health check', async (t) => {
  const port = await freePort('127.0.3.1');
  const listen = [{ address: '127.0.3.1', port }];
  const peer = { address: '127.0.3.2', asn: 65000, passive: true };
  const speaker = await startSpeaker(t, { asn: 65001, routerId: '192.0.2.1', listen }, [peer]);
  const servicePort = await freePort('127.0.3.2');
  const service = createServer((socket) => socket.destroy());
  const args = [
    '--port',
    `${port}`,
    '--local-address',
    '127.0.3.2',
    '--check',
    `127.0.3.2:${servicePort}`,
    '--interval-ms',
    '50',
    '127.0.3.1=65001',
  ];
  const example = runExample(t, 'anycast.ts', args);
  const there = changeOf(speaker, (kind, changed) => kind === 'best' && changed === '203.0.113.53/32');
  service.listen(servicePort, '127.0.3.2');
  await once(service, 'listening');
  t.match(await example.line(), /answers: 203\.0\.113\.53\/32 announced/);
  await there;
  t.equal(speaker.bestPath('203.0.113.53/32')?.nextHop, '127.0.3.2');
  const gone = changeOf(speaker, (kind) => kind === 'withdrawn');
  service.close();
  t.match(await example.line(), /failed 3 times: 203\.0\.113\.53\/32 withdrawn/);
  await gone;
  t.equal(speaker.bestPath('203.0.113.53/32'), undefined);
  t.equal(await example.end('SIGTERM'), 0);
});

t.test('route server', async (t) => {
  const port = await freePort('127.0.4.1');
  const example = runExample(t, 'route-server.ts', [
    '--listen',
    '127.0.4.1',
    '--port',
    `${port}`,
    '127.0.4.2=65002',
    '127.0.4.3=65003',
  ]);
  const member = (last: number) =>
    startSpeaker(t, { asn: 65000 + last, routerId: `192.0.2.${last}` }, [
      // RFC 7947 §2.2.2.2: the first AS in the path is not the route server's.
      { address: '127.0.4.1', localAddress: `127.0.4.${last}`, port, asn: 65500, enforceFirstAs: false },
    ]);
  const [two, three] = await Promise.all([member(2), member(3)]);
  const arrives = changeOf(three, (kind, changed) => kind === 'best' && changed === prefix);
  two.announce({ prefix: '10.0.0.0/25' });
  two.announce({ prefix: '198.51.100.0/24', attributes: { communities: [65003] } });
  two.announce({ prefix });
  await arrives;
  const path = three.bestPath(prefix);
  t.strictSame(
    path?.attributes.asPath,
    [{ kind: 'sequence', asns: [65002] }],
    'the route server is not in the AS path',
  );
  t.equal(path?.nextHop, '127.0.4.2', 'nor in the next hop');
  t.equal(three.bestPath('198.51.100.0/24'), undefined, '0:65003 keeps a route from AS 65003');
  t.equal(three.bestPath('10.0.0.0/25'), undefined, 'too long for an exchange');
  t.equal(await example.end('SIGTERM'), 0);
});

t.test('routes by standard input', async (t) => {
  const port = await freePort('127.0.5.1');
  const listen = [{ address: '127.0.5.1', port }];
  const peer = { address: '127.0.5.2', asn: 65000, passive: true };
  const speaker = await startSpeaker(t, { asn: 65001, routerId: '192.0.2.1', listen }, [peer]);
  const example = runExample(t, 'announce-from-stdin.ts', [
    '--port',
    `${port}`,
    '--local-address',
    '127.0.5.2',
    '127.0.5.1=65001',
  ]);
  const there = changeOf(speaker, (kind, changed) => kind === 'best' && changed === prefix);
  example.process.stdin.write(`announce route ${prefix} next-hop 192.0.2.77 med 10 community [65000:1 65000:2]\n`);
  await there;
  t.match(speaker.bestPath(prefix), {
    nextHop: '192.0.2.77',
    attributes: { multiExitDisc: 10, communities: [65000 * 65536 + 1, 65000 * 65536 + 2] },
  });
  for (const [line, complaint] of [
    ['hello', /^hello: neither "announce route" nor "withdraw route"$/],
    ['announce route 10.0.0.0/33', /^announce route 10\.0\.0\.0\/33: .*10\.0\.0\.0\/33/],
    ['announce route 10.0.0.0/8 colour 1', /"colour" is not known$/],
    ['announce route 10.0.0.0/8 med x', /"x" is no number$/],
  ] as const) {
    example.process.stdin.write(`${line}\n`);
    t.match(await example.complaint(), complaint);
  }
  const gone = changeOf(speaker, (kind) => kind === 'withdrawn');
  example.process.stdin.write(`withdraw route ${prefix}\n`);
  await gone;
  example.process.stdin.end();
  t.equal(await example.end(), 0);
});

t.test('decode an UPDATE', async (t) => {
  const hex = `${'ff'.repeat(16)}002f0200000014${'40010100'}${'40020602010000fde9'}${'4003040a000001'}18c63364`;
  const example = runExample(t, 'decode-update.ts', [hex, 'ff00']);
  const lines: string[] = [];
  while (lines.at(-1) !== '}') lines.push(await example.line());
  t.strictSame(JSON.parse(lines.join('\n')), {
    kind: 'update',
    attributes: { origin: 'igp', asPath: [65001], nextHop: '10.0.0.1' },
    nlri: ['198.51.100.0/24'],
  });
  t.match(await example.complaint(), /^BGP_MESSAGE_LENGTH: 2 bytes are no message/);
  t.equal(await example.end(), 1);
});
