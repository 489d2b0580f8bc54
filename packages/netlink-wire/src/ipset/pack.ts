/**
 * Puts changes of elements into few messages, and says what may be under way at once. The kernel stops a message at the
 * first element that it refuses, and goes on with the next message: so what depends on the order of changes never shares
 * a step, and what stood behind a refused element can be sent again in time.
 */
import { alike, type ChangeElement, type SetChange, type SetOperation } from './operation.ts';

/** One operation, with its place in the list that was given. */
export interface Placed<T> {
  readonly place: number;
  readonly operation: T;
}

/** Operations of which none needs another of them to be done first. */
export type Step =
  | { readonly kind: 'sets'; readonly operations: readonly Placed<SetChange>[] }
  /** Each group is one message of changes alike. */
  | { readonly kind: 'elements'; readonly groups: readonly Placed<ChangeElement>[][] };

/** Elements of a message: some 30 bytes each, far from the 65,535 of IPSET_ATTR_ADT also with comments of 255 bytes. */
const GROUP_ELEMENTS = 200;

function isChange(operation: SetOperation): operation is ChangeElement {
  return operation.action === 'add' || operation.action === 'delete';
}

/** The steps that do operations in their order. */
export function planSteps(operations: readonly SetOperation[]): Step[] {
  const steps: Step[] = [];
  let sets: Placed<SetChange>[] | undefined;
  let elements: ElementStep | undefined;
  for (const [place, operation] of operations.entries()) {
    if (isChange(operation)) {
      sets = undefined;
      if (elements?.take(place, operation) !== true) {
        elements = new ElementStep();
        elements.take(place, operation);
        steps.push({ kind: 'elements', groups: elements.groups });
      }
    } else {
      elements = undefined;
      if (sets === undefined) {
        sets = [];
        steps.push({ kind: 'sets', operations: sets });
      }
      sets.push({ place, operation });
    }
  }
  return steps;
}

class ElementStep {
  readonly groups: Placed<ChangeElement>[][] = [];
  /** The last group of each set. */
  readonly #open = new Map<string, Placed<ChangeElement>[]>();

  /** @returns false for a change that must wait for the others of its set. */
  take(place: number, operation: ChangeElement): boolean {
    let group = this.#open.get(operation.name);
    const [first] = group ?? [];
    if (first !== undefined && !alike(first.operation, operation)) return false;
    if (group === undefined || group.length === GROUP_ELEMENTS) {
      group = [];
      this.groups.push(group);
      this.#open.set(operation.name, group);
    }
    group.push({ place, operation });
    return true;
  }
}
