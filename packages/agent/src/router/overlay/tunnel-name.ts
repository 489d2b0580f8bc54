/**
 * Names of tunnel devices. The first choice is the original's (B-70), so that its devices are taken over. The text that it
 * hashes is the same for some pairs of addresses (21.3.0.4 and 2.13.0.4): the other choices hash the whole address.
 */
import { createHash } from 'node:crypto';

/** A device that has one of the first names of its remote address is one of ours. */
const CHOICES = 4;

/** In order of preference. `remote` in canonical text. */
export function tunnelNames(remote: string): readonly string[] {
  const choices = Array.from({ length: CHOICES - 1 }, (_, index) => (index === 0 ? remote : `${remote} ${index}`));
  return [remote.replaceAll(/[.:]/g, ''), ...choices].map(
    (text) => `tun-${createHash('sha256').update(text).digest('hex').slice(0, 11)}`,
  );
}
