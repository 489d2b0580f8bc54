/**
 * The one error of this package: a route that no kernel could take. It never leaves the rib as an exception; it becomes
 * a problem of kind `invalid` of that route.
 */
export class RouteError extends Error {
  override readonly name = 'RouteError';
  readonly code: 'address' | 'prefix' | 'next-hop' | 'number';
  /** The offending part as it was given. */
  readonly value: string;

  constructor(code: RouteError['code'], text: string, value: string) {
    super(text);
    this.code = code;
    this.value = value;
  }
}
