import { text } from 'node:stream/consumers';
import t from 'tap';
import { MarkedOutput } from '../../src/emulated/marked-output.ts';

const MARK = 'c0ffee00-0000-4000-8000-000000000000';

/** What comes out, and the status, of a stream that arrives in these chunks. */
async function outcome(chunks: readonly string[], end = true) {
  const output = new MarkedOutput(MARK);
  const seen = text(output);
  for (const chunk of chunks) output.write(chunk);
  if (end) output.end();
  return { text: await seen, status: await output.status };
}

t.test('output ends at its mark, wherever the stream is cut', async (t) => {
  const whole = `ok 1\nno newline at the end${MARK} 3\n`;
  for (let at = 0; at <= whole.length; at++) {
    const found = await outcome([whole.slice(0, at), whole.slice(at)], false);
    t.strictSame(found, { text: 'ok 1\nno newline at the end', status: 3 }, `cut at ${at}`);
  }
});

t.test('a piece of the mark is output like any other', async (t) => {
  const piece = `${MARK.slice(0, 20)}${MARK.slice(0, 5)}`;
  t.strictSame(await outcome([piece, `x${MARK} 0\n`], false), { text: `${piece}x`, status: 0 });
});

t.test('a stream that ends without a mark gives all it had, and no status', async (t) => {
  t.strictSame(await outcome(['half a li']), { text: 'half a li', status: undefined });
  t.strictSame(await outcome([`x${MARK} `]), { text: `x${MARK} `, status: undefined });
});
