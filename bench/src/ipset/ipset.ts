/**
 * Elements of one hash:ip set: added to an empty set and deleted one by one, by the client of netlink-wire and by `ipset restore`.
 * Both read the elements from a text file, so the time to read it is in all figures; so is starting the command, which is
 * how it is used. Each round begins with an empty set.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AF_INET, Ipset, type SetOperation } from '@routelet/netlink-wire';
import { median, row } from '../figures.ts';
import type { BenchRow } from '../row.ts';

const NAME = 'ipset';
const ROUNDS = 5;
const SET = 'bench';

const actions = ['add', 'delete'] as const;
type Action = (typeof actions)[number];

interface Measure {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** The word of `ipset` for an action. */
const words: Readonly<Record<Action, string>> = { add: 'add', delete: 'del' };

function addressText(number: number): string {
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

function count(): number {
  return Number(/entries: (\d+)/.exec(execFileSync('ipset', ['-terse', 'list', SET], { encoding: 'utf8' }))?.[1]);
}

/** User and system time of the children of a shell that has run a command (POSIX `times`, its second line). */
function restore(file: string): Measure {
  const started = performance.now();
  const output = execFileSync('sh', ['-c', 'ipset restore -exist < "$0"; times', file], { encoding: 'utf8' });
  const seconds = (performance.now() - started) / 1000;
  const times = [...(output.trim().split('\n').at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  const cpuSeconds = times.reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest), 0);
  return { seconds, cpuSeconds };
}

async function send(client: Ipset, action: Action, file: string): Promise<Measure> {
  const started = performance.now();
  const before = process.cpuUsage();
  const operations: SetOperation[] = [];
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const text = line.split(' ')[2];
    if (text !== undefined)
      operations.push({ action, name: SET, element: { ip: new Uint8Array(text.split('.').map(Number)) } });
  }
  const failed = (await client.apply(operations)).find((error) => error !== undefined);
  if (failed !== undefined) throw failed;
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6 };
}

/** In the namespace of this process, which has no set of that name. */
export async function benchIpset(say: (text: string) => void, elements: number): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'routelet-bench-'));
  const client = await Ipset.open();
  try {
    const set = { name: SET, type: 'hash:ip', family: AF_INET, maxElements: elements };
    const [failed] = await client.apply([{ action: 'create', set }]);
    if (failed !== undefined) throw failed;
    const file = (action: Action): string => join(folder, action);
    for (const action of actions) {
      const lines = Array.from(
        { length: elements },
        (_, number) => `${words[action]} ${SET} ${addressText(number + 1)}`,
      );
      writeFileSync(file(action), `${lines.join('\n')}\n`);
    }
    const ours: Record<Action, Measure[]> = { add: [], delete: [] };
    const theirs: Record<Action, Measure[]> = { add: [], delete: [] };
    for (let round = 1; round <= ROUNDS; round++) {
      for (const action of actions) {
        theirs[action].push(restore(file(action)));
        if (count() !== (action === 'add' ? elements : 0))
          throw new Error(`ipset restore: ${action}: ${count()} elements`);
      }
      for (const action of actions) {
        ours[action].push(await send(client, action, file(action)));
        if (count() !== (action === 'add' ? elements : 0))
          throw new Error(`netlink-wire: ${action}: ${count()} elements`);
      }
      const times = (measures: Record<Action, Measure[]>) =>
        actions.map((action) => `${action} ${measures[action].at(-1)?.seconds.toFixed(3)} s`).join(', ');
      say(`round ${round}: ours ${times(ours)}; ipset ${times(theirs)}`);
    }
    const peer = execFileSync('ipset', ['version'], { encoding: 'utf8' }).split(',')[0] ?? 'ipset';
    return actions.flatMap((action) =>
      (['seconds', 'cpuSeconds'] as const).map((figure) =>
        row(
          { bench: NAME, peer, work: `${action} ${elements} elements`, unit: figure === 'seconds' ? 's' : 'cpu-s' },
          median(ours[action].map((measure) => measure[figure])),
          median(theirs[action].map((measure) => measure[figure])),
        ),
      ),
    );
  } finally {
    await client.apply([{ action: 'destroy', name: SET }]);
    client.close();
    rmSync(folder, { recursive: true });
  }
}
