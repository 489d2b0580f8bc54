/**
 * The interop matrix: every feature with every implementation. A cell passes when the peer's own client shows what the
 * feature changes and tshark saw it on the wire; it says `peer has not` only with the peer's own words for that.
 */
import t from 'tap';
import { type Capture, startCapture, type WireMessage } from './capture.ts';
import { Cell } from './cell.ts';
import type { Feature, WireExpectation } from './feature.ts';
import { features } from './features.ts';
import { createNamespace } from './namespace.ts';
import { type PeerName, peerNames } from './peer.ts';
import { peers } from './peers.ts';

interface Outcome {
  readonly feature: Feature;
  readonly peer: PeerName;
  readonly verdict: 'passed' | 'failed' | 'peer has not';
  /** Why it failed, or the peer's words. */
  readonly words: string;
  readonly ourAddress: string;
  readonly theirAddress: string;
}

const parallel = 10;

async function run(feature: Feature, peer: PeerName, index: number): Promise<Outcome> {
  const cell = new Cell(feature, peer, await createNamespace(index));
  const { ourAddress, theirAddress } = cell;
  const outcome = (verdict: Outcome['verdict'], words: string): Outcome => {
    const line = words.trim().replaceAll(/\s+/g, ' ');
    return { feature, peer, verdict, words: line, ourAddress, theirAddress };
  };
  const theirs = feature.theirs[peer];
  try {
    await cell.implementation.companions?.(cell.namespace);
    if ('refuses' in theirs) {
      const refusal = await cell.startPeer(theirs.refuses).then(
        () => '',
        (error: unknown) => String(error),
      );
      const words = theirs.words.exec(refusal)?.[0];
      return words === undefined
        ? outcome('failed', `it was to refuse with ${theirs.words}: ${refusal}`)
        : outcome('peer has not', `${words}: ${Object.values(theirs.refuses).join(' ')}`);
    }
    await cell.startSpeaker({}, [], feature.first?.(cell.peerOptions()));
    await cell.startPeer(theirs);
    if ('lacks' in theirs) return outcome('peer has not', await theirs.lacks(cell));
    await feature.drive(cell);
    return outcome('passed', '');
  } catch (error) {
    return outcome('failed', String(error));
  } finally {
    await cell.stop();
  }
}

function matches(seen: WireMessage['fields'], { fields }: WireExpectation): boolean {
  return Object.entries(fields).every(([name, expected]) =>
    (seen.get(name) ?? []).some((value) => (typeof expected === 'string' ? value === expected : expected.test(value))),
  );
}

/** A cell that passed so far fails when the wire does not show the feature. */
function judgeWire(outcome: Outcome, messages: readonly WireMessage[]): Outcome {
  const { feature, ourAddress, theirAddress } = outcome;
  if (outcome.verdict !== 'passed') return outcome;
  const missing = feature.wire.filter((expectation) => {
    return !messages.some(({ source, destination, fields }) => {
      const ours = source === ourAddress && destination === theirAddress;
      const theirs = source === theirAddress && destination === ourAddress;
      const sent = { ours, theirs, either: ours || theirs }[expectation.from];
      return sent && matches(fields, expectation);
    });
  });
  if (missing.length === 0) return outcome;
  const words = missing.map(({ from, fields }) => {
    const list = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
    return `${from} ${list.join(' ')}`;
  });
  return { ...outcome, verdict: 'failed', words: `not on the wire: ${words.join('; ')}` };
}

function table(outcomes: readonly Outcome[]): string[] {
  const rows = features.map(({ name }) => [
    name,
    ...peerNames.map(
      (peer) => outcomes.find((each) => each.feature.name === name && each.peer === peer)?.verdict ?? '',
    ),
  ]);
  const cells = [['', ...peerNames.map((name) => peers[name].title)], ...rows];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length))) ?? [];
  const lines = cells.map((row) => `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  lines.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  return lines;
}

/** `node matrix.test.ts bird roles` runs the cells of some rows and columns only. */
const [peerPattern = '', featurePattern = ''] = process.argv.slice(2);
const jobs = features
  .filter(({ name }) => name.includes(featurePattern))
  .flatMap((feature) => peerNames.filter((name) => name.includes(peerPattern)).map((peer) => ({ feature, peer })));

t.ok(jobs.length > 0, 'there are cells');
const capture: Capture = await startCapture();
const waiting = jobs.map((job, index) => ({ ...job, index }));
const outcomes: Outcome[] = [];
await Promise.all(
  Array.from({ length: parallel }, async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      outcomes.push(await run(job.feature, job.peer, job.index));
    }
  }),
);
const messages = await capture.stop();
const judged = outcomes.map((outcome) => judgeWire(outcome, messages));
for (const line of table(judged)) t.comment(line);
for (const { feature, peer } of jobs) {
  const { title } = peers[peer];
  const { verdict = 'failed', words = '' } =
    judged.find((each) => each.feature === feature && each.peer === peer) ?? {};
  if (words !== '') t.comment(`| ${feature.name}, ${title}: ${verdict}: ${words}`);
  t.not(verdict, 'failed', `${feature.name}: ${title}`, { diagnostic: false });
}
