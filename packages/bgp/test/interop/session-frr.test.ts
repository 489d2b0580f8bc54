import { frr } from './daemons.ts';
import { runScenarios } from './session-scenarios.ts';

// With enhanced refresh agreed (RFC 7313) bgpd 8.4 answers only behind its End-of-RIB, which it sends where graceful restart
// is agreed; the interop matrix shows that.
await runScenarios(frr, { withoutRefresh: true });
