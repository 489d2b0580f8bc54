/** Traces of policy and import in words. */
import type { InspectedPath, PolicyTraceStep } from '@routelet/bgp';

/** The statement that decided; `default` when none did. */
export function decidingStatement(steps: readonly PolicyTraceStep[]): string {
  const decided = steps.filter(({ failed, verdict }) => failed === undefined && verdict !== undefined).at(-1);
  return decided?.statement ?? 'default';
}

/** One line a statement that was looked at. */
export function describeSteps(steps: readonly PolicyTraceStep[]): string[] {
  return steps.map(({ subchain, statement, failed, why, verdict, jump }) => {
    const name = subchain === undefined ? statement : `${subchain} / ${statement}`;
    if (failed !== undefined) return `${name}: does not match, ${why}`;
    const next = verdict ?? (jump === undefined ? 'goes on' : `goes to ${jump}`);
    return statement === 'default' ? `no statement decided: ${next}` : `${name}: matches, ${next}`;
  });
}

/** What import did with a path, as the end of "the path …". */
export function describeImport({ import: verdict }: Pick<InspectedPath, 'import'>): string {
  switch (verdict.kind) {
    case 'local':
      return 'own announcement';
    case 'ineligible':
      return `not eligible: ${verdict.reason}`;
    case 'unfiltered':
      return 'accepted, there is no import policy';
    case 'accepted':
    case 'rejected': {
      const by = decidingStatement(verdict.steps);
      return `${verdict.kind} by ${verdict.policy}: ${by === 'default' ? 'its default' : `statement ${by}`}`;
    }
  }
}

export function isTaken({ import: { kind } }: Pick<InspectedPath, 'import'>): boolean {
  return kind !== 'rejected' && kind !== 'ineligible';
}

/** The place of a path among the others, as the end of "the path …". */
export function describeDecision({ decision }: Pick<InspectedPath, 'decision'>): string {
  switch (decision.kind) {
    case 'best':
      return 'best';
    case 'lost':
      return `lost at the step "${decision.step}" (${decision.source})`;
    case 'no-candidate':
      return 'no candidate';
    case 'deferred':
      return 'not looked at yet: selection waits for all peers after a restart (RFC 4724 §4.1)';
  }
}
