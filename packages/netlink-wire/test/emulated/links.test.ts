/**
 * Link kinds that the machine's own kernel may lack, judged by `ip`: a link that `ip` made and one that we made are shown
 * the same by `ip -d` and read the same by us, and a change of a tunnel that stands is what `ip` then shows.
 */
import { execFileSync } from 'node:child_process';
import t from 'tap';
import {
  IP6_TNL_F_IGN_ENCAP_LIMIT,
  type LinkSettings,
  Rtnetlink,
  TUNNEL_ENCAP_FLAG_CSUM,
  TUNNEL_ENCAP_FLAG_CSUM6,
  TUNNEL_ENCAP_FOU,
  TUNNEL_ENCAP_GUE,
  type Tunnel,
} from '../../src/index.ts';
import { bytesOf } from '../fixtures/captures.ts';

function ip(words: string): string {
  return execFileSync('ip', words.split(' '), { encoding: 'utf8' });
}

// A tunnel does not load what wraps it: without these modules the kernel answers EINVAL.
for (const module of ['fou', 'fou6']) execFileSync('modprobe', [module]);

const client = await Rtnetlink.open();
t.teardown(() => client.close());

/** What `ip -d` says of a link's kind. */
function shown(name: string): unknown {
  const [{ linkinfo }] = JSON.parse(ip(`-d -json link show ${name}`));
  return linkinfo;
}

/** IP6_TNL_F_CAP_XMIT and IP6_TNL_F_CAP_RCV (include/net/ip6_tunnel.h): the kernel's own, set where the ends allow it. */
const CAPABLE = 0x30000;

async function read(name: string): Promise<Pick<LinkSettings, 'kind' | 'tunnel'>> {
  const { kind, tunnel } = (await client.links()).find((link) => link.name === name) ?? {};
  const flags = tunnel?.flags === undefined ? {} : { flags: tunnel.flags & ~CAPABLE };
  return { ...(kind !== undefined && { kind }), ...(tunnel !== undefined && { tunnel: { ...tunnel, ...flags } }) };
}

async function done(action: 'create' | 'set' | 'delete', object: LinkSettings): Promise<void> {
  const [error] = await client.apply([{ kind: 'link', action, object }]);
  if (error !== undefined) throw error;
}

const ends4 = { local: bytesOf('10.0.0.1'), remote: bytesOf('10.0.0.2') };
const ends6 = { local: bytesOf('fd00::1'), remote: bytesOf('fd00::2') };
/** As `ip` says "encaplimit none": the default limit stands beside the flag. */
const noLimit = { encapLimit: 4, flags: IP6_TNL_F_IGN_ENCAP_LIMIT };
const fou = { type: TUNNEL_ENCAP_FOU, flags: 0, sourcePort: 0, destinationPort: 5555 };

/** The words of `ip link add NAME` and the same for us. */
const cases: readonly { readonly words: string; readonly kind: string; readonly tunnel?: Tunnel }[] = [
  { words: 'type dummy', kind: 'dummy' },
  { words: 'type ipip mode ipip local 10.0.0.1 remote 10.0.0.2', kind: 'ipip', tunnel: { ...ends4, ipProtocol: 4 } },
  {
    words: 'type ipip mode any local 10.0.0.1 remote 10.0.0.2 tos 4 nopmtudisc',
    kind: 'ipip',
    tunnel: { ...ends4, tos: 4, pathMtuDiscovery: false, ipProtocol: 0 },
  },
  {
    words: 'type ipip mode ipip local 10.0.0.1 remote 10.0.0.2 encap fou encap-sport auto encap-dport 5555',
    kind: 'ipip',
    tunnel: { ...ends4, ipProtocol: 4, encap: fou },
  },
  {
    words: 'type ipip mode ipip local 10.0.0.1 remote 10.0.0.2 encap gue encap-sport 1000 encap-dport 5556 encap-csum',
    kind: 'ipip',
    tunnel: {
      ...ends4,
      ipProtocol: 4,
      encap: { type: TUNNEL_ENCAP_GUE, flags: TUNNEL_ENCAP_FLAG_CSUM, sourcePort: 1000, destinationPort: 5556 },
    },
  },
  {
    words: 'type sit mode ip6ip local 10.0.0.1 remote 10.0.0.2 ttl 64',
    kind: 'sit',
    tunnel: { ...ends4, ipProtocol: 41, ttl: 64 },
  },
  {
    words: 'type ip6tnl mode ip6ip6 local fd00::1 remote fd00::2 encaplimit none',
    kind: 'ip6tnl',
    tunnel: { ...ends6, ipProtocol: 41, ttl: 64, ...noLimit },
  },
  {
    words: 'type ip6tnl mode any local fd00::1 remote fd00::2 encaplimit none hoplimit 10',
    kind: 'ip6tnl',
    tunnel: { ...ends6, ipProtocol: 0, ttl: 10, ...noLimit },
  },
  {
    words:
      'type ip6tnl mode ip6ip6 local fd00::1 remote fd00::2 encaplimit none encap gue encap-sport auto encap-dport 5555',
    kind: 'ip6tnl',
    tunnel: {
      ...ends6,
      ipProtocol: 41,
      ttl: 64,
      ...noLimit,
      encap: { ...fou, type: TUNNEL_ENCAP_GUE, flags: TUNNEL_ENCAP_FLAG_CSUM6 },
    },
  },
];

for (const { words, kind, tunnel } of cases) {
  await t.test(words, async (t) => {
    const wanted = { kind, ...(tunnel !== undefined && { tunnel }) };
    // One after the other: two tunnels of a kind with the same ends exclude each other.
    ip(`link add t0 ${words}`);
    const theirs = { shown: shown('t0'), read: await read('t0') };
    await done('delete', { name: 't0' });
    await done('create', { name: 't0', ...wanted });
    t.strictSame(shown('t0'), theirs.shown);
    t.strictSame(await read('t0'), theirs.read);
    t.match(theirs.read, wanted, 'what we read is what was asked for');
    await done('delete', { name: 't0' });
  });
}

await t.test('a tunnel that stands gets another end', async (t) => {
  await done('create', { name: 't0', kind: 'ipip', tunnel: { ...ends4, ipProtocol: 4 } });
  await done('set', { name: 't0', kind: 'ipip', tunnel: { ...ends4, remote: bytesOf('10.0.0.3'), ipProtocol: 4 } });
  t.match(shown('t0'), { info_kind: 'ipip', info_data: { local: '10.0.0.1', remote: '10.0.0.3' } });
  const [error] = await client.apply([
    { kind: 'link', action: 'create', object: { name: 't1', kind: 'ipip', tunnel: { ...ends4, ipProtocol: 4 } } },
  ]);
  t.equal(error, undefined, 'the first end is free again');
});
