import { birdBfd } from './bfd-daemons.ts';
import { runBfdScenarios } from './bfd-scenarios.ts';

await runBfdScenarios(birdBfd);
