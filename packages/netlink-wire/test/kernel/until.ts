/** Waiting for what the kernel tells, with an end. */

/** Resolves when `condition` holds. @throws after `deadlineMs`. */
export async function until(condition: () => boolean, what: string, deadlineMs = 10_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((done) => setImmediate(done));
  }
}
