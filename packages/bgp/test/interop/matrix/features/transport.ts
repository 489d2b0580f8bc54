/** What protects a session and tells it that the path is dead: MD5, GTSM, BFD. */
import type { PeerOptions } from '../../../../src/index.ts';
import { run } from '../../daemons.ts';
import { type Cell, eventually } from '../cell.ts';
import type { Feature } from '../feature.ts';
import { frrBfd } from '../peers/frr.ts';

const prefix = '192.0.2.0/24';

/** Packets that a kernel dropped, by its name for the reason, in this namespace and the peer's. */
async function drops(cell: Cell, reasons: readonly string[]): Promise<number> {
  const command = ['cat', '/proc/net/netstat'] as const;
  const [program, ...args] = cell.namespace.inside(...command);
  const texts = await Promise.all([run(program, ...args), run(...command)]);
  return texts.reduce((sum, text) => {
    const [names = '', values = ''] = text.split('\n');
    const columns = values.split(' ');
    return names.split(' ').reduce((all, name, at) => all + (reasons.includes(name) ? Number(columns[at]) : 0), sum);
  }, 0);
}

async function dropped(cell: Cell, ...reasons: readonly string[]): Promise<void> {
  await eventually(
    () => `packets dropped for ${reasons.join(' or ')}; ${cell.warnings.join('; ')}`,
    async () => (await drops(cell, reasons)) > 0 || undefined,
  );
  await cell.notEstablished();
}

async function takesRoutes(cell: Cell): Promise<void> {
  cell.speaker.announce({ prefix });
  await cell.established();
  await cell.shows(prefix, 'over the session', ([path]) => path?.best === true);
}

function withoutGtsm(cell: Cell): PeerOptions {
  const { ttlSecurity: _, ...others } = cell.peerOptions();
  return others;
}

/** From now on no BFD packet arrives on either side. */
async function silenceBfd({ namespace }: Cell): Promise<void> {
  const chain = (hook: string): string => `chain ${hook} { type filter hook ${hook} priority 0; udp dport 3784 drop; }`;
  const [program, ...args] = namespace.inside('nft', `table inet quiet { ${chain('input')}; ${chain('output')}; }`);
  await run(program, ...args);
}

export const transportFeatures: readonly Feature[] = [
  {
    name: 'MD5',
    password: 'a-secret-of-two',
    theirs: { bird: {}, frr: {}, gobgp: {}, exabgp: {}, openbgpd: {} },
    first: (options) => ({ ...options, password: 'another' }),
    async drive(cell) {
      await dropped(cell, 'TCPMD5NotFound', 'TCPMD5Unexpected', 'TCPMD5Failure');
      cell.speaker.setPeers([cell.peerOptions()]);
      await takesRoutes(cell);
    },
    wire: [
      { from: 'ours', fields: { 'bgp.type': '2', 'tcp.options.md5.digest': /./ } },
      { from: 'theirs', fields: { 'bgp.type': '4', 'tcp.options.md5.digest': /./ } },
    ],
  },
  {
    name: 'GTSM',
    ours: { peer: { ttlSecurity: 1 } },
    theirs: {
      bird: { neighbor: 'ttl security on;' },
      frr: { neighbor: 'ttl-security hops 1' },
      gobgp: { neighbor: '[neighbors.ttl-security.config]\nenabled = true\nttl-min = 255' },
      exabgp: {
        neighbor: 'incoming-ttl 255; outgoing-ttl 255;',
        async lacks(cell) {
          await takesRoutes(cell);
          cell.speaker.setPeers([withoutGtsm(cell)]);
          await takesRoutes(cell);
          return 'with "incoming-ttl 255" it takes a session from packets of TTL 64';
        },
      },
      openbgpd: { neighbor: 'ttl-security yes' },
    },
    // Not first: a connection that the peer took from too far away would stay, as also its end is not heard.
    async drive(cell) {
      await takesRoutes(cell);
      cell.speaker.setPeers([withoutGtsm(cell)]);
      await dropped(cell, 'TCPMinTTLDrop');
      await cell.shows(prefix, 'gone with the session', (paths) => paths.length === 0);
    },
    wire: [
      { from: 'ours', fields: { 'bgp.type': '2', 'ip.ttl': '255' } },
      { from: 'theirs', fields: { 'bgp.type': '4', 'ip.ttl': '255' } },
    ],
  },
  {
    name: 'BFD',
    // The peer waits for twenty packets of ours, we for three of the peer's: we notice first.
    ours: { peer: { bfd: { desiredMinTxMs: 100, requiredMinRxMs: 100, detectMultiplier: 20, strict: true } } },
    theirs: {
      bird: {
        router: 'protocol bfd { interface "*" { interval 100 ms; multiplier 3; }; }',
        neighbor: 'bfd on;',
      },
      frr: { neighbor: 'bfd 3 100 100' },
      gobgp: { refuses: { neighbor: '[neighbors.bfd.config]\nenabled = true' }, words: /has invalid keys: bfd/ },
      exabgp: { refuses: { neighbor: 'bfd yes;' }, words: /invalid keyword "bfd"/ },
      openbgpd: { refuses: { neighbor: 'bfd yes' }, words: /syntax error/ },
    },
    async drive(cell) {
      await takesRoutes(cell);
      const show = () => cell.implementation.ask(cell.running, 'show', 'bfd', 'sessions');
      const sessions = cell.name === 'frr' ? () => frrBfd(cell) : show;
      await cell.says(/\bup\b/i, sessions);
      await silenceBfd(cell);
      await cell.shows(prefix, 'gone with the path', (paths) => paths.length === 0);
      await cell.hears(/BFD/);
      await cell.says(/\bdown\b/i, sessions);
    },
    wire: [
      { from: 'ours', fields: { 'bfd.sta': '0x03', 'ip.ttl': '255' } },
      { from: 'theirs', fields: { 'bfd.sta': '0x03' } },
      // Control Detection Time Expired (RFC 5880 §4.1), and the CEASE of RFC 9384.
      { from: 'ours', fields: { 'bfd.sta': '0x01', 'bfd.diag': '0x01' } },
      { from: 'ours', fields: { 'bgp.notify.minor_error_cease': '10' } },
    ],
  },
];
