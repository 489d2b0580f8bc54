/** BFD of others, in the peer's namespace: configured for a single hop over each family, link-local, and both multihop ways. */
import type { ChildProcess } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { direct4, direct6, far4, far6, type Namespace } from './bfd-topology.ts';
import { run, until } from './daemons.ts';

/** What a daemon wants of its sessions. */
export const daemonTiming = { txMs: 60, rxMs: 80, multiplier: 4 } as const;

export interface BfdDaemon {
  /** All its processes. */
  readonly processes: readonly ChildProcess[];
  /** Its own word for the state of the session with this address of ours, in lower case. */
  state(address: string): Promise<string>;
  /** Has it take the session down by administration, or up again. */
  shutdown(address: string, down: boolean): Promise<void>;
  stop(): Promise<void>;
}

export interface BfdDaemonKind {
  readonly name: string;
  /** Whether it says AdminDown when its session is taken away, or just goes silent. */
  readonly saysAdminDown: boolean;
  start(namespace: Namespace): Promise<BfdDaemon>;
}

/** Starts a program, collects what it prints, and ends it. */
function watch(process_: ChildProcess): { output(): string; exit(): Promise<void> } {
  let output = '';
  for (const stream of [process_.stdout, process_.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  }
  const exited = new Promise<void>((resolve) => process_.once('close', () => resolve()));
  return {
    output: () => output,
    async exit() {
      process_.kill('SIGCONT');
      process_.kill('SIGKILL');
      await exited;
    },
  };
}

function birdConfig(without: readonly string[], authentication: string): string {
  const { txMs, rxMs, multiplier } = daemonTiming;
  const secret = authentication === 'none' ? '' : 'password "secret" { id 7; };';
  const timing = `min rx interval ${rxMs} ms; min tx interval ${txMs} ms; idle tx interval 1 s; multiplier ${multiplier}; authentication ${authentication}; ${secret}`;
  const neighbors = [
    [direct4[0], `dev "vb" local ${direct4[1]}`],
    [direct6[0], `dev "vb" local ${direct6[1]}`],
    ['fe80::1', 'dev "vb" local fe80::2'],
    [far4[0], `local ${far4[1]} multihop on`],
    [far6[0], `local ${far6[1]} multihop on`],
  ] as const;
  const wanted = neighbors.filter(([address]) => !without.includes(address));
  return `
    router id 10.0.0.2;
    log stderr all;
    protocol device {}
    protocol bfd {
      interface "*" { ${timing} };
      multihop { ${timing} };
      ${wanted.map(([address, more]) => `neighbor ${address} ${more};`).join('\n')}
    }`;
}

/** `authentication`: BIRD's word for it, with the password "secret" and the key id 7. */
export const birdWith = (authentication: string): BfdDaemonKind => ({
  name: 'BIRD',
  saysAdminDown: false,
  async start(namespace) {
    const folder = mkdtempSync(join(tmpdir(), 'routelet-bfd-bird-'));
    const [file, socket] = [join(folder, 'bird.conf'), join(folder, 'bird.ctl')];
    writeFileSync(file, birdConfig([], authentication));
    const bird = namespace.spawn('bird', '-f', '-c', file, '-s', socket, '-P', join(folder, 'bird.pid'));
    const { output, exit } = watch(bird);
    const birdc = (...words: string[]): Promise<string> => run('birdc', '-s', socket, ...words);
    await until(
      () => `BIRD\n${output()}`,
      () =>
        birdc('show', 'status').then(
          () => true,
          () => false,
        ),
    );
    return {
      processes: [bird],
      async state(address) {
        const lines = (await birdc('show', 'bfd', 'sessions')).split('\n').map((line) => line.split(/\s+/));
        return lines.find(([who]) => who === address)?.[2]?.toLowerCase() ?? 'none';
      },
      async shutdown(address, down) {
        writeFileSync(file, birdConfig(down ? [address.replace(/%.*/, '')] : [], authentication));
        await birdc('configure');
      },
      async stop() {
        await exit();
        rmSync(folder, { recursive: true });
      },
    };
  },
});

export const birdBfd = birdWith('none');

const frrPeers: Readonly<Record<string, string>> = {
  [direct4[0]]: `peer ${direct4[0]} local-address ${direct4[1]} interface vb`,
  [direct6[0]]: `peer ${direct6[0]} local-address ${direct6[1]} interface vb`,
  'fe80::1': 'peer fe80::1 local-address fe80::2 interface vb',
  [far4[0]]: `peer ${far4[0]} multihop local-address ${far4[1]}`,
  [far6[0]]: `peer ${far6[0]} multihop local-address ${far6[1]}`,
};

export const frrBfd: BfdDaemonKind = {
  name: 'FRR',
  saysAdminDown: true,
  async start(namespace) {
    const folder = mkdtempSync(join(tmpdir(), 'routelet-bfd-frr-'));
    chownSync(folder, Number(await run('id', '-u', 'frr')), Number(await run('id', '-g', 'frr')));
    const { txMs, rxMs, multiplier } = daemonTiming;
    const timing = ` transmit-interval ${txMs}\n  receive-interval ${rxMs}\n  detect-multiplier ${multiplier}`;
    const peers = Object.values(frrPeers).map((peer) => ` ${peer}\n ${timing}\n  no shutdown\n  exit\n`);
    writeFileSync(join(folder, 'zebra.conf'), 'log stdout\n');
    writeFileSync(join(folder, 'bfdd.conf'), `log stdout\nbfd\n${peers.join('')}`);
    const vtysh = (...commands: string[]): Promise<string> =>
      run('vtysh', '--vty_socket', folder, ...commands.flatMap((command) => ['-c', command]));
    const started: { process_: ChildProcess; exit(): Promise<void> }[] = [];
    for (const daemon of ['zebra', 'bfdd']) {
      const process_ = namespace.spawn(
        `/usr/lib/frr/${daemon}`,
        ...['-f', join(folder, `${daemon}.conf`), '-i', join(folder, `${daemon}.pid`), '-z', join(folder, 'zserv')],
        ...['--vty_socket', folder, '-P', '0', '--log', 'stdout'],
        ...(daemon === 'bfdd' ? ['--bfdctl', join(folder, 'bfdd.sock')] : []),
      );
      const { output, exit } = watch(process_);
      started.push({ process_, exit });
      await until(
        () => `${daemon}\n${output()}`,
        () =>
          run('vtysh', '--vty_socket', folder, '-d', daemon, '-c', 'show version').then(
            () => true,
            () => false,
          ),
      );
    }
    return {
      processes: started.map(({ process_ }) => process_),
      async state(address) {
        const bare = address.replace(/%.*/, '');
        const sessions: { peer: string; status: string }[] = JSON.parse(await vtysh('show bfd peers json'));
        return sessions.find(({ peer }) => peer === bare)?.status.toLowerCase() ?? 'none';
      },
      async shutdown(address, down) {
        const peer = frrPeers[address.replace(/%.*/, '')] ?? '';
        await vtysh('configure terminal', 'bfd', peer, down ? 'shutdown' : 'no shutdown');
      },
      async stop() {
        for (const { exit } of started) await exit();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};
