import { holdAgainstOracle } from './oracle.ts';

await holdAgainstOracle('iptables', 1);
