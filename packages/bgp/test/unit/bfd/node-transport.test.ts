import { registerHooks } from 'node:module';
import t from 'tap';
import { timing } from './memory-network.ts';

/** As if the optional dependency were not installed. */
const hooks = registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'koffi') throw new Error("Cannot find package 'koffi'");
    return next(specifier, context);
  },
});
t.teardown(() => hooks.deregister());

const { createBfd, decodeControlPacket } = await import('../../../src/bfd/index.ts');

t.test('without koffi a session is one clear error, and the codec works', async (test) => {
  const bfd = createBfd();
  for (const options of [{}, { multihop: true }]) {
    test.throws(() => bfd.session({ address: '192.0.2.1', ...timing, ...options }), {
      name: 'BfdError',
      code: 'BFD_UNSUPPORTED',
      message: 'BFD needs the package koffi, which could not be loaded; install it beside @routelet/bgp',
    });
  }
  test.strictSame(bfd.sessions(), []);
  bfd.close();
  const bytes = Buffer.from('204003180000000100000000000f42400000138800000000', 'hex');
  test.match(decodeControlPacket(bytes), { state: 'Down', myDiscriminator: 1 });
});
