/** The router module with its answers to questions. */
import type { ModuleDefinition } from '../module.ts';
import type { ParsedOptions } from '../options/parse.ts';
import { router } from '../router/router.ts';
import { answerNeighbor } from './neighbor.ts';
import { answerPeers } from './peers.ts';
import { answerPlan } from './plan.ts';
import { answerRoutes } from './routes.ts';
import { answerWhy } from './why.ts';

/** `parseFlags`: the agent's options with these flags in place of those it was started with. */
export function askableRouter(parseFlags: (flags: readonly string[]) => ParsedOptions): ModuleDefinition {
  return {
    kinds: router.kinds,
    create: (context) => {
      const module = router.create(context);
      return {
        name: module.name,
        start: () => module.start(),
        stop: () => module.stop(),
        report: () => module.report?.() ?? { counts: {}, problems: [] },
        answers: {
          peers: async () => answerPeers(module.inspect()),
          routes: async () => answerRoutes(module.inspect()),
          neighbor: async ({ address, limit }) => answerNeighbor(module.inspect(), address, limit),
          plan: (question) => answerPlan(module.inspect(), question, parseFlags),
          why: async ({ about }) => answerWhy(module.inspect(), about),
        },
      };
    },
  };
}
