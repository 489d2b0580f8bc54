/**
 * BGP daemons of others as child processes: each with one neighbour, us. A test file runs in its own network namespace;
 * the daemon has its addresses on the loopback device there, and its files in a folder that goes with it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The daemon's side of one session. */
export interface DaemonSetup {
  readonly localAddress: string;
  readonly localAsn: number;
  /** BGP Identifier, dotted. */
  readonly routerId: string;
  readonly peerAddress: string;
  readonly peerAsn: number;
  readonly passive?: boolean;
  readonly password?: string;
  readonly holdSeconds?: number;
}

export interface Daemon {
  readonly process: ChildProcess;
  readonly setup: DaemonSetup;
  /** Its files; gone when it has stopped. */
  readonly folder: string;
  /** Everything it printed. */
  output(): string;
  /** Its own word for the state of the session, from its own client where it has one. */
  sessionState(): Promise<string>;
  stop(): Promise<void>;
}

/** How one implementation is configured, started and asked. */
export interface DaemonKind {
  readonly name: string;
  files(setup: DaemonSetup, folder: string): Record<string, string>;
  command(setup: DaemonSetup, folder: string): readonly [string, ...string[]];
  /** Whose the files are, when the daemon gives up root before it reads them. */
  readonly user?: string;
  /** A folder that its service manager makes for it. */
  readonly runtimeFolder?: string;
  environment?(setup: DaemonSetup): Record<string, string>;
  /** Commands of its client; resolved when it answers. Also makes it originate 203.0.113.0/24 where the files cannot. */
  ready(setup: DaemonSetup, folder: string): Promise<void>;
  sessionState(setup: DaemonSetup, folder: string): Promise<string>;
}

