import { exabgp } from './daemons.ts';
import { runScenarios } from './session-scenarios.ts';

// ExaBGP 4.2.21 ends with a TypeError of its own when it answers a peer that agreed on enhanced refresh (RFC 7313).
await runScenarios(exabgp, { withoutRefresh: true });
