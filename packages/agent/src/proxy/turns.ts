/** Plans many Services without keeping the event loop: a few at a time, a turn of the loop in between. */
import { setImmediate as turn } from 'node:timers/promises';
import type { ProxyTable, TableChange } from './proxy-table.ts';

/** Services planned in one go. */
const CHUNK = 50;

export async function planInTurns(table: ProxyTable, take: (change: TableChange) => void): Promise<void> {
  const services = table.services();
  for (let at = 0; at < services.length; at += CHUNK) {
    take(table.plan(services.slice(at, at + CHUNK)));
    await turn();
  }
}
