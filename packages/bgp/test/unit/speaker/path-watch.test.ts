/** BFD beside sessions: this package's own on datagrams in memory, with the speakers of a simulation on one clock. */
import t, { type Test } from 'tap';
import type { Bfd } from '../../../src/bfd/api.ts';
import { ceaseSubcode, errorCode } from '../../../src/iana.ts';
import { Simulation } from '../../../src/simulator/index.ts';
import type { BfdSource, PeerOptions, PeerStatus, Speaker, SpeakerOptions } from '../../../src/speaker/api.ts';
import { MemoryNetwork, timing } from '../bfd/memory-network.ts';
import { all } from './pair.ts';

const [here, there] = ['10.0.0.1', '10.0.0.2'];
const prefix = '192.0.2.0/24';
const detectionMs = timing.detectMultiplier * timing.requiredMinRxMs;
/** A packet on the way, and one that was just due. */
const slackMs = 10;
const bfdDown = { code: errorCode.cease, subcode: ceaseSubcode.bfdDown } as const;

class Pair {
  readonly simulation = new Simulation({ seed: 7 });
  readonly datagrams = new MemoryNetwork(7, this.simulation.clock);
  readonly ours: Speaker;
  theirs: Speaker;
  readonly bfd: Bfd = this.datagrams.machine(here);
  readonly theirBfd: Bfd = this.datagrams.machine(there);
  readonly warnings: string[] = [];
  /** How often each side's BFD was asked for. */
  loaded = 0;
  readonly #options: Partial<SpeakerOptions>;
  readonly #peer: Partial<PeerOptions>;

  constructor(
    peer: Partial<PeerOptions>,
    { source, ...options }: Partial<SpeakerOptions> & { source?: BfdSource } = {},
  ) {
    this.#options = options;
    this.#peer = peer;
    this.ours = this.#speaker(here, 65001, source ?? (async () => this.bfd));
    this.ours.on('warning', ({ text }) => void this.warnings.push(text));
    this.ours.addPeer({ address: there, asn: 65002, localAddress: here, ...peer });
    this.theirs = this.makeTheirs({});
  }

  makeTheirs(options: Partial<SpeakerOptions>, peer = this.#peer): Speaker {
    const speaker = this.#speaker(there, 65002, async () => this.theirBfd, options);
    speaker.addPeer({ address: here, asn: 65001, localAddress: there, ...peer });
    speaker.announce({ prefix });
    return speaker;
  }

  async start(): Promise<void> {
    await this.ours.start();
    await this.theirs.start();
    await this.run(10_000);
  }

  /** Lets time pass, and BFD be handed out before. */
  async run(ms: number): Promise<void> {
    await new Promise(setImmediate);
    this.simulation.run(ms);
  }

  /** Datagrams from there no longer arrive; TCP does. */
  silence(): void {
    this.datagrams.passes = (from) => from !== there;
  }

  status(speaker: Speaker = this.ours): PeerStatus {
    const [status] = speaker.peers();
    if (status === undefined) throw new Error('no peer');
    return status;
  }

  get prefixes(): string[] {
    return Array.from(this.ours.routes(), (path) => path.prefix);
  }

  #speaker(address: string, asn: number, bfd: BfdSource, options: Partial<SpeakerOptions> = {}): Speaker {
    const common = { address, asn, routerId: address, importPolicy: all, exportPolicy: all };
    return this.simulation.addSpeaker(
      { ...common, ...this.#options, ...options },
      {
        bfd: () => {
          this.loaded += 1;
          return bfd();
        },
      },
    );
  }
}

async function up(test: Test, ...args: ConstructorParameters<typeof Pair>): Promise<Pair> {
  const pair = new Pair(...args);
  await pair.start();
  test.match(pair.status(), { state: 'Established', bfd: { state: 'Up' } });
  test.strictSame(pair.prefixes, [prefix]);
  return pair;
}

