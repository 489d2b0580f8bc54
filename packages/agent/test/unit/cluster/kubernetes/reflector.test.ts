import t, { type Test } from 'tap';
import { ApiClient } from '../../../../src/cluster/kubernetes/api.ts';
import { KubernetesSource } from '../../../../src/cluster/kubernetes/source.ts';
import { ClusterStore } from '../../../../src/cluster/store.ts';
import { capturedLog } from '../../captured-log.ts';
import { nodesBecome } from '../store-content.ts';
import { rawList, rawNode, rawStatus, scriptedServer } from './api-server.ts';

async function setUp(t: Test, pause = async (_ms: number) => {}) {
  const server = await scriptedServer(t);
  const store = new ClusterStore();
  const changes: string[] = [];
  store.subscribe((turn) => changes.push(...turn.map(({ type, object }) => `${type} ${object.metadata.name}`)));
  const { log, lines, says } = capturedLog();
  let lists = 0;
  const pauses: number[] = [];
  const source = new KubernetesSource(['Node'], {
    api: new ApiClient({ server: server.url, authorise: async () => {} }),
    store,
    log,
    now: () => 0,
    random: () => 0.5,
    listed: () => {
      lists += 1;
    },
    pause: async (ms) => {
      pauses.push(ms);
      await pause(ms);
      await new Promise((resolve) => setImmediate(resolve));
    },
  });
  const synced = source.start(new AbortController().signal);
  t.teardown(() => source.stop());
  const becomes = async (...wanted: readonly string[]) => {
    await nodesBecome(store, wanted);
    t.pass(`the store has ${wanted}`);
  };
  return { server, source, synced, changes, lines, says, pauses, becomes, lists: () => lists };
}

/** Answers the first list and gives the watch that follows. */
async function listed(setup: Awaited<ReturnType<typeof setUp>>, nodes = [rawNode('a', '1'), rawNode('b', '2')]) {
  const list = await setup.server.next();
  list.json(200, rawList('10', nodes));
  await setup.synced;
  const watch = await setup.server.next();
  watch.response.writeHead(200);
  return watch;
}

t.test('list, then watch from its version', async (t) => {
  const setup = await setUp(t);
  const list = await setup.server.next();
  t.equal(list.path, '/api/v1/nodes');
  t.equal(list.query.get('resourceVersion'), '0', 'the first list may come from the cache of the server');
  list.json(200, rawList('10', [rawNode('a', '1')]));
  await setup.synced;
  await setup.becomes('a 10.244.1.0/24');
  const watch = await setup.server.next();
  t.ok(watch.isWatch);
  t.equal(watch.query.get('resourceVersion'), '10');
  t.equal(watch.query.get('allowWatchBookmarks'), 'true');
  t.equal(watch.query.get('timeoutSeconds'), '450');
  watch.event('ADDED', rawNode('b', '11'));
  watch.event('MODIFIED', rawNode('a', '12', '10.244.9.0/24'));
  await setup.becomes('a 10.244.9.0/24', 'b 10.244.1.0/24');
  watch.event('DELETED', rawNode('a', '13'));
  await setup.becomes('b 10.244.1.0/24');
});

t.test('a watch that breaks off resumes at the last version, without a list', async (t) => {
  const setup = await setUp(t);
  const watch = await listed(setup);
  watch.event('MODIFIED', rawNode('a', '11'));
  watch.event('BOOKMARK', { kind: 'Node', metadata: { resourceVersion: '20' } });
  const half = JSON.stringify({ type: 'DELETED', object: rawNode('a', '21') });
  watch.response.write(half.slice(0, 40), () => watch.drop());
  const again = await setup.server.next();
  t.ok(again.isWatch);
  t.equal(again.query.get('resourceVersion'), '20', 'that of the bookmark');
  again.event('DELETED', rawNode('b', '22'));
  await setup.becomes('a 10.244.1.0/24');
  t.same(setup.changes, ['added a', 'added b', 'deleted b']);
  t.equal(setup.lists(), 1);
});

t.test('events in pieces of any size', async (t) => {
  const setup = await setUp(t);
  const watch = await listed(setup, []);
  const bytes = Buffer.from(`${JSON.stringify({ type: 'ADDED', object: { ...rawNode('ä', '11') } })}\n\n`);
  for (const byte of bytes) await new Promise((resolve) => watch.response.write(Buffer.of(byte), resolve));
  await setup.becomes('ä 10.244.1.0/24');
});

