import { ring } from './large-network.ts';
import { runLargeScenario } from './large-scenario.ts';

await runLargeScenario(ring(1000), ring(40));
