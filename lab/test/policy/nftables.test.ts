import { holdAgainstOracle } from './oracle.ts';

await holdAgainstOracle('nftables', 2);
