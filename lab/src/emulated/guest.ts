/**
 * The guest: one emulated machine whose kernel has everything (IPVS, dummy, tunnels, WireGuard, SCTP) and whose files
 * are this machine's, read-only with a layer of memory on top. Jobs run in it much as child processes do here: each has a
 * standard output, a standard error, a status, and can be killed. Each runs in fresh network, process and mount
 * namespaces. The emulator runs in a network namespace of its own, whose loopback the guest reaches as 10.0.2.2.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabError } from '../errors.ts';
import type { RunningFile } from '../levels/run-file.ts';
import { LabProcess } from '../process.ts';
import { within } from '../wait.ts';
import type { GuestKernel } from './kernel.ts';
import { MarkedOutput } from './marked-output.ts';

const BOOT_DEADLINE_MS = 150_000;
const MEMORY_MIB = 2048;
const CPUS = 2;

interface Lane {
  readonly number: number;
  readonly jobs: Socket;
  readonly errors: Socket;
  busy: boolean;
}

export class Guest {
  readonly #process: LabProcess;
  readonly #folder: string;
  readonly #control: Socket;
  readonly #lanes: readonly Lane[];
  readonly #servers: readonly Server[];
  #why = 'a panic, or the emulator failed';

  private constructor(
    process: LabProcess,
    folder: string,
    control: Socket,
    lanes: readonly Lane[],
    servers: readonly Server[],
  ) {
    this.#process = process;
    this.#folder = folder;
    this.#control = control;
    this.#lanes = lanes;
    this.#servers = servers;
  }

  /** Boots a guest that runs up to `lanes` jobs at a time. Rejects with the end of its console when it does not come up. */
  static async boot(kernel: GuestKernel, { lanes = CPUS }: { readonly lanes?: number } = {}): Promise<Guest> {
    const folder = mkdtempSync(join(tmpdir(), 'routelet-guest-'));
    const names = ['control', ...Array.from({ length: lanes }, (_, n) => [`jobs${n}`, `errors${n}`]).flat()];
    const ports = names.map((name) => listen(name, join(folder, name)));
    const servers = ports.map(({ server }) => server);
    const emulator = new LabProcess('the guest', emulatorArgv(kernel, lanes, ports));
    try {
      const ended = emulator.untilExit(2 ** 31 - 1).then(() => {
        throw new LabError('process-ended', 'the emulator ended');
      });
      ended.catch(() => undefined);
      const up = Promise.all(ports.map(({ socket }) => socket)).then(async (sockets) => {
        const [control, ...rest] = sockets;
        if (control === undefined) throw new LabError('process-ended', 'the emulator opened no port');
        await new Promise((ready) => control.once('data', ready));
        return { control, rest };
      });
      const { control, rest } = await within('the guest to boot', BOOT_DEADLINE_MS, Promise.race([up, ended]));
      const pairs = Array.from({ length: lanes }, (_, number): Lane => {
        const [jobs, errors] = rest.slice(2 * number);
        if (jobs === undefined || errors === undefined)
          throw new LabError('process-ended', `no port for lane ${number}`);
        return { number, jobs, errors, busy: false };
      });
      return new Guest(emulator, folder, control, pairs, servers);
    } catch (cause) {
      emulator.signal('SIGKILL');
      for (const server of servers) server.close();
      rmSync(folder, { recursive: true, force: true });
      const what = cause instanceof Error ? cause.message : String(cause);
      throw new LabError(
        'process-ended',
        `the guest did not boot: ${what}; end of its console:\n${emulator.tail(40)}`,
        {
          cause,
        },
      );
    }
  }

  /** Process id of the emulator, whose network namespace is where servers for the guest listen. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Runs a shell script in the guest; at most one for each lane at a time. */
  start(script: string): RunningFile {
    const lane = this.#lanes.find(({ busy }) => !busy);
    if (lane === undefined) throw new LabError('command-failed', `the guest runs ${this.#lanes.length} jobs already`);
    lane.busy = true;
    const mark = randomUUID();
    const [stdout, stderr] = [new MarkedOutput(mark), new MarkedOutput(mark)];
    lane.jobs.pipe(stdout);
    lane.errors.pipe(stderr);
    let running = true;
    const exit = Promise.all([stdout.status, stderr.status]).then(([status]) => {
      lane.jobs.unpipe(stdout);
      lane.errors.unpipe(stderr);
      lane.busy = running = false;
      return status ?? `the end of the guest (${this.#why}); end of its console:\n${this.#process.tail(40)}`;
    });
    if (lane.jobs.readableEnded) for (const output of [stdout, stderr]) output.end();
    else lane.jobs.write(`${mark} ${Buffer.from(script).toString('base64')}\n`);
    // What a job leaves behind ends with its namespaces; a late kill would hit the lane's next job.
    const kill = () => void (running && this.#control.write(`${lane.number}\n`));
    return { stdout, stderr, exit, kill };
  }

  /** Ends the guest, with all that runs in it; what runs then gets `why` as its exit. */
  async stop(why = 'it was stopped'): Promise<void> {
    this.#why = why;
    if (this.#process.ended === undefined) await this.#process.stop('SIGKILL');
    for (const server of this.#servers) server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Port {
  readonly name: string;
  readonly path: string;
  readonly server: Server;
  readonly socket: Promise<Socket>;
}

/** The emulator connects each of the guest's serial ports to a socket that listens already. */
function listen(name: string, path: string): Port {
  const server = createServer();
  const socket = new Promise<Socket>((connected) => server.once('connection', connected));
  server.listen(path);
  return { name, path, server, socket };
}

function emulatorArgv({ image, initramfs, modules }: GuestKernel, lanes: number, ports: readonly Port[]): string[] {
  const share = (path: string, tag: string) => [
    '-virtfs',
    `local,path=${path},mount_tag=${tag},security_model=none,readonly=on,multidevs=remap`,
  ];
  const parameters = `routelet.lanes=${lanes} routelet.node=${statSync(process.execPath).size}`;
  return [
    // A network namespace of its own with loopback, and an end together with this process, however that ends.
    ...['setpriv', '--pdeathsig', 'KILL', 'unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'],
    ...[
      'qemu-system-x86_64',
      '-accel',
      'tcg,thread=multi',
      '-cpu',
      'max',
      '-smp',
      String(CPUS),
      '-m',
      String(MEMORY_MIB),
    ],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
    ...['-kernel', image, '-initrd', initramfs],
    ...['-append', `console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on ${parameters}`],
    ...['-drive', `file=${process.execPath},format=raw,if=virtio,readonly=on`],
    ...share('/', 'host'),
    ...share(modules, 'modules'),
    ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net'],
    ...['-device', 'virtio-rng-pci', '-device', 'virtio-serial'],
    ...ports.flatMap(({ name, path }) => [
      ...['-chardev', `socket,id=${name},path=${path}`],
      ...['-device', `virtserialport,chardev=${name},name=${name}`],
    ]),
  ];
}