/** Runs a command and returns what it printed; rejects when it fails. */
export function run(command: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { timeout: 5_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command} ${args.join(' ')}: ${error.message}${stderr}`));
    });
  });
}

/** Resolves when `holds` is true; rejects after `deadlineMs`, naming `what`. */
export async function until(
  what: string | (() => string),
  holds: () => boolean | Promise<boolean>,
  deadlineMs = 20_000,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > end)
      throw new Error(`not within ${deadlineMs} ms: ${typeof what === 'string' ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Gives the loopback device of this namespace the addresses of both sides. */
export async function addAddresses(...addresses: string[]): Promise<void> {
  for (const address of addresses) {
    await run('ip', 'address', 'add', `${address}/${address.includes(':') ? 128 : 32}`, 'dev', 'lo');
  }
}

/** Starts a daemon and waits until it answers. */
export async function startDaemon(kind: DaemonKind, setup: DaemonSetup): Promise<Daemon> {
  const folder = mkdtempSync(join(tmpdir(), `routelet-${kind.name}-`));
  chmodSync(folder, 0o755);
  for (const [name, text] of Object.entries(kind.files(setup, folder))) {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
  if (kind.runtimeFolder !== undefined) mkdirSync(kind.runtimeFolder, { recursive: true });
  if (kind.user !== undefined) {
    const [uid, gid] = [Number(await run('id', '-u', kind.user)), Number(await run('id', '-g', kind.user))];
    for (const path of [folder, ...Object.keys(kind.files(setup, folder)).map((name) => join(folder, name))])
      chownSync(path, uid, gid);
  }
  const [command, ...args] = kind.command(setup, folder);
  const process_ = spawn(command, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...kind.environment?.(setup) },
  });
  let output = '';
  for (const stream of [process_.stdout, process_.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  }
  let failure: Error | undefined;
  process_.on('error', (error) => {
    failure = error;
  });
  const exited = new Promise<void>((resolve) => process_.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    process_.kill('SIGCONT');
    process_.kill('SIGTERM');
    const killer = setTimeout(() => process_.kill('SIGKILL'), 2_000);
    await exited;
    clearTimeout(killer);
    rmSync(folder, { recursive: true, force: true });
  };
  let last: unknown;
  try {
    await until(
      () => `${kind.name} ready: ${failure ?? last}\n${output}`,
      async () => {
        if (failure !== undefined || process_.exitCode !== null)
          throw new Error(`${kind.name} ended: ${failure ?? output}`);
        return kind.ready(setup, folder).then(
          () => setup.passive !== true || listens(setup.localAddress),
          (error: unknown) => {
            last = error;
            return false;
          },
        );
      },
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    process: process_,
    setup,
    folder,
    output: () => output,
    sessionState: () => kind.sessionState(setup, folder),
    stop,
  };
}

async function listens(address: string): Promise<boolean> {
  return (await run('ss', '-Hltn', 'sport', '=', ':179')).includes(address);
}

const prefix = '203.0.113.0/24';

export const bird: DaemonKind = {
  name: 'bird',
  files: (setup) => ({
    'bird.conf': `
      router id ${setup.routerId};
      log stderr all;
      protocol device {}
      protocol static { ipv4; route ${prefix} blackhole; }
      protocol bgp routelet {
        local ${setup.localAddress} as ${setup.localAsn};
        neighbor ${setup.peerAddress} as ${setup.peerAsn};
        multihop 2; strict bind on;
        ${setup.passive ? 'passive on;' : ''}
        ${setup.password === undefined ? '' : `password "${setup.password}";`}
        hold time ${setup.holdSeconds ?? 90};
        connect delay time 1; connect retry time 2; error wait time 1, 2;
        ipv4 { import all; export all; next hop self; };
        ipv6 { import all; export all; };
      }`,
  }),
  command: () => ['bird', '-f', '-c', 'bird.conf', '-s', 'bird.ctl', '-P', 'bird.pid'],
  ready: async (_setup, folder) => void (await run('birdc', '-s', join(folder, 'bird.ctl'), 'show', 'status')),
  async sessionState(_setup, folder) {
    const text = await run('birdc', '-s', join(folder, 'bird.ctl'), 'show', 'protocols', 'all', 'routelet');
    return /BGP state:\s+(\S+)/.exec(text)?.[1] ?? text;
  },
};

export const frr: DaemonKind = {
  name: 'frr',
  user: 'frr',
  files: (setup) => ({
    'bgpd.conf': `
router bgp ${setup.localAsn}
 bgp router-id ${setup.routerId}
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor ${setup.peerAddress} remote-as ${setup.peerAsn}
 neighbor ${setup.peerAddress} update-source ${setup.localAddress}
 neighbor ${setup.peerAddress} disable-connected-check
 neighbor ${setup.peerAddress} timers ${Math.floor((setup.holdSeconds ?? 90) / 3)} ${setup.holdSeconds ?? 90}
 neighbor ${setup.peerAddress} timers connect 1
${setup.passive ? ` neighbor ${setup.peerAddress} passive` : ''}
${setup.password === undefined ? '' : ` neighbor ${setup.peerAddress} password ${setup.password}`}
 address-family ipv4 unicast
  network ${prefix}
  neighbor ${setup.peerAddress} activate
 address-family ipv6 unicast
  neighbor ${setup.peerAddress} activate
`,
  }),
  command: (setup, folder) => [
    '/usr/lib/frr/bgpd',
    '-n',
    '-Z',
    '-f',
    join(folder, 'bgpd.conf'),
    '-i',
    join(folder, 'bgpd.pid'),
    '--vty_socket',
    folder,
    '-p',
    '179',
    '-l',
    setup.localAddress,
    '-P',
    '0',
    '--log',
    'stdout',
  ],
  ready: async (_setup, folder) =>
    void (await run('vtysh', '--vty_socket', folder, '-d', 'bgpd', '-c', 'show bgp summary')),
  async sessionState(setup, folder) {
    const text = await run(
      'vtysh',
      '--vty_socket',
      folder,
      '-d',
      'bgpd',
      '-c',
      `show bgp neighbors ${setup.peerAddress} json`,
    );
    return /"bgpState":"(\w+)"/.exec(text)?.[1] ?? text;
  },
};

export const gobgp: DaemonKind = {
  name: 'gobgp',
  files: (setup) => ({
    'gobgpd.toml': `
[global.config]
  as = ${setup.localAsn}
  router-id = "${setup.routerId}"
  port = 179
  local-address-list = ["${setup.localAddress}"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${setup.peerAddress}"
    peer-as = ${setup.peerAsn}
    ${setup.password === undefined ? '' : `auth-password = "${setup.password}"`}
  [neighbors.transport.config]
    local-address = "${setup.localAddress}"
    passive-mode = ${setup.passive ?? false}
  [neighbors.ebgp-multihop.config]
    enabled = true
    multihop-ttl = 2
  [neighbors.timers.config]
    connect-retry = 1
    hold-time = ${setup.holdSeconds ?? 90}
    keepalive-interval = ${Math.floor((setup.holdSeconds ?? 90) / 3)}
    idle-hold-time-after-reset = 1
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
`,
  }),
  command: () => ['gobgpd', '-f', 'gobgpd.toml', '--api-hosts', '127.0.0.1:50051', '--log-plain'],
  ready: async () => void (await run('gobgp', 'global', 'rib', 'add', prefix, 'nexthop', '10.255.0.2')),
  async sessionState(setup) {
    const text = await run('gobgp', 'neighbor', setup.peerAddress);
    return /BGP state = (?:BGP_FSM_)?(\w+)/i.exec(text)?.[1] ?? text;
  },
};

export const exabgp: DaemonKind = {
  name: 'exabgp',
  files: (setup, folder) => ({
    'exabgp.conf': `
process watch { run /bin/sh ${folder}/watch.sh; encoder text; }
neighbor ${setup.peerAddress} {
  router-id ${setup.routerId};
  local-address ${setup.localAddress};
  local-as ${setup.localAsn};
  peer-as ${setup.peerAsn};
  hold-time ${setup.holdSeconds ?? 90};
  ${setup.passive ? 'passive true; listen 179;' : ''}
  ${setup.password === undefined ? '' : `md5-password "${setup.password}";`}
  family { ipv4 unicast; ipv6 unicast; }
  capability { route-refresh enable; }
  api { processes [ watch ]; neighbor-changes; }
  announce { ipv4 { unicast ${prefix} next-hop 10.255.0.2; } }
}`,
    // It has no client; what it tells its processes is its word: "neighbor 10.255.0.1 up". Their input does not block.
    'watch.sh': `while kill -0 $PPID; do cat; sleep 0.1; done >> ${folder}/changes 2> ${folder}/noise`,
  }),
  command: () => ['exabgp', 'exabgp.conf'],
  environment: () => ({
    exabgp_daemon_user: 'root',
    exabgp_daemon_drop: 'false',
    exabgp_log_destination: 'stdout',
    exabgp_api_cli: 'false',
    exabgp_api_ack: 'false',
  }),
  ready: async (_setup, folder) => void readFileSync(join(folder, 'changes')),
  async sessionState(setup, folder) {
    const changes = readFileSync(join(folder, 'changes'), 'utf8');
    return [...changes.matchAll(new RegExp(`neighbor ${setup.peerAddress} (\\w+)`, 'g'))].at(-1)?.[1] ?? 'unknown';
  },
};

export const openbgpd: DaemonKind = {
  name: 'openbgpd',
  runtimeFolder: '/run/openbgpd',
  files: (setup, folder) => ({
    'bgpd.conf': `
AS ${setup.localAsn}
router-id ${setup.routerId}
listen on ${setup.localAddress}
socket "${folder}/bgpd.sock"
fib-update no
holdtime ${setup.holdSeconds ?? 90}
holdtime min 3
connect-retry 1
network ${prefix}
neighbor ${setup.peerAddress} {
  remote-as ${setup.peerAsn}
  local-address ${setup.localAddress}
  multihop 2
  ${setup.passive ? 'passive' : ''}
  ${setup.password === undefined ? '' : `tcp md5sig password ${setup.password}`}
  announce IPv4 unicast
  announce IPv6 unicast
}
allow from any
allow to any
`,
  }),
  command: (_setup, folder) => ['bgpd', '-d', '-v', '-f', join(folder, 'bgpd.conf')],
  ready: async (_setup, folder) => void (await run('bgpctl', '-s', join(folder, 'bgpd.sock'), 'show', 'summary')),
  async sessionState(setup, folder) {
    const text = await run('bgpctl', '-s', join(folder, 'bgpd.sock'), 'show', 'neighbor', setup.peerAddress);
    return /BGP state = (\w+)/.exec(text)?.[1] ?? text;
  },
};
