import { registerHooks } from 'node:module';
import t from 'tap';

/** As if the optional dependency were not installed. */
const hooks = registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'koffi') throw new Error("Cannot find package 'koffi'");
    return next(specifier, context);
  },
});
t.teardown(() => hooks.deregister());

const { assertSupported, needsNative, openSocket } = await import('../../../src/session/tcp-options.ts');
const { nodeTransport } = await import('../../../src/session/node-transport.ts');

const missing = {
  name: 'TcpOptionError',
  code: 'TCP_OPTION_UNSUPPORTED',
  message:
    'a TCP MD5 password for 192.0.2.1 needs the package koffi, which could not be loaded; install it beside @routelet/bgp',
};

t.test('without koffi a password is one clear error, that does not tell the password', async (test) => {
  const options = { password: 'sesame' };
  test.throws(() => assertSupported('192.0.2.1', options), missing);
  test.throws(() => openSocket('192.0.2.1', options), missing);
  test.throws(() => assertSupported('192.0.2.1', { ttl: 255 }), {
    message: /^a TTL for 192\.0\.2\.1 needs the package koffi/,
  });
});

t.test('without koffi a connection with a password fails, and listening for one is refused', async (test) => {
  const failure = await new Promise<Error>((resolve, reject) => {
    nodeTransport.connect(
      { remoteAddress: '192.0.2.1', remotePort: 179, password: 'sesame' },
      () => reject(new Error('connected')),
      resolve,
    );
  });
  test.match(failure, missing);
  const listener = await nodeTransport.listen({ address: '127.0.0.1', port: 0 }, () => {});
  test.throws(() => listener.setPeerOptions('192.0.2.1', { password: 'sesame' }), missing);
  await listener.close();
});

t.test('without koffi everything else works', async (test) => {
  test.notOk(needsNative({}));
  assertSupported('192.0.2.1', {});
  const received: string[] = [];
  const listener = await nodeTransport.listen({ address: '127.0.0.1', port: 0 }, (connection) => {
    connection.write(Buffer.from('hello'));
    connection.end();
  });
  await new Promise<void>((resolve, reject) => {
    nodeTransport.connect(
      { remoteAddress: '127.0.0.1', remotePort: listener.port, localAddress: '127.0.0.1' },
      (connection) => {
        connection.onData = (chunk) => void received.push(Buffer.from(chunk).toString());
        connection.onClose = () => resolve();
        connection.resume();
      },
      reject,
    );
  });
  test.equal(received.join(''), 'hello');
  await listener.close();
  const refused = await new Promise<Error>((resolve, reject) => {
    const options = { remoteAddress: '127.0.0.1', remotePort: listener.port };
    nodeTransport.connect(options, () => reject(new Error('connected')), resolve);
  });
  test.match(refused.message, /ECONNREFUSED/);
  await test.rejects(
    nodeTransport.listen({ address: '192.0.2.77', port: 0 }, () => {}),
    { code: 'EADDRNOTAVAIL' },
  );
});
