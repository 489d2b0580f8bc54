/**
 * What a speaker and a neighbour are to each other, against BIRD and FRR: members of a confederation, roles, another AS
 * number of ours, prefix limits, and a neighbour that is known by its range only. Each is seen in the daemon's own words.
 */
import t from 'tap';
import { addAddresses, type DaemonKind, frr, run, until } from './daemons.ts';
import { birdc, birdWith, route, routeAtBird, theirRoute, together } from './relation.ts';
import { ours, theirs } from './speaker-scenarios.ts';

await addAddresses(ours.address, theirs.address);
const confederation = { identifier: 65000, members: [64512, 64513] };

await t.test('RFC 5065: a member AS beside BIRD', async (t) => {
  const kind = birdWith(64513, 64512, 'confederation 65000; confederation member yes;');
  await together(kind, { asn: 64512, confederation }, { asn: 64513 }, async (speaker, daemon) => {
    await until('its route', () => speaker.bestPath(theirRoute) !== undefined);
    t.match(speaker.bestPath(theirRoute), {
      fromType: 'confederation',
      attributes: { asPath: [{ kind: 'confederation-sequence', asns: [64513] }], localPref: 100 },
    });
    await until('our route', async () => /BGP\.as_path/.test(await routeAtBird(daemon)));
    t.match(await routeAtBird(daemon), /BGP\.as_path: \(64512\) 65010\n/);
    t.match(await routeAtBird(daemon), /BGP\.local_pref: 100\n/);
  });
});

await t.test('RFC 5065: BIRD outside knows the confederation by its identifier', async (t) => {
  await together(birdWith(65002, 65000, ''), { asn: 64512, confederation }, {}, async (_speaker, daemon) => {
    await until('our route', async () => /BGP\.as_path/.test(await routeAtBird(daemon)));
    t.match(await routeAtBird(daemon), /BGP\.as_path: 65000 65010\n/);
  });
});

await t.test('RFC 5065: a member AS beside FRR', async (t) => {
  const kind: DaemonKind = {
    ...frr,
    files: () => ({
      'bgpd.conf': `
router bgp 64513
 bgp router-id ${theirs.address}
 bgp confederation identifier 65000
 bgp confederation peers 64512
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor ${ours.address} remote-as 64512
 neighbor ${ours.address} update-source ${theirs.address}
 neighbor ${ours.address} disable-connected-check
 neighbor ${ours.address} timers connect 1
 address-family ipv4 unicast
  network ${theirRoute}
  neighbor ${ours.address} activate
`,
    }),
  };
  await together(kind, { asn: 64512, confederation }, { asn: 64513 }, async (speaker, daemon) => {
    await until('its route', () => speaker.bestPath(theirRoute) !== undefined);
    t.match(speaker.bestPath(theirRoute)?.attributes.asPath, [{ kind: 'confederation-sequence', asns: [64513] }]);
    const show = () =>
      run('vtysh', '--vty_socket', daemon.folder, '-d', 'bgpd', '-c', `show bgp ipv4 unicast ${route} json`);
    await until('our route', async () => (await show()).includes('aspath'));
    const { paths } = JSON.parse(await show()) as { paths: { aspath: { string: string }; valid: boolean }[] };
    t.match(paths, [{ aspath: { string: '(64512) 65010' } }]);
  });
});

await t.test('RFC 9234: BIRD is our customer', async (t) => {
  const kind = birdWith(theirs.asn, ours.asn, 'local role customer; require roles yes;');
  await together(kind, {}, { role: 'provider', roleStrict: true }, async (speaker, daemon) => {
    await until('our route', async () => /BGP\.as_path/.test(await routeAtBird(daemon)));
    t.match(await routeAtBird(daemon), new RegExp(`BGP\\.otc: ${ours.asn}\\n`), 'marked by us, which sends it down');
    await until('its route', () => speaker.bestPath(theirRoute) !== undefined);
    t.equal(speaker.bestPath(theirRoute)?.attributes.onlyToCustomer, undefined);
    t.match(await birdc(daemon, 'show', 'protocols', 'all', 'routelet'), /Role: provider/);
  });
});

await t.test('RFC 9234: BIRD is our provider; its route goes no further up', async (t) => {
  const kind = birdWith(theirs.asn, ours.asn, 'local role provider;');
  await together(kind, {}, { role: 'customer' }, async (speaker) => {
    await until('its route', () => speaker.bestPath(theirRoute) !== undefined);
    t.equal(speaker.bestPath(theirRoute)?.attributes.onlyToCustomer, theirs.asn, 'OTC of BIRD');
  });
});

