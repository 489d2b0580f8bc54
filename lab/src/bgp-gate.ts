/** Shuts and opens the BGP sessions of a node from outside of its agent: present connections are reset, new ones refused. */
import type { LabNode } from './node.ts';

/** A rule at the head of INPUT for each family and direction of a connection. */
const rules: readonly (readonly string[])[] = ['iptables', 'ip6tables'].flatMap((command) =>
  ['--dport', '--sport'].map((port) => [
    command,
    ...['-p', 'tcp', port, '179', '-j', 'REJECT', '--reject-with', 'tcp-reset'],
  ]),
);

async function change(node: LabNode, verb: '-I' | '-D'): Promise<void> {
  for (const [command = '', ...rule] of rules) await node.exec([command, '-w', verb, 'INPUT', ...rule]);
}

/** Every BGP session of the node ends at once and none comes up until `openBgp`. */
export async function shutBgp(node: LabNode): Promise<void> {
  await change(node, '-I');
  // SOCK_DESTROY: both ends of a connection on this node get an error at once, as from a reset.
  await node.exec(['ss', '-K', '( sport = 179 or dport = 179 )']);
}

export async function openBgp(node: LabNode): Promise<void> {
  await change(node, '-D');
}
