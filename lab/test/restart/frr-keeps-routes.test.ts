import { startFrr } from '../../src/index.ts';
import { testRoutesKept } from './routes-kept.ts';

await testRoutesKept({
  start: startFrr,
  withdraw: async (frr, { as }, prefix) => {
    const words = ['configure terminal', `router bgp ${as}`, 'address-family ipv4 unicast', `no network ${prefix}`];
    await frr.configure(words);
  },
});
