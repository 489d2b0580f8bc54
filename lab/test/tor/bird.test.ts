import { startBird } from '../../src/index.ts';
import { testTor } from './scenario.ts';

await testTor({ start: startBird, forwards: true });
