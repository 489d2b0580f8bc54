/** Socket options on the real kernel: sockets bound to a device, and TCP-AO where the kernel has it. */
import t from 'tap';
import type { Connection, ConnectOptions, TcpAoKey } from '../../src/ports.ts';
import { nodeTransport } from '../../src/session/node-transport.ts';
import { TcpOptionError } from '../../src/session/tcp-options.ts';
import { addAddresses, run } from './daemons.ts';

const [here, there] = ['10.255.0.1', '10.255.0.2'];
const key: TcpAoKey = { sendId: 1, receiveId: 1, algorithm: 'hmac-sha-1-96', key: 'sesame' };

function connect(options: Partial<ConnectOptions>, port: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    nodeTransport.connect({ remoteAddress: there, remotePort: port, localAddress: here, ...options }, resolve, reject);
  });
}

await addAddresses(here, there, 'fd00::2');
await run('ip', 'link', 'add', 'aside', 'type', 'veth', 'peer', 'name', 'aside-2');
await run('ip', 'link', 'set', 'aside', 'up');

await t.test('a connection through a device', async (t) => {
  const accepted: string[] = [];
  const listener = await nodeTransport.listen({ address: there, port: 0, device: 'lo' }, (connection) => {
    accepted.push(connection.remoteAddress);
    connection.destroy();
  });
  t.ok(listener.port > 0);
  const connection = await connect({ device: 'lo' }, listener.port);
  t.equal(connection.remoteAddress, there);
  connection.destroy();
  const bound = await run('ss', '-Hltn', 'sport', '=', `:${listener.port}`);
  t.match(bound, `${there}%lo:${listener.port}`, 'the listening socket is bound to it');
  await t.rejects(connect({ device: 'nowhere' }, listener.port), {
    code: 'TCP_OPTION_FAILED',
    message: `the device nowhere could not be set: ENODEV`,
  });
  await t.rejects(connect({ device: 'a-name-of-sixteen' }, listener.port), { message: /no name of a device/ });
  await listener.close();
  t.strictSame(accepted, [here]);
});

await t.test('what listens behind a device is not there for others', async (t) => {
  const listener = await nodeTransport.listen({ address: there, port: 0, device: 'aside' }, (connection) =>
    connection.destroy(),
  );
  await t.rejects(connect({}, listener.port), { code: 'ECONNREFUSED' });
  await listener.close();
  const six = await nodeTransport.listen({ address: 'fd00::2', port: 0, device: 'lo' }, () => {});
  t.ok(six.port > 0);
  await six.close();
  await t.rejects(
    nodeTransport.listen({ address: '192.0.2.77', port: 0, device: 'lo' }, () => {}),
    { code: 'TCP_OPTION_FAILED', message: /^192\.0\.2\.77 port 0 behind lo: EADDRNOTAVAIL$/ },
  );
});

await t.test('TCP-AO: by the kernel, or one clear error', async (t) => {
  const listener = await nodeTransport.listen({ address: there, port: 0 }, (connection) => connection.destroy());
  const refusal = await connect({ tcpAo: key }, 1).catch((error: unknown) => error);
  if (refusal instanceof TcpOptionError) {
    t.match(refusal, {
      code: 'TCP_OPTION_UNSUPPORTED',
      message: 'a TCP-AO key for 10.255.0.2: this kernel has no TCP-AO (Linux 6.7 or newer with CONFIG_TCP_AO)',
    });
    t.throws(() => listener.setPeerOptions(here, { tcpAo: key }), { code: 'TCP_OPTION_UNSUPPORTED' });
    await connect({}, listener.port).then((connection) => connection.destroy());
  } else {
    listener.setPeerOptions(here, { tcpAo: key });
    await connect({ tcpAo: key }, listener.port).then((connection) => connection.destroy());
    listener.setPeerOptions(here, undefined);
    await connect({}, listener.port).then((connection) => connection.destroy());
  }
  await t.rejects(connect({ tcpAo: { ...key, key: 'x'.repeat(81) } }, listener.port), {
    code: 'TCP_OPTION_PASSWORD',
    message: /has 81 bytes, 1 to 80 are possible/,
  });
  await listener.close();
});
