/** A full IPv6 table of 2015 as UPDATE messages: every message decodes without a problem, by both ways to read it. */

import { readFileSync } from 'node:fs';
import t from 'tap';
import { decodeAttributes } from '../../src/attribute/decode.ts';
import { PrefixCursor } from '../../src/family/prefix.ts';
import { ipv6Unicast } from '../../src/family/registry.ts';
import { decodeHeader, headerBytes } from '../../src/message/header.ts';
import { decodeMessage, defaultContext, encodeMessage } from '../../src/message/message.ts';
import { judgeUpdate, scanUpdate } from '../../src/message/update-scan.ts';
import { hexOf } from '../unit/codec/hex.ts';
import { dataPath } from './data.ts';

t.test('v6_full_2015_toppeer', async (t) => {
  const file = readFileSync(dataPath('mrt/v6_full_2015_toppeer.updates.bin'));
  const context = { ...defaultContext, peerType: 'ebgp' as const };
  const blocks = new Set<string>();
  const cursor = new PrefixCursor();
  const different: number[] = [];
  let messages = 0;
  let prefixes = 0;
  let problems = 0;
  for (let at = 0; at < file.length; ) {
    const { length } = decodeHeader(file, at, false);
    const bytes = file.subarray(at, at + length);
    at += length;
    messages += 1;

    const spans = scanUpdate(bytes.subarray(headerBytes));
    const { problems: found } = judgeUpdate(spans, decodeAttributes(spans.attributes, context));
    problems += found.length;
    blocks.add(hexOf(spans.attributes));
    const { mpReach } = spans;
    const words: number[][] = [];
    if (mpReach) {
      cursor.reset(spans.body, mpReach.start, mpReach.end, ipv6Unicast.bits);
      while (cursor.next()) words.push([cursor.word0, cursor.word1, cursor.word2, cursor.word3, cursor.length]);
    }
    prefixes += words.length;

    const message = decodeMessage(bytes, context);
    const nlri =
      message.kind === 'update' && message.mpReach && !('raw' in message.mpReach.nlri) ? message.mpReach.nlri : [];
    const same = nlri.map(({ address, length: bits }) => {
      const view = new DataView(address.buffer);
      return [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12), bits];
    });
    const again = decodeMessage(encodeMessage(message, context), context);
    if (JSON.stringify(same) !== JSON.stringify(words) || JSON.stringify(again) !== JSON.stringify(message))
      different.push(messages);
  }
  t.equal(prefixes, 25_040);
  t.equal(problems, 0);
  t.strictSame(different, [], 'the cursor and the model agree, and decode → encode → decode is the same');
  t.comment(`${messages} messages, ${prefixes} prefixes, ${blocks.size} distinct attribute blocks`);
});
