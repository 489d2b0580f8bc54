/**
 * A network namespace for one peer, joined to ours by a veth pair with addresses of both families. So every daemon has
 * port 179, the BFD ports and a directly connected neighbour of its own. It lives as long as this process at most.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { run, until } from '../daemons.ts';

/** The two ends of the link: `ours` in this namespace, `theirs` in the peer's. */
export interface LinkAddresses {
  readonly ours: { readonly ipv4: string; readonly ipv6: string };
  /** For further speakers on our end. */
  readonly feeders: readonly [string, string];
  readonly theirs: { readonly ipv4: string; readonly ipv6: string };
}

export interface PeerNamespace {
  readonly addresses: LinkAddresses;
  /** Our end of the link. */
  readonly device: string;
  /** The command line that runs `command` in the namespace. */
  inside(...command: string[]): readonly [string, ...string[]];
  /** Starts a program in the namespace; it is killed when the namespace closes. */
  spawn(...command: string[]): ChildProcess;
  close(): Promise<void>;
}

function addressesOf(index: number): LinkAddresses {
  const high = index >>> 8;
  const low = index & 0xff;
  const four = `10.${64 + high}.${low}`;
  const six = `fd00:${(index + 1).toString(16)}:`;
  return {
    ours: { ipv4: `${four}.1`, ipv6: `${six}:1` },
    feeders: [`${four}.3`, `${four}.4`],
    theirs: { ipv4: `${four}.2`, ipv6: `${six}:2` },
  };
}

async function ends(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('exit', resolve));
}

/** Duplicate address detection is off before the link is there: an address can be bound at once. */
const withoutDetection = 'echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad';

/** Makes the namespace number `index`; numbers are not used twice. */
export async function createNamespace(index: number): Promise<PeerNamespace> {
  const addresses = addressesOf(index);
  const device = `peer${index}`;
  await run('sh', '-c', withoutDetection);
  const script = `${withoutDetection}; ip link set lo up; echo ready; exec cat`;
  const holder = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  let ready = false;
  holder.stdout.on('data', () => {
    ready = true;
  });
  await until('a network namespace', () => ready);
  const inside = (...command: string[]): readonly [string, ...string[]] => [
    'nsenter',
    `--net=/proc/${holder.pid}/ns/net`,
    ...command,
  ];
  await run('ip', 'link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(holder.pid));
  const up = (name: string, side: LinkAddresses['ours']): string =>
    `ip address add ${side.ipv4}/24 dev ${name} && ip address add ${side.ipv6}/64 dev ${name} nodad && ip link set ${name} up`;
  const more = addresses.feeders.map((address) => `ip address add ${address}/24 dev ${device}`);
  await run('sh', '-c', [up(device, addresses.ours), ...more].join(' && '));
  const [enter, ...rest] = inside('sh', '-c', up('eth0', addresses.theirs));
  await run(enter, ...rest);
  const children: ChildProcess[] = [];
  return {
    addresses,
    device,
    inside,
    spawn(...command) {
      const [program, ...args] = inside(...command);
      const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore'] });
      children.push(child);
      return child;
    },
    async close() {
      for (const child of children) child.kill('SIGKILL');
      holder.stdin.end();
      await Promise.all([...children, holder].map(ends));
      await run('ip', 'link', 'delete', device).catch(() => '');
    },
  };
}
