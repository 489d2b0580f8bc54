import t from 'tap';
import { encodeKeepalive } from '../../../src/message/keepalive.ts';
import type { Connection } from '../../../src/ports.ts';
import { Channel } from '../../../src/session/channel.ts';
import { ReadingTurns, turnUnits } from '../../../src/session/reading-turns.ts';
import { VirtualClock } from '../../../src/simulator/index.ts';

const messagesEach = 200;
/** What the last channel of a turn may read beyond it. */
const oneChannel = 64;
const keepalive = encodeKeepalive();

function input(messages: number): Uint8Array {
  const bytes = new Uint8Array(messages * keepalive.length);
  for (let at = 0; at < bytes.length; at += keepalive.length) bytes.set(keepalive, at);
  return bytes;
}

/** Channels on connections that do nothing by themselves: a turn of the event loop is what the test does in one go. */
class Crowd {
  readonly clock = new VirtualClock();
  readonly turns = new ReadingTurns(this.clock);
  /** Messages read, by channel. */
  readonly read: number[] = [];
  readonly connections: Connection[] = [];
  readonly failing = new Set<number>();

  constructor(size: number) {
    for (let index = 0; index < size; index++) {
      const connection: Connection = {
        ...{ localAddress: '', localPort: 0, remoteAddress: '', remotePort: 0, queuedBytes: 0 },
        ...{ onData: undefined, onDrain: undefined, onClose: undefined },
        ...{ pause() {}, resume() {}, end() {}, destroy() {} },
        write: () => true,
      };
      this.read.push(0);
      this.connections.push(connection);
      new Channel(connection, this.clock, this.turns, {
        message: () => {
          this.read[index] = (this.read[index] ?? 0) + 1;
          if (this.failing.has(index)) throw new Error('failed');
        },
        ...{ defective() {}, lost() {}, drained() {} },
      });
    }
  }

  get total(): number {
    return this.read.reduce((sum, each) => sum + each, 0);
  }
}

t.test('however many peers send at once, a turn reads a bounded piece, and all get theirs in order', async (t) => {
  const crowd = new Crowd(300);
  const chunk = input(messagesEach);
  for (const { onData } of crowd.connections) onData?.(chunk);
  t.ok(crowd.total <= turnUnits + oneChannel, `${crowd.total} messages in the first turn`);
  let turns = 0;
  for (let before = crowd.total; crowd.clock.step(0); before = crowd.total) {
    turns++;
    t.ok(crowd.total - before <= turnUnits + oneChannel, `${crowd.total - before} messages in turn ${turns}`);
    t.ok(Math.max(...crowd.read) - Math.min(...crowd.read) <= oneChannel, 'nobody is ahead by more than one share');
  }
  t.equal(crowd.total, 300 * messagesEach, 'all is read');
  t.ok(turns < 100, `in ${turns} turns`);
});

t.test('large messages use a turn up sooner', async (t) => {
  const turns = new ReadingTurns(new VirtualClock());
  turns.spend(1, turnUnits * 200);
  t.notOk(turns.isSpent);
  turns.spend(1, turnUnits * 56);
  t.ok(turns.isSpent);
});

t.test('a channel whose owner throws does not cost the others their turn', async (t) => {
  const crowd = new Crowd(40);
  const chunk = input(messagesEach);
  for (const { onData } of crowd.connections) onData?.(chunk);
  crowd.failing.add(20);
  t.throws(
    () => {
      while (crowd.clock.step(0));
    },
    { message: 'failed' },
  );
  crowd.failing.clear();
  while (crowd.clock.step(0));
  t.equal(crowd.read.filter((each) => each === messagesEach).length, 39);
});
