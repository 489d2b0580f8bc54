import type { ConntrackEntry } from '@routelet/netlink-wire';
import t from 'tap';
import { addressBytes } from '../../../src/annotations/prefix.ts';
import { planForgetting } from '../../../src/proxy/flows.ts';
import { planService } from '../../../src/proxy/service-plan.ts';
import { address, node, service, settings, slice } from './fixture.ts';

const bytes = (text: string) => addressBytes(address(text));

/** A flow from a client to a place, answered by whom. */
function flow(id: number, to: string, port: number, by: string, byPort: number): ConntrackEntry {
  const client = { source: bytes('192.0.2.9'), sourcePort: 40_000 + id };
  return {
    original: { ...client, destination: bytes(to), destinationPort: port, protocol: 17 },
    reply: {
      source: bytes(by),
      sourcePort: byPort,
      destination: client.source,
      destinationPort: client.sourcePort,
      protocol: 17,
    },
    ...{ status: 0, timeout: 30, mark: 0, zone: 0, id },
  };
}

t.test('V-61: flows to endpoints that are gone, or that never had one', (t) => {
  const input = { spec: { clusterIPs: ['10.96.0.10'], ports: [{ port: 53, protocol: 'UDP' }] } };
  const slices = [slice('a', 'dns', 4, ['5 n1'], { ports: [{ name: '', port: 5353, protocol: 'UDP' }] })];
  const [dns] = planService(service('dns', input), slices, node, settings).virtualServices;
  const entries = [
    flow(1, '10.96.0.10', 53, '10.244.0.5', 5353),
    flow(2, '10.96.0.10', 53, '10.244.0.6', 5353),
    flow(3, '10.96.0.10', 53, '10.96.0.10', 53),
    flow(4, '10.96.0.10', 54, '10.244.0.6', 5353),
    flow(5, '10.96.0.11', 53, '10.244.0.6', 5353),
  ];
  const ids = (places: Parameters<typeof planForgetting>[1]) => planForgetting(entries, places).map(({ id }) => id);
  t.same(ids(new Map([['udp 10.96.0.10:53', dns]])), [2, 3]);
  t.same(ids(new Map([['udp 10.96.0.10:53', undefined]])), [1, 2, 3], 'the Service is gone');
  t.same(ids(new Map([['udp 10.96.0.11:53', dns]])), [5]);
  t.end();
});
