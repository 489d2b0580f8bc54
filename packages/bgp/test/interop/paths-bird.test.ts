/** Several paths a prefix, IPv4 routes over an IPv6 session, route refresh and long-lived graceful restart with BIRD. */
import { join } from 'node:path';
import t from 'tap';
import { createSpeaker } from '../../src/index.ts';
import type { PolicyChain } from '../../src/policy/model.ts';
import type { PeerOptions, Speaker, SpeakerOptions } from '../../src/speaker/api.ts';
import { addAddresses, bird, type DaemonKind, type DaemonSetup, run, startDaemon, until } from './daemons.ts';

const ours = 'fd00::1';
const theirs = 'fd00::2';
const sources = ['10.255.0.3', '10.255.0.4'] as const;
const hub = '10.255.0.1';
const PREFIX = '192.0.2.0/24';
const THEIR_PREFIX = '203.0.113.0/24';
const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };
/** RFC 9494 §3.2 as BIRD writes it. */
const LLGR_STALE = 0xffff_0006;

let folder = '';

const kind: DaemonKind = {
  ...bird,
  files(setup, in_) {
    folder = in_;
    return {
      'bird.conf': `
      router id 10.255.0.2;
      log stderr all;
      protocol device {}
      protocol static one { ipv4; route ${THEIR_PREFIX} blackhole; }
      protocol static two { ipv4 { preference 150; }; route ${THEIR_PREFIX} unreachable; }
      protocol static six { ipv6; route 2001:db8:b::/48 blackhole; }
      filter out_four { if source != RTS_STATIC then reject; bgp_med = preference; accept; }
      protocol bgp routelet {
        local ${setup.localAddress} as ${setup.localAsn};
        neighbor ${setup.peerAddress} as ${setup.peerAsn};
        multihop 2; strict bind on;
        graceful restart on; graceful restart time 1;
        long lived graceful restart on; long lived stale time 60;
        connect delay time 1; connect retry time 2; error wait time 1, 2;
        ipv4 { import all; export filter out_four; add paths on; extended next hop on; next hop self; import table on; };
        ipv6 { import all; export where source = RTS_STATIC; next hop self; };
      }`,
    };
  },
};

const setup: DaemonSetup = {
  localAddress: theirs,
  localAsn: 65002,
  routerId: '10.255.0.2',
  peerAddress: ours,
  peerAsn: 65001,
};

const birdc = (...words: string[]): Promise<string> => run('birdc', '-s', join(folder, 'bird.ctl'), ...words);

