/** Answers how the agent as a whole is. */
import type { ComponentHealth } from '../health/monitor.ts';
import type { Module } from '../module.ts';
import type { StatusAnswer } from './model.ts';

export interface StatusInput extends Pick<StatusAnswer, 'version' | 'runtime' | 'node' | 'uptimeMs' | 'source'> {
  readonly modules: readonly Module[];
  readonly components: readonly ComponentHealth[];
}

export function answerStatus({ modules, components, ...rest }: StatusInput): StatusAnswer {
  const reports = modules.map((module) => module.report?.() ?? { counts: {}, problems: [] });
  return {
    ...rest,
    modules: modules.map(({ name }) => name),
    heartbeats: components.map(({ name, periodMs, sinceMs, hasBeaten, isLate }) => ({
      name,
      periodMs,
      sinceMs: Math.round(sinceMs),
      state: isLate ? 'late' : hasBeaten ? 'alive' : 'waiting',
    })),
    counts: Object.assign({}, ...reports.map(({ counts }) => counts)),
    problems: reports.flatMap(({ problems }) => problems),
  };
}
