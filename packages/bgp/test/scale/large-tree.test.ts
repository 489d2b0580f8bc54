import { tree } from './large-network.ts';
import { runLargeScenario } from './large-scenario.ts';

await runLargeScenario(tree(2000), tree(60));
