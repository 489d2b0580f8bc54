/** Addresses as people write them: RFC 5952 for IPv6. For error messages and logs, not for hot paths. */

/** @param address 4 or 16 bytes; other lengths come out as hexadecimal (link-layer style, `aa:bb:…`). */
export function formatAddress(address: Uint8Array): string {
  if (address.length === 4) return address.join('.');
  if (address.length !== 16) return [...address].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  const groups: number[] = [];
  for (let index = 0; index < 16; index += 2) groups.push(((address[index] ?? 0) << 8) | (address[index + 1] ?? 0));
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  // RFC 5952 §4.2.2: "::" must not be used to shorten just one 16-bit 0 field.
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** RFC 5952 §4.2.3: the longest run, the first of equals. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  groups.forEach((group, index) => {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  });
  return best;
}