/** Next hops and communities of BIRD's routes for a prefix that came from us. */
async function there(prefix: string): Promise<{ nextHop: string; communities: string }[]> {
  // It ends with an error when there is none.
  const text = await birdc('show', 'route', prefix, 'all', 'protocol', 'routelet').catch(() => '');
  return text
    .split(/\n(?=.*\[routelet )/)
    .filter((part) => part.includes('BGP.next_hop'))
    .map((part) => {
      const value = (name: string): string => new RegExp(`BGP\\.${name}: (.*)`).exec(part)?.[1]?.trim() ?? '';
      return { nextHop: value('next_hop'), communities: value('community') };
    });
}

function speakerTo(options: Partial<PeerOptions>, more: Partial<SpeakerOptions> = {}): Speaker {
  const speaker = createSpeaker({
    asn: 65001,
    routerId: hub,
    listen: [{ address: ours }, { address: hub }],
    importPolicy: all,
    exportPolicy: all,
    ...more,
  });
  const peer = { address: theirs, asn: 65002, localAddress: ours, families, connectRetryMs: 1000 } as const;
  speaker.addPeer({ ...peer, extendedNextHop: true, addPath: { send: true, receive: true }, ...options });
  return speaker;
}

async function startSources(speaker: Speaker): Promise<Speaker[]> {
  const started: Speaker[] = [];
  for (const [index, address] of sources.entries()) {
    speaker.addPeer({ address, asn: 65010 + index, localAddress: hub });
    const source = createSpeaker({
      asn: 65010 + index,
      routerId: address,
      listen: [{ address }],
      importPolicy: all,
      exportPolicy: all,
    });
    source.addPeer({ address: hub, asn: 65001, localAddress: address, connectRetryMs: 1000 });
    source.announce({ prefix: PREFIX });
    await source.start();
    started.push(source);
  }
  return started;
}

await addAddresses(hub, ...sources);
// One subnet, so that our IPv6 next hop comes with a link-local address (RFC 2545 §3).
await run('ip', 'link', 'add', 'shared', 'type', 'veth', 'peer', 'name', 'other-end');
await run('ip', 'link', 'set', 'other-end', 'up');
for (const address of [ours, theirs]) await run('ip', 'address', 'add', `${address}/64`, 'dev', 'shared', 'nodad');
await run('ip', 'link', 'set', 'shared', 'up');
let daemon = await startDaemon(kind, setup);

await t.test('RFC 7911 and RFC 8950: paths both ways, IPv4 over IPv6', async (t) => {
  const speaker = speakerTo({});
  await speaker.start();
  const started = await startSources(speaker);
  await until('both of its paths', () => speaker.paths(THEIR_PREFIX).length === 2);
  const paths = [...speaker.paths(THEIR_PREFIX)].sort(
    (a, b) => Number(a.attributes.multiExitDisc) - Number(b.attributes.multiExitDisc),
  );
  t.strictSame(
    paths.map(({ nextHop, attributes }) => [nextHop, attributes.multiExitDisc]),
    [
      [theirs, 150],
      [theirs, 200],
    ],
    'with an IPv6 next hop',
  );
  t.equal(new Set(paths.map(({ pathId }) => pathId)).size, 2);
  await until('both of our paths there', async () => (await there(PREFIX)).length === 2);
  t.ok((await there(PREFIX)).every(({ nextHop }) => nextHop.startsWith(ours)));
  speaker.announce({ prefix: '2001:db8:a::/48' });
  await until('our IPv6 route there', async () => (await there('2001:db8:a::/48')).length === 1);
  t.match((await there('2001:db8:a::/48'))[0]?.nextHop, /^fd00::1 fe80::/, 'RFC 2545 §3: on one subnet');
  started[0]?.withdraw(PREFIX);
  await until('one is withdrawn', async () => (await there(PREFIX)).length === 1);
  started[0]?.announce({ prefix: PREFIX });
  await until('and comes back', async () => (await there(PREFIX)).length === 2);

  const before = speaker.peers()[0]?.updates.received ?? 0;
  t.equal(speaker.refresh(theirs, 'ipv4-unicast'), true);
  await until('RFC 2918: BIRD sends again', () => (speaker.peers()[0]?.updates.received ?? 0) > before);
  const sent = speaker.peers()[0]?.updates.sent ?? 0;
  await birdc('reload', 'in', 'routelet');
  t.equal((await there(PREFIX)).length, 2, 'RFC 7313: nothing is lost');
  t.ok((speaker.peers()[0]?.updates.sent ?? 0) >= sent);
  t.equal(speaker.peers()[0]?.established, 1);
  for (const each of [speaker, ...started]) await each.stop();
});

await t.test('RFC 9494: we go away for long, BIRD keeps our routes as a last resort', async (t) => {
  const speaker = speakerTo(
    { longLivedGracefulRestart: { staleTimeMs: 60_000 } },
    { gracefulRestart: { restartTimeMs: 1000 } },
  );
  speaker.announce({ prefix: PREFIX });
  await speaker.start();
  await until('our route there', async () => (await there(PREFIX)).length === 1);
  await speaker.stop({ graceful: true });
  t.strictSame(speaker.paths(THEIR_PREFIX), [], 'our own tables are swept');
  await until('with LLGR_STALE', async () =>
    /\(65535,\s*6\)|llgr_stale/i.test((await there(PREFIX))[0]?.communities ?? ''),
  );
});

await t.test('RFC 9494: BIRD goes away for long, we keep its routes', async (t) => {
  const speaker = speakerTo(
    { longLivedGracefulRestart: { staleTimeMs: 60_000 } },
    { gracefulRestart: { restartTimeMs: 30_000 } },
  );
  await speaker.start();
  await until(
    'its routes',
    () => speaker.paths(THEIR_PREFIX).length === 2 && speaker.bestPath('2001:db8:b::/48') !== undefined,
  );
  daemon.process.kill('SIGKILL');
  const marked = (prefix: string): boolean =>
    speaker
      .paths(prefix)
      .every(({ stale, attributes }) => stale && attributes.communities?.includes(LLGR_STALE) === true);
  await until('all marked', () => marked(THEIR_PREFIX) && marked('2001:db8:b::/48'));
  t.equal(speaker.paths(THEIR_PREFIX).length, 2);
  const command: DaemonKind['command'] = (...words) => [...kind.command(...words), '-R'];
  daemon = await startDaemon({ ...kind, command }, setup);
  await until('fresh again', () => speaker.bestPath(THEIR_PREFIX)?.stale === false);
  t.equal(speaker.bestPath(THEIR_PREFIX)?.attributes.communities, undefined);
  await speaker.stop({ text: 'test is over' });
});

await daemon.stop();
