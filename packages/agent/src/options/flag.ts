import type { ValueKind } from './value.ts';

/**
 * One flag. `built` flags do what they say. `known` flags are the original's whose part is not built yet: given
 * explicitly they are refused, unless with a value that leaves the part off.
 */
interface FlagText<T> {
  readonly name: string;
  readonly short?: string;
  readonly kind: ValueKind<T>;
  readonly default: NoInfer<T>;
  readonly description: string;
  /** What the value has to be beyond its kind; completes "expected ...". Undefined when it is good. */
  check?(value: T): string | undefined;
}

export interface BuiltFlag<T> extends FlagText<T> {
  readonly status: 'built';
}

export interface KnownFlag<T> extends FlagText<T> {
  readonly status: 'known';
  /** The part that this flag belongs to, as users call it. */
  readonly part: string;
  /** Values that ask for nothing of that part. A default that is not among them is on in the original: it is warned of. */
  readonly off?: readonly NoInfer<T>[];
  /** Given explicitly with a value that is on, warn instead of refusing: clusters that do not need the part give it too. */
  readonly tolerated?: true;
}

export type Flag<T> = BuiltFlag<T> | KnownFlag<T>;

/** Says "more than 0": what the original asks of every period. */
export const positive = (value: number) => (value > 0 ? undefined : 'a duration above 0');

export function built<T>(flag: FlagText<T>): BuiltFlag<T> {
  return { ...flag, status: 'built' };
}

export function known<T>(part: string, flag: Omit<KnownFlag<T>, 'status' | 'part'>): KnownFlag<T> {
  return { ...flag, status: 'known', part };
}