t.test('a failed path ends the session within the detection time, and it comes back with the path', async (test) => {
  const pair = await up(test, { bfd: timing });
  pair.silence();
  await pair.run(detectionMs + slackMs);
  test.match(pair.status(), { lastDown: { kind: 'admin', ...bfdDown, text: /BFD.*detection-time-expired/ } });
  test.match(pair.status(pair.theirs), { lastDown: bfdDown });
  test.not(pair.status().state, 'Established');
  test.strictSame(pair.prefixes, []);

  pair.datagrams.passes = () => true;
  await pair.run(10_000);
  test.match(pair.status(), { state: 'Established', established: 2, bfd: { state: 'Up' } });
  test.strictSame(pair.prefixes, [prefix]);
});

t.test('BFD that stays Down after that does not keep the session down', async (test) => {
  const pair = await up(test, { bfd: timing });
  pair.silence();
  await pair.run(10_000);
  test.match(pair.status(), { state: 'Established', established: 2, bfd: { state: 'Down' } });
});

t.test('AdminDown is no failure', async (test) => {
  const pair = await up(test, { bfd: timing });
  pair.theirs.setPeers([{ address: here, asn: 65001, localAddress: there }]);
  await pair.run(5_000);
  test.match(pair.status(), { state: 'Established', established: 1, bfd: { state: 'Down' } });
  test.notOk('bfd' in pair.status(pair.theirs));
});

t.test('options change without a reset', async (test) => {
  const pair = await up(test, { bfd: timing });
  const slower = { ...timing, requiredMinRxMs: 200 };
  const change = (bfd: PeerOptions['bfd']) =>
    pair.ours.setPeers([{ address: there, asn: 65002, localAddress: here, ...(bfd !== undefined && { bfd }) }]);
  test.strictSame(change(slower), [{ address: there, action: 'updated' }]);
  await pair.run(5_000);
  test.match(pair.bfd.sessions(), [{ state: 'Up', detectionTimeMs: 600, users: 1 }]);
  test.match(pair.status(), { state: 'Established', established: 1, bfd: { state: 'Up' } });
  // An option that BFD refuses.
  change({ ...timing, detectMultiplier: 256 });
  await pair.run(5_000);
  test.match(pair.warnings, [/no BFD: .*detectMultiplier/]);
  test.match(pair.status(), { state: 'Established', established: 1 });
  test.notOk('bfd' in pair.status());
  change(timing);
  await pair.run(5_000);
  test.match(pair.status(), { established: 1, bfd: { state: 'Up' } });
  test.strictSame(change(undefined), [{ address: there, action: 'updated' }]);
  await pair.run(5_000);
  test.strictSame(pair.bfd.sessions(), []);
  test.match(pair.status(), { state: 'Established', established: 1 });
  test.notOk('bfd' in pair.status());
});

t.test('BFD is asked for only when a peer wants it, and let go of with the peer', async (test) => {
  const without = new Pair({});
  await without.start();
  test.equal(without.loaded, 0);
  test.notOk('bfd' in without.status());

  const pair = await up(test, { bfd: true });
  test.match(pair.bfd.sessions(), [{ users: 1, multihop: false, detectionTimeMs: 900 }]);
  pair.ours.removePeer(there);
  test.strictSame(pair.bfd.sessions(), []);
  // Removed before BFD was there.
  pair.ours.addPeer({ address: there, asn: 65002, bfd: true });
  pair.ours.removePeer(there);
  await pair.run(5_000);
  test.strictSame(pair.bfd.sessions(), []);
  await pair.theirs.stop();
  test.strictSame(pair.theirBfd.sessions(), []);
});

