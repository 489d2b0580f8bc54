/**
 * One network namespace with a name: what a node and a pod have in common. Commands and daemons are started in it with
 * `nsenter`, which becomes the command, so a process here has the pid that the lab knows.
 */
import { fileURLToPath } from 'node:url';
import { PingStream } from './ping.ts';
import { type CommandOptions, type CommandResult, LabProcess, run, type SpawnOptions, tryRun } from './process.ts';

const echoScript = fileURLToPath(new URL('./echo.ts', import.meta.url));

/** The shell's own TCP client: the machine needs no HTTP client, and no process of Node for each question. */
const GET = 'exec 3<>"/dev/tcp/$1/$2"; printf "GET %s HTTP/1.0\\r\\n\\r\\n" "$3" >&3; cat <&3';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export type EchoProtocol = 'tcp' | 'udp' | 'http';

export interface NamespaceOptions {
  /** Mount namespace file that goes with it. */
  readonly mounts?: string;
}

export class NetNamespace {
  readonly name: string;
  /** The namespace file, as CNI_NETNS and `nsenter --net=` want it. */
  readonly path: string;
  readonly #enter: readonly string[];
  readonly #processes: LabProcess[] = [];

  constructor(name: string, { mounts }: NamespaceOptions = {}) {
    this.name = name;
    this.path = `/run/netns/${name}`;
    const mount = mounts === undefined ? [] : [`--mount=${mounts}`];
    this.#enter = ['nsenter', `--net=${this.path}`, ...mount, '--'];
  }

  /** Runs a command to its end; rejects on any status but 0. Returns the standard output. */
  exec(argv: readonly string[], options?: CommandOptions): Promise<string> {
    return run([...this.#enter, ...argv], options);
  }

  /** Runs a command to its end and returns its result, whatever the status. */
  tryExec(argv: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return tryRun([...this.#enter, ...argv], options);
  }

  /** Runs `ip -json ...` and returns what it printed. */
  async ipJson<T>(...words: string[]): Promise<T[]> {
    const text = await this.exec(['ip', '-json', ...words]);
    return text.trim() === '' ? [] : JSON.parse(text);
  }

  /** Starts a long-running process. It ends with the lab if not before. */
  spawn(name: string, argv: readonly string[], options?: SpawnOptions): LabProcess {
    const child = new LabProcess(`${name} in ${this.name}`, [...this.#enter, ...argv], options);
    this.#processes.push(child);
    return child;
  }

  /** Processes started here that still run. */
  get processes(): readonly LabProcess[] {
    return this.#processes.filter(({ ended }) => ended === undefined);
  }

  /** Writes one kernel setting, named with slashes: `net/ipv4/ip_forward`. */
  async sysctl(name: string, value: string | number): Promise<void> {
    await this.exec(['sh', '-c', 'echo "$2" > "/proc/sys/$1"', 'sysctl', name, String(value)]);
  }

  /** True when one of `attempts` pings to `address`, one after the other, was answered within a second. */
  async ping(address: string, attempts = 1): Promise<boolean> {
    const { code } = await this.tryExec(['ping', '-n', '-q', '-c', '1', '-W', '1', address]);
    return code === 0 || (attempts > 1 && this.ping(address, attempts - 1));
  }

  /** Starts a steady stream of pings. */
  pingStream(address: string, perSecond: number): PingStream {
    return new PingStream(address, (argv, onLine) => this.spawn(`ping ${address}`, argv, { onLine }), perSecond);
  }

  /** Asks an HTTP server from inside of the namespace. Rejects when it cannot be reached within five seconds. */
  async get(host: string, port: number, path: string): Promise<HttpAnswer> {
    // Bash takes the socket that Node gives it as standard input for rshd's, and would read the user's ~/.bashrc.
    const ask = ['bash', '--norc', '-c', GET, 'get', host, String(port), path];
    const text = await this.exec(ask, { deadlineMs: 5000 });
    const [, status, body = ''] = /^HTTP\/1\.\d (\d{3}).*?\r\n\r\n(.*)$/s.exec(text) ?? [];
    return { status: Number(status), body };
  }

  /** Starts a listener that answers with this namespace's name, and resolves when it listens on all addresses. */
  async listen(protocol: EchoProtocol, port: number): Promise<LabProcess> {
    const argv = [process.execPath, echoScript, 'serve', protocol, String(port), this.name];
    const listener = this.spawn(`${protocol} listener on port ${port}`, argv);
    await listener.waitForLine(/^listening/);
    return listener;
  }

  /** Asks a listener and returns its answer (a namespace's name), or undefined when there was none within two seconds. */
  async ask(protocol: EchoProtocol, address: string, port: number): Promise<string | undefined> {
    const argv = [process.execPath, echoScript, 'ask', protocol, String(port), address];
    const { code, stdout } = await this.tryExec(argv);
    return code === 0 ? stdout.trim() : undefined;
  }
}
