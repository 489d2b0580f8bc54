import { testTwoSubnets } from './two-subnets.ts';

await testTwoSubnets(['ipv6']);