t.test('the kind of the BFD session follows from the TTLs of the BGP session', async (test) => {
  const cases: readonly [Partial<PeerOptions>, Record<string, unknown>][] = [
    [{}, { multihop: false }],
    [{ multihopTtl: 1 }, { multihop: false }],
    [{ multihopTtl: 3 }, { multihop: true }],
    [{ ttlSecurity: 1 }, { multihop: false }],
    [{ ttlSecurity: 2 }, { multihop: true, minimumTtl: 254 }],
    [{ bfd: { multihop: true } }, { multihop: true }],
    [{ multihopTtl: 3, bfd: { multihop: false } }, { multihop: false }],
    [{ device: 'vrf-a' }, { multihop: false, interface: 'vrf-a' }],
  ];
  test.not(cases.length, 0);
  for (const [options, expected] of cases) {
    const asked: unknown[] = [];
    const pair = new Pair(
      { bfd: true, ...options },
      {
        source: async () => ({
          session(bfdOptions) {
            asked.push(bfdOptions);
            return pair.bfd.session(bfdOptions);
          },
        }),
      },
    );
    await pair.ours.start();
    await pair.run(0);
    test.strictSame(asked, [
      {
        desiredMinTxMs: 300,
        requiredMinRxMs: 300,
        detectMultiplier: 3,
        address: there,
        localAddress: here,
        ...expected,
      },
    ]);
    await pair.ours.stop();
  }
});

t.test('without BFD the session goes on, and one warning says so', async (test) => {
  const source = () => Promise.reject(new Error('BFD needs the package koffi'));
  const pair = new Pair({ bfd: true }, { source });
  await pair.start();
  test.match(pair.status(), { state: 'Established' });
  test.strictSame(pair.warnings, [
    `peer ${there} (AS 65002): no BFD: BFD needs the package koffi; the BGP session goes on without it`,
  ]);
});

t.test('strict', async (test) => {
  await test.test('no session before BFD is Up, nor after it went Down, until it is Up again', async (part) => {
    const pair = new Pair({ bfd: { ...timing, strict: true } });
    pair.silence();
    await pair.start();
    part.match(pair.status(), { state: 'Idle', established: 0, bfd: { state: 'Down' } });
    pair.datagrams.passes = () => true;
    await pair.run(10_000);
    part.match(pair.status(), { state: 'Established', established: 1 });
    pair.silence();
    await pair.run(detectionMs + slackMs);
    part.match(pair.status(), { state: 'Idle', lastDown: bfdDown });
    await pair.run(120_000);
    part.match(pair.status(), { state: 'Idle', established: 1 });
    pair.datagrams.passes = () => true;
    await pair.run(10_000);
    part.match(pair.status(), { state: 'Established', established: 2 });
  });

  await test.test('without BFD there is no session', async (part) => {
    const source = () => Promise.reject(new Error('BFD needs the package koffi'));
    const pair = new Pair({ bfd: { strict: true } }, { source });
    await pair.start();
    part.match(pair.status(), { state: 'Idle', established: 0 });
    part.match(
      pair.warnings.filter((text) => text.includes('BFD')),
      [/no BGP session without it \(strict\)$/],
    );
  });

  await test.test('a session that a prefix limit stopped is not started by the path', async (part) => {
    const prefixLimits = { 'ipv4-unicast': { maximum: 1 } } as const;
    const pair = await up(part, { bfd: { ...timing, strict: true }, prefixLimits });
    pair.theirs.announce({ prefix: '198.51.100.0/24' });
    await pair.run(1_000);
    part.match(pair.status(), { state: 'Idle', lastDown: { subcode: ceaseSubcode.maximumPrefixesReached } });
    pair.silence();
    await pair.run(5_000);
    part.equal(pair.status().bfd?.state, 'Down');
    pair.datagrams.passes = () => true;
    await pair.run(10_000);
    part.match(pair.status(), { state: 'Idle', established: 1, bfd: { state: 'Up' } });
  });

  await test.test('a BFD session that others hold already is enough', async (part) => {
    const pair = new Pair({ bfd: { ...timing, strict: true } });
    const other = pair.bfd.session({ address: there, localAddress: here, ...timing });
    await pair.theirs.start();
    await pair.run(10_000);
    part.equal(other.state, 'Up');
    await pair.ours.start();
    await pair.run(5_000);
    part.match(pair.status(), { state: 'Established' });
    part.match(pair.bfd.sessions(), [{ users: 2 }]);
  });

  await test.test('what waits begins when it need not wait any more', async (part) => {
    const pair = new Pair({ bfd: { ...timing, strict: true } });
    pair.datagrams.passes = () => false;
    await pair.ours.start();
    await pair.run(5_000);
    part.equal(pair.status().state, 'Idle');
    pair.ours.setPeers([{ address: there, asn: 65002, localAddress: here, bfd: timing }]);
    await pair.run(100);
    part.not(pair.status().state, 'Idle');
  });

  await test.test('a peer that restarts gracefully waits for its path too', async (part) => {
    const gracefulRestart = { restartTimeMs: 60_000 };
    const pair = await up(part, { bfd: { ...timing, strict: true } }, { gracefulRestart });
    pair.datagrams.passes = () => false;
    await pair.theirs.stop({ graceful: true });
    await pair.run(detectionMs + slackMs);
    // It comes back without BFD.
    pair.theirs = pair.makeTheirs({ gracefulRestart: { ...gracefulRestart, restarting: true } }, {});
    await pair.theirs.start();
    await pair.run(10_000);
    part.match(pair.status(), { state: 'Idle', established: 1 });
    part.strictSame(pair.prefixes, [prefix]);
  });

  await test.test('peers of a range cannot have it', async (part) => {
    const { ours } = new Pair({});
    const range = { prefix: '10.1.0.0/16', asns: [65002], limit: 1 };
    part.throws(() => ours.addPeerRange({ ...range, bfd: { strict: true } }), /10\.1\.0\.0\/16.*strict BFD/);
    ours.addPeerRange({ ...range, bfd: true });
  });
});