t.test('410 in the watch: a new list, applied by its differences', async (t) => {
  const setup = await setUp(t);
  const watch = await listed(setup);
  watch.event('ERROR', rawStatus(410, 'too old resource version: 10 (99)'));
  watch.response.end();
  const list = await setup.server.next();
  t.notOk(list.isWatch);
  t.equal(list.query.get('resourceVersion'), null, 'not from a cache, which may be older than what was seen');
  list.json(200, rawList('100', [rawNode('b', '2'), rawNode('c', '99')]));
  await setup.becomes('b 10.244.1.0/24', 'c 10.244.1.0/24');
  t.same(setup.changes, ['added a', 'added b', 'deleted a', 'added c'], 'b was never touched');
  t.equal((await setup.server.next()).query.get('resourceVersion'), '100');
});

t.test('410 as answer to the watch', async (t) => {
  const setup = await setUp(t);
  (await setup.server.next()).json(200, rawList('10', []));
  (await setup.server.next()).json(410, rawStatus(410, 'Gone'));
  const list = await setup.server.next();
  t.notOk(list.isWatch);
});

t.test('a list in pages; a page that is refused starts over', async (t) => {
  const setup = await setUp(t);
  (await setup.server.next()).json(200, rawList('10', [rawNode('a', '1')], 'token-1'));
  const second = await setup.server.next();
  t.equal(second.query.get('continue'), 'token-1');
  t.equal(second.query.get('resourceVersion'), null);
  second.json(410, rawStatus(410, 'The provided continue parameter is too old'));
  const again = await setup.server.next();
  t.equal(again.query.get('continue'), null);
  again.json(200, rawList('20', [rawNode('a', '1')], 'token-2'));
  (await setup.server.next()).json(200, rawList('20', [rawNode('b', '2')]));
  await setup.synced;
  await setup.becomes('a 10.244.1.0/24', 'b 10.244.1.0/24');
});

t.test('a server that is gone changes nothing', async (t) => {
  const setup = await setUp(t);
  const watch = await listed(setup);
  watch.drop();
  const port = Number(new URL(setup.server.url).port);
  await setup.server.close();
  await setup.says(/cluster is not readable; what is known of it stays in force.*ECONNREFUSED/);
  await setup.becomes('a 10.244.1.0/24', 'b 10.244.1.0/24');
  const back = await scriptedServer(t, port);
  const again = await back.next();
  t.ok(again.isWatch);
  t.equal(again.query.get('resourceVersion'), '10', 'resumed where it was');
  again.response.writeHead(200).flushHeaders();
  await setup.says(/cluster is readable again/);
  again.event('ADDED', rawNode('c', '11'));
  await setup.becomes('a 10.244.1.0/24', 'b 10.244.1.0/24', 'c 10.244.1.0/24');
  t.same(setup.changes, ['added a', 'added b', 'added c']);
});

t.test('ten minutes without a server: asked with less and less haste, and nothing changes', async (t) => {
  const awayMs = 600_000;
  let clockMs = 0;
  const over = Promise.withResolvers<void>();
  const back = Promise.withResolvers<void>();
  const setup = await setUp(t, async (ms) => {
    clockMs += ms;
    if (clockMs < awayMs) return;
    over.resolve();
    await back.promise;
  });
  const watch = await listed(setup);
  const port = Number(new URL(setup.server.url).port);
  watch.drop();
  await setup.server.close();
  await over.promise;
  t.ok(clockMs >= awayMs);
  t.ok(setup.pauses.length < awayMs / 5000 + 10, `asked ${setup.pauses.length} times`);
  t.same(setup.changes, ['added a', 'added b'], 'nobody was told of anything: no route is withdrawn');
  const server = await scriptedServer(t, port);
  back.resolve();
  const again = await server.next();
  again.response.writeHead(200).flushHeaders();
  again.event('DELETED', rawNode('b', '11'));
  await setup.becomes('a 10.244.1.0/24');
  t.same(setup.changes, ['added a', 'added b', 'deleted b'], 'then only what is different');
});

