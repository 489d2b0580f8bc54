/** RFC 7705 §4.2 on the wire: BIRD and FRR know us by the number of before or by the real one, and we have both. */
import t from 'tap';
import { addAddresses, type DaemonKind, frr, run, until } from './daemons.ts';
import { birdWith, route, routeAtBird, theirRoute, together } from './relation.ts';
import { ours, theirs } from './speaker-scenarios.ts';

const before = 64_999;

await addAddresses(ours.address, theirs.address);

await t.test('an external BIRD knows us by either number', async (t) => {
  const cases: [known: number, sent: string, received: number[]][] = [
    [before, `${before} ${ours.asn} 65010`, [before, theirs.asn]],
    [ours.asn, `${ours.asn} 65010`, [theirs.asn]],
  ];
  for (const [known, sent, received] of cases) {
    const kind = birdWith(theirs.asn, known, '');
    await together(kind, {}, { localAs: { asn: before, dual: true } }, async (speaker, daemon) => {
      await until('our route', async () => /BGP\.as_path/.test(await routeAtBird(daemon)));
      t.match(await routeAtBird(daemon), new RegExp(`BGP\\.as_path: ${sent}\\n`));
      await until('its route', () => speaker.bestPath(theirRoute) !== undefined);
      t.strictSame(speaker.bestPath(theirRoute)?.attributes.asPath?.[0]?.asns, received);
      t.equal(speaker.peers()[0]?.localAsn, known);
    });
  }
});

await t.test('an internal BIRD is of the AS of before, or has changed already', async (t) => {
  for (const asn of [before, ours.asn]) {
    const kind = birdWith(asn, asn, '');
    const peer = { asn: ours.asn, localAs: { asn: before, dual: true } };
    await together(kind, {}, peer, async (speaker, daemon) => {
      await until('our route', async () => /BGP\.as_path/.test(await routeAtBird(daemon)));
      t.match(await routeAtBird(daemon), /BGP\.as_path: 65010\n/, 'no number of ours');
      t.match(await routeAtBird(daemon), /BGP\.local_pref: 100\n/);
      await until('its route', () => speaker.bestPath(theirRoute) !== undefined);
      t.match(speaker.bestPath(theirRoute), { fromType: 'ibgp', attributes: { localPref: 100 } });
      t.equal(speaker.peers()[0]?.localAsn, asn);
    });
  }
});

await t.test('FRR migrates itself: its `local-as` towards us, our real number towards it', async (t) => {
  const kind: DaemonKind = {
    ...frr,
    files: () => ({
      'bgpd.conf': `
router bgp 65077
 bgp router-id ${theirs.address}
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor ${ours.address} remote-as ${ours.asn}
 neighbor ${ours.address} local-as ${theirs.asn} no-prepend replace-as
 neighbor ${ours.address} update-source ${theirs.address}
 neighbor ${ours.address} disable-connected-check
 neighbor ${ours.address} timers connect 1
 address-family ipv4 unicast
  network ${theirRoute}
  neighbor ${ours.address} activate
`,
    }),
  };
  await together(kind, {}, { localAs: { asn: before, dual: true } }, async (speaker, daemon) => {
    await until('its route', () => speaker.bestPath(theirRoute) !== undefined);
    t.strictSame(speaker.bestPath(theirRoute)?.attributes.asPath?.[0]?.asns, [theirs.asn]);
    const show = () =>
      run('vtysh', '--vty_socket', daemon.folder, '-d', 'bgpd', '-c', `show bgp ipv4 unicast ${route} json`);
    await until('our route', async () => (await show()).includes('aspath'));
    const { paths } = JSON.parse(await show()) as { paths: { aspath: { string: string } }[] };
    t.match(paths, [{ aspath: { string: `${ours.asn} 65010` } }]);
    t.equal(speaker.peers()[0]?.localAsn, ours.asn);
  });
});
