/**
 * Everything that went over the links of the matrix, as tshark reads it: one capture of the whole run, dissected once
 * at its end, so that the judge of what was on the wire is nobody's own decoder.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../daemons.ts';

/** A BGP message, a BFD packet or a TCP segment of a BGP connection: tshark field name → values, with those of its IP and TCP headers. */
export interface WireMessage {
  readonly source: string;
  readonly destination: string;
  readonly fields: ReadonlyMap<string, readonly string[]>;
}

export interface Capture {
  /** Ends it and reads it. */
  stop(): Promise<readonly WireMessage[]>;
}

function collect(json: unknown, fields: Map<string, string[]>): void {
  if (Array.isArray(json)) {
    for (const item of json) collect(item, fields);
    return;
  }
  if (typeof json !== 'object' || json === null) return;
  for (const [name, value] of Object.entries(json)) {
    const leaves = (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
    if (leaves.length > 0) fields.set(name, [...(fields.get(name) ?? []), ...leaves]);
    collect(value, fields);
  }
}

type Layers = Readonly<Record<string, unknown>>;

function messagesOf({ ip, ipv6, tcp, bgp, bfd }: Layers): WireMessage[] {
  const headers = new Map<string, string[]>();
  collect([ip, ipv6, tcp], headers);
  const source = headers.get('ip.src')?.[0] ?? headers.get('ipv6.src')?.[0] ?? '';
  const destination = headers.get('ip.dst')?.[0] ?? headers.get('ipv6.dst')?.[0] ?? '';
  const bodies = [bgp ?? bfd ?? {}].flat() as readonly unknown[];
  return bodies.map((body) => {
    const fields = new Map(headers);
    collect(body, fields);
    return { source, destination, fields };
  });
}

function dissect(file: string): Promise<readonly WireMessage[]> {
  const layers = ['ip', 'ipv6', 'tcp', 'bgp', 'bfd'];
  const args = ['-r', file, '-T', 'json', '--no-duplicate-keys', '-J', layers.join(' ')];
  return new Promise((resolve, reject) => {
    execFile('tshark', args, { maxBuffer: 1 << 29 }, (error, stdout) => {
      if (error !== null) {
        reject(error);
        return;
      }
      const packets: readonly { readonly _source: { readonly layers: Layers } }[] = JSON.parse(stdout);
      resolve(packets.flatMap(({ _source }) => messagesOf(_source.layers)));
    });
  });
}

/** Captures BGP and BFD on all devices of this namespace. */
export async function startCapture(): Promise<Capture> {
  const folder = mkdtempSync(join(tmpdir(), 'routelet-capture-'));
  const file = join(folder, 'matrix.pcap');
  const filter = 'tcp port 179 or udp port 3784';
  const process_ = spawn(
    'tcpdump',
    ['-i', 'any', '-U', '--immediate-mode', '-Z', 'root', '-B', '16384', '-w', file, filter],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let output = '';
  process_.stderr.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  const closed = new Promise((resolve) => process_.once('close', resolve));
  await until(
    () => `tcpdump: ${output}`,
    () => output.includes('listening on'),
  );
  return {
    async stop() {
      process_.kill('SIGINT');
      await closed;
      try {
        return await dissect(file);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}