t.test('refused by the server: told with its words, asked again', async (t) => {
  const setup = await setUp(t);
  (await setup.server.next()).json(403, rawStatus(403, 'nodes is forbidden: User "x" cannot list resource "nodes"'));
  (await setup.server.next()).response.writeHead(502).end('<html>bad gateway</html>');
  (await setup.server.next()).json(500, rawStatus(500, 'etcdserver: leader changed'));
  (await setup.server.next()).json(200, rawList('10', [rawNode('a', '1')]));
  await setup.synced;
  await setup.becomes('a 10.244.1.0/24');
  t.match(setup.lines[0], /answered 403: nodes is forbidden: User/);
  t.match(setup.lines[1], /answered 502: <html>bad gateway/);
  t.match(setup.lines[2], /answered 500: etcdserver: leader changed/);
  t.same(setup.pauses, [600, 1200, 2400]);
});

t.test('garbage: what it said is unknown, so everything is listed again', async (t) => {
  const setup = await setUp(t);
  let watch = await listed(setup);
  const garbage = ['{"type":"DELETED","object":\n', 'null\n', '{"type":"REMOVED","object":{}}\n', '[]\n'];
  for (const [index, line] of garbage.entries()) {
    watch.response.write(line);
    const list = await setup.server.next();
    t.notOk(list.isWatch, JSON.stringify(line));
    list.json(200, rawList(`${20 + index}`, [rawNode('a', '1')]));
    watch = await setup.server.next();
    watch.response.writeHead(200);
  }
  await setup.becomes('a 10.244.1.0/24');
  for (const body of ['{"items":[', '{}', '{"metadata":{"resourceVersion":7}}']) {
    watch.event('ERROR', rawStatus(410, 'Gone'));
    (await setup.server.next()).response.writeHead(200).end(body);
    (await setup.server.next()).json(200, rawList('30', [rawNode('a', '1')]));
    watch = await setup.server.next();
    watch.response.writeHead(200);
  }
  await setup.becomes('a 10.244.1.0/24');
  t.same(setup.changes, ['added a', 'added b', 'deleted b'], 'no list ever cleared');
});

t.test('a bad object stays what it was, in list and watch; the others go on', async (t) => {
  const setup = await setUp(t);
  const watch = await listed(setup);
  watch.event('MODIFIED', rawNode('a', '11', 'oops'));
  watch.event('MODIFIED', rawNode('b', '12', '10.244.9.0/24'));
  await setup.becomes('a 10.244.1.0/24', 'b 10.244.9.0/24');
  t.match(setup.lines.join(''), /Node a: spec\.podCIDR: .*oops.* is no prefix.*; it stays as it was/);
  watch.event('ERROR', rawStatus(410, 'Gone'));
  (await setup.server.next()).json(
    200,
    rawList('30', [rawNode('a', '11', 'oops'), rawNode('c', '13'), { metadata: {} }]),
  );
  await setup.becomes('a 10.244.1.0/24', 'c 10.244.1.0/24');
});

t.test('a watch that brought news is resumed at once', async (t) => {
  const setup = await setUp(t);
  let watch = await listed(setup);
  for (let i = 0; i < 3; i++) {
    watch.event('BOOKMARK', { metadata: { resourceVersion: `${20 + i}` } });
    watch.response.end();
    watch = await setup.server.next();
    t.equal(watch.query.get('resourceVersion'), `${20 + i}`);
    watch.response.writeHead(200);
  }
  t.equal(setup.lists(), 1);
  t.same(setup.pauses, []);
  t.same(setup.lines, [], 'the regular end of a watch is no event');
});

t.test('a watch that brought none is resumed after a pause, longer each time, until there is news', async (t) => {
  const setup = await setUp(t);
  let watch = await listed(setup);
  for (const wanted of [[600], [600, 1200], [600, 1200, 2400]]) {
    watch.response.end();
    watch = await setup.server.next();
    t.same(setup.pauses, wanted);
    watch.response.writeHead(200);
  }
  watch.event('BOOKMARK', { metadata: { resourceVersion: '20' } });
  watch.response.end();
  (await setup.server.next()).response.writeHead(200).end();
  await setup.server.next();
  t.same(setup.pauses, [600, 1200, 2400, 600]);
});

t.test('stop ends an open watch', async (t) => {
  const setup = await setUp(t);
  const watch = await listed(setup);
  const closed = new Promise((resolve) => watch.response.once('close', resolve));
  await setup.source.stop();
  await closed;
  t.pass('closed');
});

t.test('stop while the server is silent', async (t) => {
  const setup = await setUp(t);
  await setup.server.next();
  await setup.source.stop();
  t.same(setup.lines, []);
});
