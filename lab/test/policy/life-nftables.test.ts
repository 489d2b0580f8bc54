import { live } from './life.ts';

await live('nftables', 'iptables');
