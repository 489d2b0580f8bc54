import { live } from './life.ts';

await live('iptables', 'nftables');
