import { startFrr } from '../../src/index.ts';
import { testHelper } from './helper.ts';

await testHelper({
  start: startFrr,
  withdraw: async (frr, { as }, prefix) => {
    const words = ['configure terminal', `router bgp ${as}`, 'address-family ipv4 unicast', `no network ${prefix}`];
    await frr.configure(words);
  },
});
