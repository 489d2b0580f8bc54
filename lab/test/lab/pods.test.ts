import { writeFile } from 'node:fs/promises';
import t from 'tap';
import { createLab, LabError, type LabNode, run } from '../../src/index.ts';

// Bounded by its conditions and by the runner, not by tap's own 30 s.
t.setTimeout(0);

const lab = await createLab();

/** What an agent does to the file: one range a pod CIDR. */
async function setRanges(node: LabNode, subnets: readonly string[]): Promise<void> {
  const ipam = { type: 'host-local', dataDir: `${node.folder}/ipam`, ranges: subnets.map((subnet) => [{ subnet }]) };
  const bridge = { type: 'bridge', bridge: 'kube-bridge', isDefaultGateway: true, hairpinMode: true, ipam };
  const conf = { cniVersion: '0.3.0', name: 'mynet', plugins: [{ ...bridge, mtu: 1400 }, { type: 'loopback' }] };
  await writeFile(node.cniConfFile, JSON.stringify(conf));
}

const a = await lab.node({ name: 'a', ipv4: '192.0.2.11/24', ipv6: '2001:db8::11/64' });
const b = await lab.node({ name: 'b', ipv4: '192.0.2.12/24', ipv6: '2001:db8::12/64', mtu: 1400 });

t.test('nodes reach each other over the lab bridge in both families', async (t) => {
  t.ok(await a.ping('192.0.2.12'), 'IPv4');
  t.ok(await b.ping('2001:db8::11'), 'IPv6');
  t.notOk(await a.ping('192.0.2.99'), 'an absent address does not answer');
  const links = await b.ipJson<{ mtu: number }>('link', 'show', 'eth0');
  t.match(links, [{ mtu: 1400 }]);
});

t.test(
  'pods attached by the CNI plugins have the addresses of the file and answer across hand-laid routes',
  async (t) => {
    await setRanges(a, ['10.244.1.0/24', 'fd00:244:1::/64']);
    await setRanges(b, ['10.244.2.0/24', 'fd00:244:2::/64']);
    const [left, right] = await Promise.all([a.addPod('left'), b.addPod('right')]);
    t.match(left.ipv4, /^10\.244\.1\./);
    t.match(left.ipv6, /^fd00:244:1::/);
    t.same(left.addresses, [left.ipv4, left.ipv6]);
    const [ipv4 = '', ipv6 = ''] = right.addresses;
    t.notOk(await left.ping(ipv4), 'no route yet');
    await a.exec(['ip', 'route', 'add', '10.244.2.0/24', 'via', '192.0.2.12']);
    await b.exec(['ip', 'route', 'add', '10.244.1.0/24', 'via', '192.0.2.11']);
    await a.exec(['ip', 'route', 'add', 'fd00:244:2::/64', 'via', '2001:db8::12']);
    await b.exec(['ip', 'route', 'add', 'fd00:244:1::/64', 'via', '2001:db8::11']);
    t.ok(await left.ping(ipv4), 'IPv4');
    t.ok(await left.ping(ipv6), 'IPv6');

    for (const protocol of ['tcp', 'udp', 'http'] as const) {
      await right.listen(protocol, 8000);
      t.equal(await left.ask(protocol, ipv4, 8000), 'b-right', `${protocol} over IPv4`);
      t.equal(await left.ask(protocol, ipv6, 8000), 'b-right', `${protocol} over IPv6`);
      for (const listener of right.processes) await listener.stop();
      t.equal(await left.ask(protocol, ipv4, 8000), undefined, `${protocol} without listener`);
    }

    await b.deletePod('right');
    t.same(b.pods, []);
    t.notOk(await left.ping(ipv4), 'a deleted pod does not answer');
  },
);

t.test('a stream of pings counts what was lost and how long it was dark', async (t) => {
  const stream = a.pingStream('192.0.2.12', 100);
  await stream.nextAnswer();
  await b.exec(['ip', 'link', 'set', 'eth0', 'down']);
  t.notOk(await a.ping('192.0.2.12'), 'dark for a second');
  await b.exec(['ip', 'link', 'set', 'eth0', 'up']);
  await stream.nextAnswer();
  const cut = await stream.stop();
  t.ok(cut.lost > 50, `${cut.lost} of ${cut.sent} lost`);
  t.ok(cut.longestGapMs > 500, `${cut.longestGapMs} ms dark`);
  t.equal(cut.sent - cut.received - cut.lost, cut.sent - cut.received - cut.lost > 0 ? 1 : 0);

  const calm = a.pingStream('192.0.2.12', 100);
  for (let answers = 0; answers < 5; answers++) await calm.nextAnswer();
  t.match(await calm.stop(), { lost: 0 });
});

t.test('a node can stand behind a router, on a bridge of its own', async (t) => {
  const router = await lab.node({ name: 'router', ipv4: '192.0.2.1/24', forwarding: true });
  const far = await lab.node({ name: 'far', bridge: 'lab1', ipv4: '198.51.100.11/24', gateway4: '198.51.100.1' });
  await router.attach({ bridge: 'lab1', interface: 'eth1', ipv4: '198.51.100.1/24' });
  await a.exec(['ip', 'route', 'add', '198.51.100.0/24', 'via', '192.0.2.1']);
  t.ok(await a.ping('198.51.100.11'));
  t.ok(await far.ping('192.0.2.11'));
});

t.test('a private folder is seen by its node alone', async (t) => {
  const c = await lab.node({ name: 'c', privateFolders: ['/mnt'] });
  await c.exec(['touch', '/mnt/of-c']);
  t.equal(await c.exec(['ls', '/mnt']), 'of-c\n');
  t.notMatch(await run(['ls', '/mnt']), 'of-c');
});

t.test('a plugin that refuses is an error with its own words', async (t) => {
  await setRanges(b, ['10.244.2.0/32']);
  await t.rejects(b.addPod('none'), { code: 'cni', message: /bridge on b.*\/32/s });
  await writeFile(b.cniConfFile, '{');
  await t.rejects(b.addPod('other'), { code: 'cni', message: /10-kuberouter\.conflist/ });
});

t.test('there is one lab in a set of namespaces', async (t) => {
  await t.rejects(createLab(), { code: 'not-in-lab', message: /enterLab\(\)/ });
  t.ok(new LabError('cni', 'x') instanceof Error);
});
