/**
 * What the router module leaves on a node: rules, routes, tunnels, sets, the bridge. Only what is proven to be ours goes;
 * what only looks like it is named and stays. The order is that of use: rules before the sets that they name, routes
 * before the tunnels that they lead through.
 */
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Operation, type Route, RT_TABLE_MAIN } from '@routelet/netlink-wire';
import { createRib } from '@routelet/rib';
import { addressFromBytes } from '../annotations/prefix.ts';
import { routeTables, withoutRouteTables } from '../kernel/route-tables.ts';
import { BRIDGE } from '../router/bridge.ts';
import { NODE_IPS, POD_SUBNETS, routerClaim } from '../router/forwarding.ts';
import { planGuePorts } from '../router/overlay/gue-ports.ts';
import { kernelGuePorts } from '../router/overlay/kernel-gue-ports.ts';
import { planRules } from '../router/overlay/rules.ts';
import { describeTunnel, readDevice } from '../router/overlay/tunnel.ts';
import { isOwnTunnel } from '../router/overlay/tunnels.ts';
import type { Cleaned, Cleaner, CleanupContext } from './cleaner.ts';
import { remove } from './remove.ts';
import { rulesOf } from './rules.ts';
import { setsOf } from './sets.ts';

/** rtm_protocol of our routes. */
const PROTOCOL = 17;

export const routerCleaners: readonly Cleaner[] = [
  { name: 'iptables rules', clean: rulesOf('router', routerClaim) },
  { name: 'routes', clean: cleanRoutes },
  { name: 'policy rules', clean: cleanPolicyRules },
  { name: 'tunnels', clean: cleanTunnels },
  { name: 'rt_tables', clean: cleanRouteTables },
  { name: 'ipsets', clean: setsOf([POD_SUBNETS, NODE_IPS]) },
  { name: 'bridge', clean: cleanBridge },
];

/** Those that routes.json names. Without a cluster nothing else can prove that a route with our protocol is ours. */
async function cleanRoutes({ netlink, stateDirectory }: CleanupContext): Promise<Cleaned> {
  const statePath = join(stateDirectory, 'routes.json');
  const hasState = await stat(statePath).then(
    () => true,
    () => false,
  );
  const before = await ownProtocolRoutes(netlink);
  if (hasState) {
    const rib = createRib({ protocol: PROTOCOL, adopt: () => false, statePath });
    await rib.start();
    await rib.settled();
    await rib.stop();
    await rm(statePath, { force: true });
  }
  const after = new Set(await ownProtocolRoutes(netlink));
  return {
    removed: [...before.filter((route) => !after.has(route)), ...(hasState ? [statePath] : [])],
    kept: [...after].map((route) => `${route} proto ${PROTOCOL}: no state file says that it is ours`),
  };
}

async function ownProtocolRoutes(netlink: CleanupContext['netlink']): Promise<string[]> {
  const routes = await netlink.routes();
  return routes.filter(({ protocol, table }) => protocol === PROTOCOL && table === RT_TABLE_MAIN).map(routeText);
}

function routeText({ destination, destinationLength, family, nextHops }: Route): string {
  const address = destination && addressFromBytes(destination)?.text;
  const hops = nextHops.flatMap(({ gateway }) =>
    gateway === undefined ? [] : [`via ${addressFromBytes(gateway)?.text}`],
  );
  return [`${address ?? (family === 10 ? '::' : '0.0.0.0')}/${destinationLength}`, ...hops].join(' ');
}

async function cleanPolicyRules({ netlink }: CleanupContext): Promise<Cleaned> {
  const operations = planRules([], await netlink.rules());
  return remove(netlink, operations, (index) => {
    const { source, sourceLength, table } = operations[index]?.object ?? {};
    return `rule from ${source && addressFromBytes(source)?.text}/${sourceLength} lookup ${table}`;
  });
}

/** The routes of table 77 lead through tunnels and go with them. */
async function cleanTunnels({ netlink }: CleanupContext): Promise<Cleaned> {
  const own = (await netlink.links()).map(readDevice).filter(isOwnTunnel);
  const operations = own.map(({ index }): Operation => ({ kind: 'link', action: 'delete', object: { index } }));
  const cleaned = await remove(netlink, operations, (index) => {
    const device = own[index];
    return device === undefined ? '' : `${device.name} ${describeTunnel(device.tunnel)}`;
  });
  const tunnels = own.map(({ tunnel }) => tunnel);
  if (tunnels.every(({ guePort }) => guePort === undefined)) return cleaned;
  const ports = planGuePorts([], tunnels, await kernelGuePorts.list()).remove;
  for (const port of ports) await kernelGuePorts.remove(port);
  const closed = ports.map(({ family, port }) => `GUE port ${port} of IPv${family}`);
  return { ...cleaned, removed: [...cleaned.removed, ...closed] };
}

async function cleanRouteTables({ routeTablesFiles }: CleanupContext): Promise<Cleaned> {
  const removed: string[] = [];
  for (const file of routeTablesFiles) {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (text === undefined) continue;
    const { rest, lines } = withoutRouteTables(text, Object.values(routeTables));
    if (lines.length === 0) continue;
    // In place: in a container the file may be a mount of its own, which nothing can be renamed onto.
    await writeFile(file, rest);
    removed.push(...lines.map((line) => `${file}: ${line}`));
  }
  return { removed, kept: [] };
}

/** Pods, and whatever else hangs on the bridge, are not ours to cut off. */
async function cleanBridge({ netlink }: CleanupContext): Promise<Cleaned> {
  const links = await netlink.links();
  const bridge = links.find(({ name, kind }) => name === BRIDGE && kind === 'bridge');
  if (bridge === undefined) return { removed: [], kept: [] };
  const ports = links.filter(({ master }) => master === bridge.index).map(({ name }) => name);
  if (ports.length > 0) return { removed: [], kept: [`${BRIDGE}: ${ports.join(', ')} still hang on it`] };
  return remove(netlink, [{ kind: 'link', action: 'delete', object: { index: bridge.index } }], () => BRIDGE);
}
