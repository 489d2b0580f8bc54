/**
 * An answer of the API server that is not the one asked for, or none. `status`: it answered with a Status object;
 * `unreachable`: no answer; `garbage`: an answer that is not JSON of the expected shape.
 */
export class ApiError extends Error {
  readonly code: 'status' | 'unreachable' | 'garbage';
  /** HTTP status, with code `status`. */
  readonly status: number | undefined;

  constructor(
    code: ApiError['code'],
    text: string,
    details: { readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(text, { cause: details.cause });
    this.name = 'ApiError';
    this.code = code;
    this.status = details.status;
  }

  /** The resourceVersion is no longer known to the server: everything has to be listed again. */
  get isGone(): boolean {
    return this.status === 410;
  }
}
