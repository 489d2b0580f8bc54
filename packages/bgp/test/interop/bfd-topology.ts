/**
 * Where BFD is tested: this namespace and the peer's with a link between them, and a second way over a router in a third,
 * so that a multihop session loses a TTL each way. Addresses of a link end in 1 here and in 2 there.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { run, until } from './daemons.ts';

/** [ours, the peer's] */
export const direct4 = ['10.0.0.1', '10.0.0.2'] as const;
export const direct6 = ['fd00::1', 'fd00::2'] as const;
export const linkLocal = ['fe80::1%va', 'fe80::2%va'] as const;
export const far4 = ['10.8.0.1', '10.8.1.2'] as const;
export const far6 = ['fd08::1', 'fd08:1::2'] as const;

export interface Namespace {
  /** Runs a command in it. */
  run(...command: [string, ...string[]]): Promise<string>;
  /** Starts a process in it. */
  spawn(...command: [string, ...string[]]): ChildProcess;
  readonly pid: number;
}

export interface Topology {
  readonly peer: Namespace;
  stop(): Promise<void>;
}

function enter(pid: number): Namespace {
  const prefix = [`--net=/proc/${pid}/ns/net`];
  return {
    pid,
    run: (...command) => run('nsenter', ...prefix, ...command),
    spawn: (...command) => spawn('nsenter', [...prefix, ...command], { stdio: ['ignore', 'pipe', 'pipe'] }),
  };
}

async function createNamespace(): Promise<{ namespace: Namespace; holder: ChildProcess }> {
  const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
  await once(holder, 'spawn');
  const { pid } = holder;
  if (pid === undefined) throw new Error('no namespace');
  const own = readlinkSync('/proc/self/ns/net');
  await until('a namespace', () => readlinkSync(`/proc/${pid}/ns/net`) !== own);
  const namespace = enter(pid);
  await namespace.run('ip', 'link', 'set', 'lo', 'up');
  return { namespace, holder };
}

const here: Pick<Namespace, 'run' | 'pid'> = { run: (command, ...args) => run(command, ...args), pid: process.pid };

async function connect(
  [a, nameA, addressesA]: readonly [Pick<Namespace, 'run' | 'pid'>, string, readonly string[]],
  [b, nameB, addressesB]: readonly [Pick<Namespace, 'run' | 'pid'>, string, readonly string[]],
): Promise<void> {
  await a.run('ip', 'link', 'add', 'name', nameA, 'type', 'veth', 'peer', 'name', nameB, 'netns', `${b.pid}`);
  for (const [side, name, addresses] of [
    [a, nameA, addressesA],
    [b, nameB, addressesB],
  ] as const) {
    for (const address of addresses) {
      const nodad = address.includes(':') ? ['nodad'] : [];
      await side.run('ip', 'address', 'add', address, 'dev', name, ...nodad);
    }
    await side.run('ip', 'link', 'set', name, 'up');
  }
}

export async function createTopology(): Promise<Topology> {
  const { namespace: peer, holder } = await createNamespace();
  const { namespace: router, holder: routerHolder } = await createNamespace();
  await connect(
    [here, 'va', ['10.0.0.1/24', 'fd00::1/64', 'fe80::1/64']],
    [peer, 'vb', ['10.0.0.2/24', 'fd00::2/64', 'fe80::2/64']],
  );
  await connect([here, 'wa', ['10.8.0.1/24', 'fd08::1/64']], [router, 'ra', ['10.8.0.254/24', 'fd08::fe/64']]);
  await connect([peer, 'wb', ['10.8.1.2/24', 'fd08:1::2/64']], [router, 'rb', ['10.8.1.254/24', 'fd08:1::fe/64']]);
  await router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  await here.run('ip', 'route', 'add', '10.8.1.0/24', 'via', '10.8.0.254');
  await here.run('ip', 'route', 'add', 'fd08:1::/64', 'via', 'fd08::fe');
  await peer.run('ip', 'route', 'add', '10.8.0.0/24', 'via', '10.8.1.254');
  await peer.run('ip', 'route', 'add', 'fd08::/64', 'via', 'fd08:1::fe');
  return {
    peer,
    async stop() {
      for (const process_ of [holder, routerHolder]) {
        process_.kill('SIGKILL');
        if (process_.exitCode === null && process_.signalCode === null) await once(process_, 'exit');
      }
    },
  };
}

/** Sends one datagram out of a namespace with a TTL of its own choice. */
export async function sendWithTtl(
  from: Namespace,
  [source, destination]: readonly [string, string],
  port: number,
  ttl: number,
  bytes: Uint8Array,
): Promise<void> {
  const script = `
    const [source, destination, port, ttl, hex] = process.argv.slice(1);
    const socket = require('node:dgram').createSocket(source.includes(':') ? 'udp6' : 'udp4');
    socket.bind({ address: source }, () => {
      socket.setTTL(Number(ttl));
      socket.send(Buffer.from(hex, 'hex'), Number(port), destination, () => socket.close());
    });`;
  const hex = Buffer.from(bytes).toString('hex');
  await from.run(process.execPath, '-e', script, '--', source, destination, `${port}`, `${ttl}`, hex);
}

/** Datagrams that the kernel handed to no socket because of a filter, by the counters of this namespace. */
export function droppedByFilter(): Promise<number> {
  return new Promise((resolve, reject) => {
    execFile('nstat', ['-asz', 'UdpInErrors', 'Udp6InErrors'], (error, stdout) => {
      if (error !== null) reject(error);
      else resolve([...stdout.matchAll(/InErrors\s+(\d+)/g)].reduce((sum, match) => sum + Number(match[1]), 0));
    });
  });
}
