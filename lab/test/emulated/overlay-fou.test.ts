import { testOverlay } from './overlay.ts';

await testOverlay({ type: 'full', encap: 'fou' });
