/** The three that are compared: how each is started, and given a new set of routes. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const steps = ['add', 'replace', 'remove'] as const;
export type Step = (typeof steps)[number];

export interface Measure {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export interface Round {
  readonly version: string;
  readonly steps: Readonly<Record<Step, Measure>>;
  /** Peak resident memory up to the end of `add`. */
  readonly megabytes: number;
  /** Of `add`: reading the file of routes, where the peer can tell. */
  readonly parseSeconds?: number;
}

/** One peer in its namespace. */
export interface Peer {
  readonly version: string;
  /** The process whose CPU time and memory count; undefined where each step is a process. */
  readonly pid?: number;
  /** Makes the files of a step, before anything is measured. */
  prepare(step: Step): void;
  /** Does the step; resolves when the kernel has it. With a `pid` given by `started` for a process of its own. */
  run(step: Step, started: (pid: number) => void): Promise<void>;
  parseSeconds?(): Promise<number>;
  stop(): void;
}

export type MakePeer = (folder: string, routes: number) => Promise<Peer>;

/** The next hop of a step; none means no routes. */
export const gateways: Readonly<Record<Step, string | undefined>> = {
  add: '10.9.0.2',
  replace: '10.9.0.3',
  remove: undefined,
};

function destinations(routes: number): string[] {
  return Array.from({ length: routes }, (_, n) => `11.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}/32`);
}

/** Our rib, in a process that reads commands: lines `DESTINATION GATEWAY` in a file are the new set of routes. */
const makeRib: MakePeer = async (folder, routes) => {
  const child = spawn(process.execPath, [new URL('./subject.ts', import.meta.url).pathname], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let answered: (text: string) => void = () => undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => answered(text));
  const ask = (line: string): Promise<string> =>
    new Promise((resolve) => {
      answered = resolve;
      child.stdin.write(`${line}\n`);
    });
  await ask('start');
  let parsed = 0;
  return {
    version: 'routelet rib',
    ...(child.pid !== undefined && { pid: child.pid }),
    prepare: (step) => {
      const gateway = gateways[step];
      const lines =
        gateway === undefined ? [] : destinations(routes).map((destination) => `${destination} ${gateway}\n`);
      writeFileSync(join(folder, step), lines.join(''));
    },
    run: async (step) => {
      const seconds = Number(await ask(join(folder, step)));
      if (step === 'add') parsed = seconds;
    },
    parseSeconds: async () => parsed,
    stop: () => child.kill(),
  };
};

/** BIRD with static and kernel protocols. `birdc configure` answers when the kernel has all routes: BIRD sends them while it reconfigures. */
const makeBird: MakePeer = async (folder, routes) => {
  const [control, live] = [join(folder, 'control'), join(folder, 'bird.conf')];
  const configuration = (gateway: string | undefined): string => {
    const lines =
      gateway === undefined ? [] : destinations(routes).map((destination) => `  route ${destination} via ${gateway};`);
    return [
      'router id 10.9.0.1;',
      'protocol device { scan time 60; }',
      'protocol kernel { scan time 3600; ipv4 { import none; export all; }; }',
      'protocol static {',
      '  ipv4;',
      ...lines,
      '}',
      '',
    ].join('\n');
  };
  writeFileSync(live, configuration(undefined));
  const child = spawn('bird', ['-f', '-c', live, '-s', control], { stdio: 'ignore' });
  while (!existsSync(control)) await delay(5);
  const birdc = (words: string): string =>
    execFileSync('birdc', ['-s', control, ...words.split(' ')], { encoding: 'utf8' });
  // It says its version on standard error: "BIRD version 2.0.12".
  const version = execFileSync('sh', ['-c', 'bird --version 2>&1'], { encoding: 'utf8' })
    .trim()
    .replace(' version', '');
  return {
    version,
    ...(child.pid !== undefined && { pid: child.pid }),
    prepare: (step) => writeFileSync(join(folder, step), configuration(gateways[step])),
    run: async (step) => {
      const answer = birdc(`configure "${join(folder, step)}"`);
      if (!answer.includes('Reconfigured')) throw new Error(`birdc says: ${answer}`);
    },
    parseSeconds: async () => {
      const startMs = performance.now();
      birdc(`configure check "${join(folder, 'add')}"`);
      return (performance.now() - startMs) / 1000;
    },
    stop: () => child.kill('SIGKILL'),
  };
};

/** `ip -batch`, a process each step. */
const makeIp: MakePeer = async (folder, routes) => {
  const words: Record<Step, string> = { add: 'route add', replace: 'route replace', remove: 'route del' };
  return {
    version: 'ip -batch',
    prepare: (step) => {
      const gateway = gateways[step] ?? gateways.replace;
      const lines = destinations(routes).map((destination) => `${words[step]} ${destination} via ${gateway}\n`);
      writeFileSync(join(folder, step), lines.join(''));
    },
    run: (step, started) =>
      new Promise((resolve, reject) => {
        const child = spawn('ip', ['-batch', join(folder, step)], { stdio: 'inherit' });
        if (child.pid !== undefined) started(child.pid);
        child.on('error', reject);
        child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`ip -batch exits with ${code}`))));
      }),
    stop: () => undefined,
  };
};

export const peers: Readonly<Record<string, MakePeer>> = { rib: makeRib, bird: makeBird, ip: makeIp };