await t.test('RFC 9234: both are customers: Role Mismatch', async (t) => {
  const kind = birdWith(theirs.asn, ours.asn, 'local role customer;');
  await together(kind, {}, { role: 'customer' }, async (speaker, daemon) => {
    await until('the refusal', () => speaker.peers()[0]?.lastDown?.subcode === 11);
    t.match(speaker.peers()[0]?.lastDown, { code: 2, subcode: 11 });
    await until('in its words', async () =>
      /Role mismatch/i.test(await birdc(daemon, 'show', 'protocols', 'all', 'routelet')),
    );
  });
});

await t.test('RFC 7705: BIRD knows us under another number', async (t) => {
  const kind = birdWith(theirs.asn, 64999, '');
  await together(kind, {}, { localAs: { asn: 64999 } }, async (speaker, daemon) => {
    await until('our route', async () => /BGP\.as_path/.test(await routeAtBird(daemon)));
    t.match(await routeAtBird(daemon), new RegExp(`BGP\\.as_path: 64999 ${ours.asn} 65010\\n`));
    await until('its route', () => speaker.bestPath(theirRoute) !== undefined);
    t.strictSame(speaker.bestPath(theirRoute)?.attributes.asPath?.[0]?.asns, [64999, theirs.asn]);
  });
});

await t.test('RFC 4486: BIRD sends more prefixes than it may', async (t) => {
  const kind = birdWith(theirs.asn, ours.asn, '', '', 'route 203.0.114.0/24 blackhole;');
  await together(kind, {}, { prefixLimits: { 'ipv4-unicast': { maximum: 1 } } }, async (speaker, daemon) => {
    await until('the end', () => speaker.peers()[0]?.lastDown?.subcode === 1);
    t.equal(speaker.peers()[0]?.state, 'Idle');
    await until('in its words', async () =>
      /Maximum number of prefixes reached/i.test(
        (await birdc(daemon, 'show', 'protocols', 'all', 'routelet')) + daemon.output(),
      ),
    );
  });
});

await t.test('RFC 4486: we send more prefixes than BIRD takes', async (t) => {
  const kind = birdWith(theirs.asn, ours.asn, '', 'receive limit 1 action disable;');
  await together(kind, {}, {}, async (speaker) => {
    speaker.announce({ prefix: '198.51.100.0/24' });
    await until('the end', () => speaker.peers()[0]?.lastDown?.subcode === 1);
    t.match(speaker.peers()[0]?.lastDown, { kind: 'notification-received', code: 6, subcode: 1 });
  });
});

await t.test('BIRD comes from a range', async (t) => {
  const kind = birdWith(theirs.asn, ours.asn, '');
  await together(kind, {}, undefined, async (speaker, daemon) => {
    speaker.addPeerRange({ prefix: '10.255.0.0/24', asns: [65001, 65002], limit: 10 });
    await until('its route', () => speaker.bestPath(theirRoute) !== undefined);
    t.match(speaker.peers(), [{ address: theirs.address, asn: theirs.asn, type: 'ebgp', state: 'Established' }]);
    await until('our route', async () => /BGP\.as_path/.test(await routeAtBird(daemon)));
    await birdc(daemon, 'disable', 'routelet');
    await until('it is forgotten', () => speaker.peers().length === 0);
    t.equal(speaker.bestPath(theirRoute), undefined);
    await birdc(daemon, 'enable', 'routelet');
    await until('it is back', () => speaker.bestPath(theirRoute) !== undefined);
  });
});

await t.test('BIRD comes from a range with a password (RFC 2385)', async (t) => {
  for (const [ours_, theirs_] of [
    ['sesame', 'sesame'],
    ['sesame', 'another'],
  ] as const) {
    const kind = birdWith(theirs.asn, ours.asn, `password "${theirs_}";`);
    await together(kind, {}, undefined, async (speaker) => {
      speaker.addPeerRange({ prefix: '10.255.0.0/24', asns: [65002], limit: 10, password: ours_ });
      const established = until('its route', () => speaker.bestPath(theirRoute) !== undefined, 4_000);
      if (ours_ === theirs_) await established;
      else await t.rejects(established, /not within/, 'its SYNs are dropped');
      t.equal(speaker.peers().length, ours_ === theirs_ ? 1 : 0);
      speaker.removePeerRange('10.255.0.0/24');
    });
  }
});

await t.test('BIRD comes from a range with TTL security (RFC 5082)', async (t) => {
  for (const has of [true, false]) {
    const kind = birdWith(theirs.asn, ours.asn, has ? 'ttl security on;' : '');
    await together(kind, {}, undefined, async (speaker) => {
      speaker.addPeerRange({ prefix: '10.255.0.0/24', asns: [65002], limit: 10, ttlSecurity: 1 });
      const established = until('its route', () => speaker.bestPath(theirRoute) !== undefined, 4_000);
      if (has) await established;
      else await t.rejects(established, /not within/, 'its packets with TTL 2 are dropped');
      t.equal(speaker.peers()[0]?.state === 'Established', has);
    });
  }
});
