import { testOverlay } from './overlay.ts';

await testOverlay({ type: 'subnet', encap: 'ipip' });
