/** A peer that never reads: it costs a bounded amount, and the others get their routes as if it were not there. */
import t from 'tap';
import { PrefixCursor } from '../../src/codec.ts';
import { until } from './daemons.ts';
import { hostile, steady, target } from './hostile-plan.ts';
import { prefix24, Target, updateOf } from './hostile-target.ts';
import { establish } from './lean-session.ts';

const routes = 40_000;
const perUpdate = 4;
/** Rounds in which all routes change: what would pile up for a peer that does not read. */
const rounds = 6;
/** More than the kernel keeps for one connection, in both directions together (net.ipv4.tcp_wmem, tcp_rmem). */
const leastBytes = 20e6;

const speaker = await Target.start();
t.teardown(() => speaker.stop());

/** All routes in UPDATEs of few prefixes and attributes that no other has, so that there is much to pass on. */
function table(round: number): Uint8Array {
  const messages: Uint8Array[] = [];
  for (let index = 0; index < routes; index += perUpdate) {
    const nlri = Array.from({ length: perUpdate }, (_, each) => prefix24(60, index + each));
    const communities = Array.from({ length: 100 }, (_, each) => (round * routes + index) * 100 + each);
    messages.push(updateOf(steady.sender, nlri, { communities }));
  }
  return Buffer.concat(messages);
}

t.test('a peer that never reads', async (t) => {
  const cursor = new PrefixCursor();
  let got = 0;
  speaker.onReceived = (body) => {
    const attributesAt = 2 + body.readUInt16BE(0);
    cursor.reset(body, attributesAt + 2 + body.readUInt16BE(attributesAt), body.length, 32, false);
    while (cursor.next()) if (cursor.word0 >>> 24 === 60) got++;
  };
  const send = async (round: number): Promise<number> => {
    const bytes = table(round);
    const [before, started] = [got, performance.now()];
    speaker.sender.socket.write(bytes);
    await until(
      () => `round ${round}: ${got - before} routes`,
      () => got - before >= routes,
      60_000,
    );
    return performance.now() - started;
  };
  await send(0);
  const alone = await send(1);
  const calm = await speaker.figures();
  let beside = 0;
  let stuffed = calm;
  await speaker.withstand(
    t,
    'a peer that never reads',
    async () => {
      const deaf = await establish(hostile, target.address);
      deaf.socket.pause();
      const times: number[] = [];
      for (let round = 2; round < 2 + rounds; round++) times.push(await send(round));
      beside = times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
      stuffed = await speaker.figures();
      const status = stuffed.peers.find(({ address }) => address === hostile.address);
      t.equal(status?.state, 'Established', 'its session is still up');
      deaf.socket.destroy();
    },
    8e6,
  );
  const { bytesRead } = speaker.receiver.socket;
  t.ok(bytesRead > leastBytes, `${bytesRead} bytes went to the peer that reads`);
  const cost = stuffed.heapBytes - calm.heapBytes;
  t.ok(cost < bytesRead / 2, `it cost ${cost} bytes of ${bytesRead}`);
  t.ok(
    beside < alone * 10 + 1000,
    `${routes} routes took ${alone.toFixed(0)} ms without it, ${beside.toFixed(0)} ms beside it`,
  );
  t.comment(
    `| ${routes} routes from peer to peer: ${alone.toFixed(0)} ms without, ${beside.toFixed(0)} ms beside a peer that ` +
      `never reads, which costs ${(cost / 1e6).toFixed(2)} MB of ${(bytesRead / 1e6).toFixed(0)} MB sent`,
  );
});
