/**
 * The routing tables of kube-router by number and name, and their lines in iproute2's rt_tables, so that `ip rule` shows
 * names. The file only serves people: when it cannot be written, routing goes on.
 */
import { appendFile, readFile } from 'node:fs/promises';

export interface RouteTable {
  readonly id: number;
  readonly name: string;
}

/** B-74 and V-53: numbers and names of the original. */
export const routeTables = {
  /** Where packets from pods look up the other nodes. */
  kubeRouter: { id: 77, name: 'kube-router' },
  dsr: { id: 78, name: 'kube-router-dsr' },
  externalIp: { id: 79, name: 'external_ip' },
} as const satisfies Record<string, RouteTable>;

/** The first that exists is the one that counts. */
export const routeTablesFiles = [
  '/etc/iproute2/rt_tables',
  '/usr/lib/iproute2/rt_tables',
  '/usr/share/iproute2/rt_tables',
] as const;

export type RouteTablesPlan =
  | { readonly append: string | undefined }
  /** Another line has the number or the name. */
  | { readonly clash: string };

/** `text`: the content of rt_tables. */
export function planRouteTables(text: string, table: RouteTable): RouteTablesPlan {
  for (const line of text.split('\n')) {
    const [number, name] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (!number || !name) continue;
    const sameNumber = Number(number) === table.id;
    if (sameNumber && name === table.name) return { append: undefined };
    if (sameNumber || name === table.name) return { clash: line.trim() };
  }
  return { append: `${text === '' || text.endsWith('\n') ? '' : '\n'}${table.id} ${table.name}\n` };
}

/** The text without the lines of these tables; a line with another number or name stays. */
export function withoutRouteTables(
  text: string,
  tables: readonly RouteTable[],
): { readonly rest: string; readonly lines: readonly string[] } {
  const isOurs = (line: string) => {
    const [number, name] = line.replace(/#.*/, '').trim().split(/\s+/);
    return tables.some((table) => Number(number) === table.id && name === table.name);
  };
  const lines = text.split('\n');
  return { rest: lines.filter((line) => !isOurs(line)).join('\n'), lines: lines.filter(isOurs) };
}

/** Resolves with the sentence that says why the name is not there; undefined when it is. */
export async function ensureRouteTable(
  table: RouteTable,
  files: readonly string[] = routeTablesFiles,
): Promise<string | undefined> {
  const wanted = `${table.id} ${table.name}`;
  for (const file of files) {
    try {
      const text = await readFile(file, 'utf8');
      const plan = planRouteTables(text, table);
      if ('clash' in plan) return `${file} says "${plan.clash}", expected "${wanted}"`;
      if (plan.append !== undefined) await appendFile(file, plan.append);
      return undefined;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') return `no line "${wanted}" in ${file}: ${message}`;
    }
  }
  return `no line "${wanted}": none of ${files.join(', ')} is there`;
}
