/** The same speaker as GoBGP's configuration file (docs/sources/configuration.md of GoBGP 4). */
import { holdTimeSeconds } from '@routelet/lab/lean-session';
import { neighbourAddress, speaker, watcherAddress } from './plan.ts';

export function gobgpConfig(count: number): string {
  const { asn, address, port } = speaker;
  const neighbours = Array.from({ length: count }, (_, index) => neighbour(neighbourAddress(index)));
  return [
    '[global.config]',
    `  as = ${asn}`,
    `  router-id = "${address}"`,
    `  port = ${port}`,
    `  local-address-list = ["${address}"]`,
    ...neighbours,
    neighbour(watcherAddress),
    '  [neighbors.route-reflector.config]',
    '    route-reflector-client = true',
    `    route-reflector-cluster-id = "${address}"`,
    '',
  ].join('\n');
}

function neighbour(address: string): string {
  return [
    '[[neighbors]]',
    '  [neighbors.config]',
    `    neighbor-address = "${address}"`,
    `    peer-as = ${speaker.asn}`,
    '  [neighbors.transport.config]',
    '    passive-mode = true',
    '  [neighbors.timers.config]',
    `    hold-time = ${holdTimeSeconds}`,
    `    keepalive-interval = ${holdTimeSeconds / 3}`,
    '  [[neighbors.afi-safis]]',
    '    [neighbors.afi-safis.config]',
    '      afi-safi-name = "ipv4-unicast"',
  ].join('\n');
}
