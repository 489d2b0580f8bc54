/**
 * Who is who in the mesh. The speaker under test has `count` iBGP neighbours that announce two routes each, and one more,
 * the watcher, that is its route reflector client: the watcher gets every route, and its own two go to everybody. So the
 * mesh has converged when the watcher has all routes and each neighbour has two.
 */

export const speaker = { address: '10.199.0.1', port: 1790, asn: 64_512 } as const;
export const watcherAddress = '10.199.0.2';
/** Local to the machine as a whole: no address is added, whatever the number of neighbours (ip-route(8), type local). */
export const localRanges: readonly string[] = ['10.199.0.0/16', '10.200.0.0/15'];
export const routesEach = 2;

export function neighbourAddress(index: number): string {
  return `10.${200 + (index >> 14)}.${(index >> 6) & 0xff}.${(index & 0x3f) + 1}`;
}

/** First address of a /24 as an unsigned number: those of one neighbour follow each other. */
export function routeOf(index: number, which: number): number {
  return (20 << 24) + ((index * routesEach + which) << 8);
}
