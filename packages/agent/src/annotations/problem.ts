/**
 * What is wrong with one annotation of one object, as data: which annotation, where in it, what stood there and what was
 * expected. A secret value is never shown.
 */
export interface AnnotationProblem {
  /** `kube-router.io/peers`. */
  readonly annotation: string;
  /** Place inside the value, `[1].remoteip`; empty for the whole of it. */
  readonly path: string;
  /** The bad value as text. */
  readonly value: string;
  /** Completes "expected …". */
  readonly expected: string;
}

/** What a parser made of an annotation. `value` is what is usable, which may be all, a part or nothing of it. */
export interface Parsed<T> {
  readonly value: T;
  readonly problems: readonly AnnotationProblem[];
}

/** One sentence for the log. `object` is kind and name: `node n1`, `service shop/web`. */
export function formatProblem(object: string, { annotation, path, value, expected }: AnnotationProblem): string {
  const place = path === '' ? '' : ` at ${path}`;
  return `${object}: annotation ${annotation}${place}: got ${value}, expected ${expected}`;
}

/** A value as the problem shows it: short, quoted, on one line. */
export function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
