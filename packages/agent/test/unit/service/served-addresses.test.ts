import t from 'tap';
import { ServedAddresses } from '../../../src/service/served-addresses.ts';

t.test('what is served, and what changed', (t) => {
  const served = new ServedAddresses();
  const heard: (readonly string[])[] = [];
  const stop = served.subscribe((changed) => heard.push(changed));
  t.equal(served.has('10.96.0.1'), true, 'nobody has said anything');
  served.set(new Set(['10.96.0.1']));
  t.same([served.has('10.96.0.1'), served.has('10.96.0.2')], [true, false]);
  served.set(new Set(['10.96.0.1']));
  served.set(new Set(['10.96.0.2']));
  t.same(heard, [[], ['10.96.0.2', '10.96.0.1']], 'first all may have changed, then those that did');
  stop();
  served.set(new Set());
  t.equal(heard.length, 2);
  t.end();
});
