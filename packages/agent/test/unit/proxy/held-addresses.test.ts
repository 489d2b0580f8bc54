import { type Address, formatAddress, type Route } from '@routelet/netlink-wire';
import t from 'tap';
import { addressBytes } from '../../../src/annotations/prefix.ts';
import { planDummy, planHeld } from '../../../src/proxy/held-addresses.ts';
import { address } from './fixture.ts';

const INDEX = 7;
const source = { 4: address('192.0.2.1'), 6: address('2001:db8::1') };

/** The kernel after operations on kube-dummy-if, with the routes that it makes itself. */
class Kernel {
  addresses: Address[] = [];
  routes: Route[] = [];

  run(...wanted: readonly string[]): string[] {
    const operations = planHeld({
      wanted: wanted.map(address),
      index: INDEX,
      addresses: this.addresses,
      routes: this.routes,
      source,
    });
    for (const { kind, action, object } of operations) {
      if (kind === 'address') {
        this.addresses = this.addresses.filter((one) => textOf(one.local) !== textOf(object.local));
        const own = (route: Route) =>
          textOf(route.destination) === textOf(object.local) &&
          (object.local.length === 16 ? !route.priority : textOf(route.preferredSource) === textOf(object.local));
        this.routes = this.routes.filter((route) => !own(route));
        if (action === 'delete') continue;
        this.addresses.push(object);
        this.routes.push(kernelRoute(object));
      } else if (action === 'delete') this.routes.splice(this.routes.indexOf(object), 1);
      else {
        const priority = object.family === 2 ? undefined : 1024;
        this.routes = this.routes.filter(
          (one) => textOf(one.destination) !== textOf(object.destination) || one.priority !== priority,
        );
        this.routes.push(priority === undefined ? object : { ...object, priority });
      }
    }
    return operations.map(({ kind, action, object }) =>
      kind === 'address'
        ? `${kind} ${action} ${textOf(object.local)}/${object.prefixLength} scope ${object.scope}`
        : `${kind} ${action} ${textOf(object.destination)} from ${object.preferredSource ? textOf(object.preferredSource) : 'any'}`,
    );
  }
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : formatAddress(bytes);
}

function kernelRoute({ family, local, prefixLength }: Address): Route {
  return {
    ...{ family, destination: local, destinationLength: prefixLength, tos: 0, table: 255, protocol: 2, flags: 0 },
    ...{ scope: family === 2 ? 254 : 0, type: 2, nextHops: [{ index: INDEX }] },
    ...(family === 2 && { preferredSource: local }),
  };
}

t.test('V-1: held, and spoken to from the address of the node', (t) => {
  const kernel = new Kernel();
  t.same(kernel.run('10.96.0.10', 'fd00:96::10'), [
    'address add 10.96.0.10/32 scope 253',
    'route replace 10.96.0.10 from 192.0.2.1',
    'address add fd00:96::10/128 scope 253',
    'route replace fd00:96::10 from 2001:db8::1',
  ]);
  // The kernel's own route of an IPv6 address comes later.
  t.same(kernel.run('10.96.0.10', 'fd00:96::10'), ['route delete fd00:96::10 from any']);
  t.same(kernel.run('10.96.0.10', 'fd00:96::10'), []);
  t.end();
});

t.test('V-2: what nobody wants goes, with its routes; link-local addresses stay', (t) => {
  const kernel = new Kernel();
  kernel.run('10.96.0.10', 'fd00:96::10');
  kernel.run('10.96.0.10', 'fd00:96::10');
  kernel.addresses.push({
    family: 10,
    index: INDEX,
    prefixLength: 64,
    scope: 253,
    flags: 0,
    local: addressBytes(address('fe80::1')),
  });
  kernel.addresses.push({
    family: 2,
    index: 2,
    prefixLength: 24,
    scope: 0,
    flags: 0,
    local: addressBytes(address('192.0.2.1')),
  });
  t.same(kernel.run('10.96.0.11'), [
    'address add 10.96.0.11/32 scope 253',
    'route replace 10.96.0.11 from 192.0.2.1',
    'address delete 10.96.0.10/32 scope 253',
    'address delete fd00:96::10/128 scope 253',
    'route delete 10.96.0.10 from 192.0.2.1',
    'route delete fd00:96::10 from 2001:db8::1',
  ]);
  t.same(
    kernel.addresses.map(({ local }) => textOf(local)),
    ['fe80::1', '192.0.2.1', '10.96.0.11'],
  );
  t.end();
});

t.test('the interface is made, or put up', (t) => {
  t.match(planDummy([]), [{ action: 'create', object: { name: 'kube-dummy-if', kind: 'dummy', up: true } }]);
  const link = { index: INDEX, name: 'kube-dummy-if', type: 1, flags: 0, mtu: 1500 };
  t.match(planDummy([link]), [{ action: 'set', object: { up: true } }]);
  t.same(planDummy([{ ...link, flags: 1 }]), []);
  t.end();
});