t.test('graceful restart does not keep routes over a path that failed', async (test) => {
  const pair = await up(test, { bfd: timing }, { gracefulRestart: { restartTimeMs: 60_000 } });
  pair.silence();
  await pair.run(detectionMs + slackMs);
  test.match(pair.status(), { lastDown: bfdDown });
  test.strictSame(pair.prefixes, []);
});

t.test('a peer that restarts gracefully takes its BFD with it, and its routes stay', async (test) => {
  const gracefulRestart = { restartTimeMs: 60_000 };
  const pair = await up(test, { bfd: timing }, { gracefulRestart });
  // The process ends: no AdminDown, no NOTIFICATION.
  pair.datagrams.passes = () => false;
  await pair.theirs.stop({ graceful: true });
  await pair.run(detectionMs + slackMs);
  test.equal(pair.status().bfd?.state, 'Down');
  test.strictSame(pair.prefixes, [prefix], 'RFC 5882 §4.3.2: the restart is not aborted');
  pair.datagrams.passes = () => true;
  pair.theirs = pair.makeTheirs({ gracefulRestart: { ...gracefulRestart, restarting: true } });
  await pair.theirs.start();
  await pair.run(5_000);
  test.match(pair.status(), { state: 'Established', established: 2, bfd: { state: 'Up' } });
  test.strictSame(pair.prefixes, [prefix]);

  await test.test('also when the session is back before BFD notices', async (part) => {
    pair.datagrams.passes = () => false;
    await pair.theirs.stop({ graceful: true });
    const again = pair.makeTheirs({
      gracefulRestart: { ...gracefulRestart, restarting: true, deferralTimeMs: 20_000 },
    });
    // It waits for a neighbour that never comes, and with it our End-of-RIB.
    again.addPeer({ address: '10.0.0.9', asn: 65009 });
    await again.start();
    await pair.run(200);
    part.match(pair.status(), { state: 'Established', established: 3, bfd: { state: 'Up' } });
    await pair.run(detectionMs);
    part.match(pair.status(), { state: 'Established', established: 3, bfd: { state: 'Down' } });
    part.strictSame(pair.prefixes, [prefix]);
  });
});
