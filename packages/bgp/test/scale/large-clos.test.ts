import t from 'tap';
import { clos, LargeNetwork } from './large-network.ts';
import { runLargeScenario } from './large-scenario.ts';

await runLargeScenario(clos(40, 50, 4), clos(4, 6, 2));

t.test('a forwarding loop is seen', async (t) => {
  const network = await LargeNetwork.start(clos(2, 6, 1), 1);
  // The two are clients in one pod; the second knows the prefix from the first, by a next hop that is itself.
  const [first, second] = [3, 4];
  network.announce('192.0.0.0/24', first, second);
  t.ok(network.simulation.settle());
  t.match(network.faults().join('\n'), /to 192\.0\.0\.0\/24: (a forwarding loop|the packet is dropped)/);
});
