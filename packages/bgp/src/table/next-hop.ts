/** Next hops as they stand in attribute sets: 4 bytes, 16, or 32 with a link-local address behind a global one (RFC 2545 §3). */

/** fe80::/10 (RFC 4291 §2.5.6). */
export function isLinkLocal(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xfe && ((bytes[at + 1] ?? 0) & 0xc0) === 0x80;
}

/**
 * Where the address to be used stands of a next hop of `size` bytes at `at`: the global one. Speakers whose session has
 * link-local addresses only leave the first place empty, or repeat the second one there.
 */
export function usedNextHopAt(bytes: Uint8Array, at: number, size: number): number {
  if (size !== 32) return at;
  for (let index = at; index < at + 16; index++) if (bytes[index] !== 0) return at;
  return at + 16;
}

/** The next hop means something away from the link it was received on. */
export function isGlobalNextHop(bytes: Uint8Array, at: number, size: number): boolean {
  return size === 4 || !isLinkLocal(bytes, usedNextHopAt(bytes, at, size));
}
