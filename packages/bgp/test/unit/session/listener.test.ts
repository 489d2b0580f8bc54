/** Connections that come in, and whom they are for. */
import t from 'tap';
import { createAcceptor } from '../../../src/session/listener.ts';
import { split } from './scripted.ts';
import { type MemoryConnection, memoryPair, VirtualClock } from './virtual.ts';

t.test('the acceptor: by address in any spelling; strangers are refused, counted and bounded', async (test) => {
  const clock = new VirtualClock();
  const warnings: string[] = [];
  const acceptor = createAcceptor({ clock, warning: (text) => void warnings.push(text) });
  const taken: string[] = [];
  for (const address of ['10.0.0.2', 'FD00:0::2']) {
    acceptor.add(address, { accept: (connection) => void taken.push(connection.remoteAddress) });
  }
  const strangers: { near: MemoryConnection; received: Uint8Array[] }[] = [];
  const come = (address: string) => {
    const [near, far] = memoryPair(clock, ['10.0.0.1', 179], [address, 40_000]);
    const received: Uint8Array[] = [];
    far.onData = (chunk) => void received.push(chunk);
    far.resume();
    acceptor.accept(near);
    strangers.push({ near, received });
  };
  for (const address of ['10.0.0.2', '::ffff:10.0.0.2', 'fd00::2']) come(address);
  test.same(taken, ['10.0.0.2', '::ffff:10.0.0.2', 'fd00::2']);
  strangers.length = 0;
  for (let i = 0; i < 100; i++) come('192.0.2.1');
  test.equal(acceptor.refused, 100);
  test.same(warnings, ['refused a connection from 192.0.2.1: no such peer is configured']);
  test.equal(strangers.filter(({ near }) => near.isGone).length, 36, 'more than 64 at a time are dropped at once');
  clock.advance(10_000);
  test.ok(strangers.every(({ near }) => near.isGone));
  test.same(split(strangers[0]?.received[0] ?? new Uint8Array(0)), ['030605']);
  acceptor.remove('fd00::2');
  come('fd00::2');
  test.equal(acceptor.refused, 101);
});
