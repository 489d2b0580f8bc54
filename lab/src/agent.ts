/** The agent under test on a lab node: started from its sources, read through its own health and metrics ports and its log. */
import { fileURLToPath } from 'node:url';
import { LabError } from './errors.ts';
import { parseMetrics, type Sample } from './metrics.ts';
import type { HttpAnswer } from './namespace.ts';
import type { LabNode } from './node.ts';
import type { CommandResult, ExitStatus, LabProcess } from './process.ts';
import { waitFor } from './wait.ts';

const askScript = fileURLToPath(new URL('../../packages/agent/src/ask/main.ts', import.meta.url));
/** The emulated guest has it bundled. */
const mainScript =
  process.env['ROUTELET_AGENT_SCRIPT'] ?? fileURLToPath(new URL('../../packages/agent/src/main.ts', import.meta.url));

const HEALTH_PORT = 20244;
const METRICS_PORT = 8080;

export interface AgentOptions {
  /** Folder of Node manifests. */
  readonly manifests?: string;
  /** Or the API server to ask. */
  readonly kubeconfig?: string;
  /** More flags, after the lab's own, so that they win. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Another program than the sources: the compiled agent. */
  readonly program?: string;
  /** Words before the command: a tracer, for example. */
  readonly under?: readonly string[];
  readonly onLine?: (line: string) => void;
}

/** One row of the metric kube_router_bgp_peer_info. */
export interface AgentPeer {
  readonly address: string;
  readonly type: string;
  readonly asn: string;
  readonly state: string;
}

export class LabAgent {
  readonly node: LabNode;
  readonly #options: AgentOptions;
  #process: LabProcess;

  constructor(node: LabNode, options: AgentOptions) {
    this.node = node;
    this.#options = options;
    this.#process = this.#spawn(options);
  }

  /** The running process; another one after `restart`. */
  get process(): LabProcess {
    return this.#process;
  }

  #argv({ manifests, kubeconfig, flags = [] }: AgentOptions): string[] {
    return [
      ...['--log-format', 'human', '--hostname-override', this.node.name],
      ...(manifests === undefined ? [] : ['--manifests', manifests]),
      ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
      ...(this.node.ipv4 === undefined ? ['--enable-ipv4=false', '--router-id', 'generate'] : []),
      ...(this.node.ipv6 === undefined ? [] : ['--enable-ipv6']),
      ...['--run-firewall=false', '--run-service-proxy=false', '--gobgp-admin-port', '0'],
      ...['--metrics-port', String(METRICS_PORT), ...flags],
    ];
  }

  #spawn(options: AgentOptions): LabProcess {
    const { env = {}, program = mainScript, under = [], onLine } = options;
    return this.node.spawn('agent', [...under, process.execPath, program, ...this.#argv(options)], {
      env: { ...this.node.environment, ...env },
      ...(onLine === undefined ? {} : { onLine }),
    });
  }

  #get(port: number, path: string): Promise<HttpAnswer> {
    return this.node.get(this.node.ipv4 ?? this.node.ipv6 ?? '', port, path);
  }

  /** Asks /healthz. */
  healthz(): Promise<HttpAnswer> {
    return this.#get(HEALTH_PORT, '/healthz');
  }

  /** Asks /metrics. */
  async metrics(): Promise<Sample[]> {
    return parseMetrics((await this.#get(METRICS_PORT, '/metrics')).body);
  }

  /** Runs the command `routelet` on the node. */
  routelet(...words: readonly string[]): Promise<CommandResult> {
    return this.node.tryExec([process.execPath, askScript, ...words], { env: { ...this.node.environment } });
  }

  /** The answer of the command `routelet` as a value; rejects when there is none. `why` of a route that is not in place answers too. */
  async ask<T>(...words: readonly string[]): Promise<T> {
    const [command = '', ...others] = words;
    const { code, stdout, stderr } = await this.routelet(command, '--json', ...others);
    if (code !== 0 && code !== 3) {
      throw new LabError('command-failed', `routelet ${words.join(' ')}: exit code ${code}: ${stderr}`);
    }
    return JSON.parse(stdout);
  }

  /** BGP peers as the agent's metrics show them. */
  async peers(): Promise<AgentPeer[]> {
    const samples = await this.metrics();
    return samples
      .filter(({ name, value }) => name === 'kube_router_bgp_peer_info' && value === 1)
      .map(({ labels: { address = '', type = '', asn = '', state = '' } }) => ({ address, type, asn, state }));
  }

  /** Resolves when sessions with all these addresses are Established. */
  async established(addresses: readonly string[], deadlineMs = 30_000): Promise<void> {
    const what = `sessions of ${this.node.name} with ${addresses.join(', ')}`;
    try {
      await waitFor(
        what,
        async (seen) => {
          if (this.process.ended !== undefined)
            throw new Error(`the agent ended: ${JSON.stringify(this.process.ended)}`);
          const peers = await this.peers();
          seen(peers.map(({ address, state }) => `${address} ${state}`).join(', '));
          const up = peers.filter(({ state }) => /^established$/i.test(state)).map(({ address }) => address);
          return addresses.every((address) => up.includes(address));
        },
        { deadlineMs, everyMs: 100 },
      );
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      const tail = `last lines of the agent on ${this.node.name}:\n${this.process.tail()}`;
      throw new LabError(error.code, `${error.message}\n${tail}`, { cause: error });
    }
  }

  /** Runs the agent's `--cleanup-config` with the same options, while no agent runs; what it printed, by line. */
  async cleanUp(): Promise<string[]> {
    const argv = [process.execPath, mainScript, ...this.#argv(this.#options), '--cleanup-config'];
    const text = await this.node.exec(argv, { env: { ...this.node.environment }, deadlineMs: 120_000 });
    return text.trim().split('\n');
  }

  /** Ends the agent; what it programmed stays. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ExitStatus> {
    return this.#process.stop(signal);
  }

  /** Starts the agent again, after `stop`, with the same options but for those given. */
  start(options: AgentOptions = {}): void {
    this.#process = this.#spawn({ ...this.#options, ...options });
  }

  /** The agent's log lines of these levels that match, since its last start. */
  logged(levels: readonly ('INFO' | 'WARN' | 'ERROR')[], pattern: RegExp): string[] {
    return this.process.lines.filter(
      (line) => levels.some((level) => line.includes(` ${level} `)) && pattern.test(line),
    );
  }

  /** Value of one metric without labels, by its name without the prefix `kube_router_`. */
  async metric(name: string): Promise<number | undefined> {
    return (await this.metrics()).find((sample) => sample.name === `kube_router_${name}`)?.value;
  }
}

/** Starts an agent. It is not waited for: ask `established`, or the node's routes. */
export function startAgent(node: LabNode, options: AgentOptions): LabAgent {
  return new LabAgent(node, options);
}
