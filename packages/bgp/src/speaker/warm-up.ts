/**
 * Runs made-up routes through private speakers in memory, so that the engine has compiled the way of a route (frames,
 * attributes, tables, decision, packing, withdrawal, both families) before the first real table comes. Nothing of it
 * is seen outside, and nothing stays but the compiled code.
 */
import type { Clock, Random, Transport } from '../ports.ts';
import { BgpSpeaker } from './speaker.ts';
import { SyntheticPeer } from './synthetic-peer.ts';
import { SyntheticTable } from './synthetic-table.ts';

const accept = { name: 'everything', statements: [], defaultVerdict: 'accept' } as const;
const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
const own = { asn: 64_512, address: '192.0.2.1' } as const;
const feederAsn = 64_513;
const sinkAsn = 64_514;
/** Numbers of blocks that differ. */
const maximumBlocks = 256;
/** Far more than the routes of all blocks take: a mistake ends with an error, not in an endless loop. */
const maximumTurns = 100_000;
/**
 * Shares of the routes, one speaker after the other. Code that has seen one object of each kind, or fields that never
 * changed, is thrown away when that ends; so the first speakers are small ones that are unlike each other.
 */
const rounds = [
  { share: 0.1, routerId: '192.0.2.1' },
  { share: 0.1, routerId: '10.0.0.1' },
  { share: 0.8, routerId: '192.0.2.1' },
] as const;

interface WarmUpPorts {
  readonly clock: Clock;
  readonly random: Random;
}

/** About `routes` routes, half of each family. Each turn of the event loop does a small piece. */
export async function runWarmUp(routes: number, ports: WarmUpPorts): Promise<void> {
  const table = new SyntheticTable(feederAsn);
  for (const { share, routerId } of rounds) {
    const blocks = Math.min(maximumBlocks, Math.ceil((routes * share) / table.routes));
    await runRound(routerId, table, blocks, ports);
  }
}

async function runRound(
  routerId: string,
  table: SyntheticTable,
  count: number,
  { clock, random }: WarmUpPorts,
): Promise<void> {
  const feeder = new SyntheticPeer('192.0.2.2', feederAsn, clock);
  const sink = new SyntheticPeer('192.0.2.3', sinkAsn, clock);
  const transport: Transport = {
    connect: () => ({ cancel: () => {} }),
    listen: ({ address, port }, accepted) => {
      for (const peer of [feeder, sink]) clock.after(0, () => accepted(peer));
      return Promise.resolve({ address, port, setPeerOptions: () => {}, close: () => Promise.resolve() });
    },
  };
  const options = { asn: own.asn, routerId, importPolicy: accept, exportPolicy: accept };
  const speaker = new BgpSpeaker({ ...options, listen: [{ address: own.address }] }, { clock, random, transport });
  for (const { remoteAddress: address, asn } of [feeder, sink])
    speaker.addPeer({ address, asn, families, passive: true, nextHopAddresses: ['2001:db8::1'] });
  /** Waits until the sink has `routes`. */
  const settled = (routes: number): Promise<void> =>
    until(clock, () =>
      speaker.peers().every(({ address, prefixesSent }) => address !== sink.remoteAddress || prefixesSent === routes),
    );
  await speaker.start();
  await until(clock, () => speaker.peers().every(({ state }) => state === 'Established'));
  for (let block = 0; block < count; block++) {
    feeder.deliver(table.announced(block));
    await turn(clock);
  }
  await settled(count * table.routes);
  // Half by UPDATEs, half by the loss of the session.
  const kept = count >> 1;
  for (let block = kept; block < count; block++) {
    feeder.deliver(table.withdrawn(block));
    await turn(clock);
  }
  await settled(kept * table.routes);
  feeder.lose();
  await settled(0);
  await speaker.stop();
  await until(clock, () => feeder.isGone && sink.isGone);
}

async function until(clock: Clock, isSo: () => boolean): Promise<void> {
  for (let turns = 0; !isSo(); turns++) {
    if (turns === maximumTurns) throw new Error(`the warm-up has not settled within ${maximumTurns} turns`);
    await turn(clock);
  }
}

function turn(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(0, resolve));
}
