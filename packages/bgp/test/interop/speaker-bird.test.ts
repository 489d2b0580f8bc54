import { join } from 'node:path';
import t from 'tap';
import { bird, run, startDaemon, until } from './daemons.ts';
import { runSpeakerScenarios, type SeenRoute, type SpeakerPeer, startSpeaker, theirs } from './speaker-scenarios.ts';

let folder = '';

const peer: SpeakerPeer = {
  ...bird,
  sendsEndOfRib: true,
  files(setup, in_) {
    folder = in_;
    return {
      'bird.conf': `
      router id ${setup.routerId};
      log stderr all;
      protocol device {}
      protocol static four { ipv4; route 203.0.113.0/24 blackhole; }
      protocol static six { ipv6; route 2001:db8:b::/48 blackhole; }
      filter out_four { if source != RTS_STATIC then reject; bgp_med = 30; bgp_community.add((65002,7));
        bgp_community.add((65002,8)); bgp_large_community.add((65002,1,2)); accept; }
      filter out_six { if source != RTS_STATIC then reject; bgp_med = 31; bgp_community.add((65002,9)); accept; }
      protocol bgp routelet {
        local ${setup.localAddress} as ${setup.localAsn};
        neighbor ${setup.peerAddress} as ${setup.peerAsn};
        multihop 2; strict bind on;
        graceful restart on; graceful restart time 30;
        connect delay time 1; connect retry time 2; error wait time 1, 2;
        ipv4 { import all; export filter out_four; next hop self; };
        ipv6 { import all; export filter out_six; next hop address ${theirs.address6}; };
      }`,
    };
  },
  async route(prefix): Promise<SeenRoute | undefined> {
    const text = await birdc(
      'show',
      'route',
      'all',
      'protocol',
      'routelet',
      'table',
      prefix.includes(':') ? 'master6' : 'master4',
    );
    const at = text.indexOf(`\n${prefix} `) + 1;
    if (at === 0 && !text.startsWith(`${prefix} `)) return undefined;
    const own = text.slice(at).split(/\n(?=[0-9a-f.:]+\/)/)[0] ?? '';
    const value = (name: string): string => new RegExp(`BGP\\.${name}: (.*)`).exec(own)?.[1]?.trim() ?? '';
    const tuples = (name: string): string[] =>
      [...value(name).matchAll(/\(([^)]*)\)/g)].map(([, inner = '']) =>
        inner
          .split(',')
          .map((part) => part.trim())
          .join(':'),
      );
    return {
      asPath: value('as_path').split(' ').map(Number),
      nextHop: value('next_hop').split(' ')[0] ?? '',
      med: value('med') === '' ? undefined : Number(value('med')),
      communities: tuples('community'),
      largeCommunities: tuples('large_community'),
    };
  },
};

function birdc(...words: string[]): Promise<string> {
  return run('birdc', '-s', join(folder, 'bird.ctl'), ...words);
}

const routes = [{ prefix: '192.0.2.0/24' }, { prefix: '198.51.100.0/24' }];
const gracefulRestart = { restartTimeMs: 30_000 };

await runSpeakerScenarios(peer, async (daemon) => {
  await t.test('we restart, BIRD helps', async (t) => {
    const before = startSpeaker({ gracefulRestart });
    before.setAnnouncements(routes);
    await before.start();
    for (const { prefix } of routes)
      await until(`${prefix} at BIRD`, async () => (await peer.route(prefix)) !== undefined);
    await before.stop({ graceful: true });
    await until('BIRD waits for the restart', async () =>
      /Neighbor graceful restart active/.test(await birdc('show', 'protocols', 'all', 'routelet')),
    );
    for (const { prefix } of routes) t.ok(await peer.route(prefix), `${prefix} stays`);

    const after = startSpeaker({ gracefulRestart: { ...gracefulRestart, restarting: true } });
    let complete = false;
    after.on('selection-complete', () => {
      complete = true;
    });
    after.setAnnouncements(routes.slice(0, 1));
    await after.start();
    await until('End-of-RIB of BIRD ends the deferral', () => complete);
    await until('BIRD drops what was not sent again', async () => (await peer.route('198.51.100.0/24')) === undefined);
    t.ok(await peer.route('192.0.2.0/24'), 'and keeps the rest');
    t.ok(after.bestPath('203.0.113.0/24'), 'its routes are selected');
    await after.stop();
    await until('a stop without graceful withdraws all', async () => (await peer.route('192.0.2.0/24')) === undefined);
  });

  await t.test('BIRD restarts, we help', async (t) => {
    const speaker = startSpeaker({ gracefulRestart });
    const downs: string[] = [];
    speaker.on('peer-state', ({ from, reason }) => {
      if (from === 'Established') downs.push(reason?.kind ?? '');
    });
    await speaker.start();
    await until('its route here', () => speaker.bestPath('203.0.113.0/24') !== undefined);
    // As when it crashes: no NOTIFICATION.
    daemon.process.kill('SIGKILL');
    await until('the session is lost', () => downs.length === 1);
    t.strictSame(downs, ['connection-lost']);
    t.equal(speaker.bestPath('203.0.113.0/24')?.stale, true);
    t.equal(speaker.bestPath('2001:db8:b::/48')?.stale, true, 'both families');
    const controller = new AbortController();
    const withdrawn: string[] = [];
    const watch = (async () => {
      for await (const changes of speaker.bestPathChanges({ signal: controller.signal })) {
        for (const { kind, prefix } of changes) if (kind === 'withdrawn') withdrawn.push(prefix);
      }
    })();
    // -R: graceful restart recovery.
    const command: SpeakerPeer['command'] = (...words) => [...peer.command(...words), '-R'];
    const again = await startDaemon({ ...peer, command }, daemon.setup);
    await until('its routes are fresh again', () => speaker.bestPath('203.0.113.0/24')?.stale === false);
    await until('of both families', () => speaker.bestPath('2001:db8:b::/48')?.stale === false);
    controller.abort();
    await watch;
    t.strictSame(withdrawn, [], 'nothing was withdrawn meanwhile');
    await again.stop();
    await speaker.stop();
  });
});
