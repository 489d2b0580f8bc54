/** The real BFD of a real process: loaded when a peer asks for it, and what is said where koffi is not installed. */
import { registerHooks } from 'node:module';
import t from 'tap';

const resolved: string[] = [];
const hooks = registerHooks({
  resolve(specifier, context, next) {
    resolved.push(specifier);
    if (specifier === 'koffi') throw new Error("Cannot find package 'koffi'");
    return next(specifier, context);
  },
});
t.teardown(() => hooks.deregister());

const { createSpeaker } = await import('../../../src/index.ts');
const isBfd = (specifier: string): boolean => /koffi|\/bfd\//.test(specifier);

t.test('BFD is loaded with the first peer that asks for it; without koffi one warning a peer', async (test) => {
  const speaker = createSpeaker({ asn: 65001, routerId: '192.0.2.1' });
  const warnings: string[] = [];
  const warned = new Promise<void>((resolve) => {
    speaker.on('warning', ({ text }) => {
      if (warnings.push(text) === 2) resolve();
    });
  });
  test.teardown(() => speaker.stop());
  await speaker.start();
  const common = { asn: 65002, passive: true } as const;
  speaker.addPeer({ ...common, address: '192.0.2.2' });
  await new Promise(setImmediate);
  test.ok(resolved.length > 0);
  test.strictSame(resolved.filter(isBfd), []);

  speaker.addPeer({ ...common, address: '192.0.2.3', bfd: true });
  speaker.addPeer({ ...common, address: '192.0.2.4', bfd: { strict: true } });
  await warned;
  const why = 'BFD needs the package koffi, which could not be loaded; install it beside @routelet/bgp';
  test.strictSame(warnings, [
    `peer 192.0.2.3 (AS 65002): no BFD: ${why}; the BGP session goes on without it`,
    `peer 192.0.2.4 (AS 65002): no BFD: ${why}; no BGP session without it (strict)`,
  ]);
  test.ok(resolved.some(isBfd));
  test.strictSame(
    speaker.peers().map(({ state }) => state),
    ['Active', 'Active', 'Idle'],
  );
});
