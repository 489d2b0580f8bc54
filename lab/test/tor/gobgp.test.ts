import { startGobgpd } from '../../src/index.ts';
import { testTor } from './scenario.ts';

await testTor({ start: startGobgpd, forwards: false });
