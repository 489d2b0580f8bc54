/** The transport of a real process on 127.0.0.1: back-pressure both ways, and the ways a connection ends. */
import t, { type Test } from 'tap';
import type { Connection } from '../../../src/ports.ts';
import { nodeTransport } from '../../../src/session/node-transport.ts';

/** Both ends of one connection. */
async function pair(test: Test): Promise<[Connection, Connection]> {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await nodeTransport.listen({ address: '127.0.0.1', port: 0 }, accepted.resolve);
  const connected = Promise.withResolvers<Connection>();
  nodeTransport.connect({ remoteAddress: '127.0.0.1', remotePort: listener.port }, connected.resolve, connected.reject);
  const ends: [Connection, Connection] = [await connected.promise, await accepted.promise];
  test.teardown(async () => {
    for (const end of ends) end.destroy();
    await listener.close();
  });
  return ends;
}

t.test('addresses and ports are those of both ends', async (test) => {
  const [a, b] = await pair(test);
  test.same([a.localAddress, a.localPort, a.remotePort], [b.remoteAddress, b.remotePort, b.localPort]);
});

t.test('a peer that does not read fills the queue; when it reads, the queue drains and all arrives', async (test) => {
  const [a, b] = await pair(test);
  const drained = new Promise<void>((resolve) => {
    a.onDrain = resolve;
  });
  let sent = 0;
  let received = 0;
  let calls = 0;
  const chunk = new Uint8Array(65_536);
  do sent += chunk.length;
  while (a.write(chunk) && sent < 2 ** 30);
  test.ok(sent < 2 ** 30, 'write said stop');
  test.ok(a.queuedBytes > 0);
  const all = new Promise<void>((resolve) => {
    b.onData = (bytes) => {
      received += bytes.length;
      calls += 1;
      if (calls === 3) {
        b.pause();
        setImmediate(() => b.resume());
      }
      if (received === sent) resolve();
    };
  });
  test.equal(received, 0, 'nothing is read before resume');
  b.resume();
  await drained;
  await all;
  test.equal(a.queuedBytes, 0);
});

t.test('end sends what is queued; the other side reads it and sees the end without an error', async (test) => {
  const [a, b] = await pair(test);
  const received: string[] = [];
  const closed = new Promise<Error | undefined>((resolve) => {
    b.onClose = resolve;
  });
  b.onData = (bytes) => void received.push(Buffer.from(bytes).toString());
  b.resume();
  a.write(Buffer.from('last words'));
  a.end();
  test.equal(await closed, undefined);
  test.same(received, ['last words']);
  test.notOk(b.write(Uint8Array.of(1)), 'nothing can be written any more');
});

t.test('destroy tells the other side, and not this one', async (test) => {
  const [a, b] = await pair(test);
  const told: string[] = [];
  a.onClose = () => void told.push('a');
  const closed = new Promise<void>((resolve) => {
    b.onClose = () => resolve();
  });
  b.resume();
  a.destroy();
  await closed;
  test.same(told, []);
});

t.test('a cancelled attempt calls nobody', async (test) => {
  const listener = await nodeTransport.listen({ address: '127.0.0.1', port: 0 }, (connection) => {
    connection.onClose = () => void arrived.resolve();
    connection.resume();
  });
  const arrived = Promise.withResolvers<void>();
  const called: string[] = [];
  const options = { remoteAddress: '127.0.0.1', remotePort: listener.port };
  const attempt = nodeTransport.connect(
    options,
    () => void called.push('connected'),
    () => void called.push('failed'),
  );
  attempt.cancel();
  // A later attempt that comes through shows that the first had its time.
  const later = Promise.withResolvers<Connection>();
  nodeTransport.connect(options, later.resolve, later.reject);
  (await later.promise).destroy();
  await arrived.promise;
  test.same(called, []);
  await listener.close();
});
