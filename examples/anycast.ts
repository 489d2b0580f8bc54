/**
 * Anycast: announces a service address while the service answers, withdraws it when it does not. Run one on every host that
 * serves the address; routers send each client to the nearest that is well.
 *
 *   node examples/anycast.ts --prefix 203.0.113.53/32 --check 127.0.0.1:53 192.0.2.1=65001
 */

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createSpeaker, type PolicyChain } from '@routelet/bgp';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    asn: { type: 'string', default: '65000' },
    'router-id': { type: 'string', default: '192.0.2.9' },
    'local-address': { type: 'string' },
    port: { type: 'string', default: '179' },
    prefix: { type: 'string', default: '203.0.113.53/32' },
    check: { type: 'string', default: '127.0.0.1:53' },
    'interval-ms': { type: 'string', default: '1000' },
    /** Failures in a row before the withdrawal: one lost packet is no outage. */
    failures: { type: 'string', default: '3' },
  },
});

/** Only the service address leaves, whatever else this speaker may come to know. */
const service: PolicyChain = {
  name: 'service address',
  statements: [{ name: 'it', match: { prefixes: [{ prefix: values.prefix }], source: 'local' }, verdict: 'accept' }],
  defaultVerdict: 'reject',
};
const speaker = createSpeaker({ asn: Number(values.asn), routerId: values['router-id'], exportPolicy: service });
const localAddress = values['local-address'];
for (const peer of positionals) {
  const [address = '', asn] = peer.split('=');
  const local = localAddress === undefined ? {} : { localAddress };
  speaker.addPeer({ address, asn: Number(asn), port: Number(values.port), ...local });
}
speaker.on('warning', ({ text }) => console.error(text));
await speaker.start();

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.once('SIGINT', () => stop.abort());

/** Whether the service takes a TCP connection within the interval. */
function answers(): Promise<boolean> {
  const [host = '', port] = values.check.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: Number(values['interval-ms']) });
    const done = (well: boolean): void => {
      socket.destroy();
      resolve(well);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}

let announced = false;
let failed = 0;
while (!stop.signal.aborted) {
  failed = (await answers()) ? 0 : failed + 1;
  if (!announced && failed === 0) {
    speaker.announce({ prefix: values.prefix });
    announced = true;
    console.log(`${values.check} answers: ${values.prefix} announced`);
  } else if (announced && failed >= Number(values.failures)) {
    speaker.withdraw(values.prefix);
    announced = false;
    console.log(`${values.check} failed ${failed} times: ${values.prefix} withdrawn`);
  }
  await sleep(Number(values['interval-ms']), undefined, { signal: stop.signal }).catch(() => {});
}
await speaker.stop();
