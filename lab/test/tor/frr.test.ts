import { startFrr } from '../../src/index.ts';
import { testTor } from './scenario.ts';

await testTor({ start: startFrr, forwards: true });
