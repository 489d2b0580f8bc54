/** A table as text, from the UPDATEs that made it: one line a prefix, in order, with all of its attributes. */
import { createHash } from 'node:crypto';
import {
  decodeMessage,
  formatAddress,
  formatPrefix,
  type Nlri,
  type Prefix,
  type UpdateMessage,
} from '@routelet/bgp/codec';

export function tableText(messages: Iterable<Uint8Array>): string {
  const table = new Map<string, string>();
  for (const bytes of messages) {
    const message = decodeMessage(bytes);
    if (message.kind !== 'update') continue;
    const attributes = attributesText(message);
    const { mpReach, mpUnreach } = message;
    for (const prefix of [...message.withdrawn, ...prefixesOf(mpUnreach?.nlri)]) table.delete(formatPrefix(prefix));
    for (const prefix of [...message.nlri, ...prefixesOf(mpReach?.nlri)]) table.set(formatPrefix(prefix), attributes);
  }
  return Array.from(table, ([prefix, attributes]) => `${prefix} ${attributes}`)
    .sort()
    .join('\n');
}

function prefixesOf(nlri: Nlri | undefined): readonly Prefix[] {
  return nlri === undefined || 'raw' in nlri ? [] : nlri;
}

/** Short: a table has a million of these. */
function attributesText({ attributes, mpReach }: UpdateMessage): string {
  // Communities are a set; BIRD sorts them.
  const communities = attributes.communities?.toSorted((a, b) => a - b);
  const nextHop = mpReach === undefined ? attributes.nextHop : formatAddress(mpReach.nextHop.subarray(0, 16));
  return createHash('sha1')
    .update(JSON.stringify({ ...attributes, communities, nextHop }))
    .digest('base64');
}
