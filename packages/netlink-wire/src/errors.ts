/**
 * The two errors of this package. A `WireError` says that bytes break the netlink format; a `NetlinkError` says that a
 * request did not succeed. Neither leaves anything to guess from its text: each carries its data.
 */

/** Bytes that do not keep to the format: a length outside of its window, bytes left over, a value that does not fit. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: 'truncated' | 'trailing' | 'length' | 'value';
  /** Where in the window it was seen, in bytes. */
  readonly offset: number;

  constructor(code: WireError['code'], text: string, offset: number) {
    super(`${text} at byte ${offset}`);
    this.code = code;
    this.offset = offset;
  }
}

export interface NetlinkErrorData {
  /** errno name (EEXIST, ENODEV …), or one of this package's own: ECLOSED, ESTALLED, EDUMPINTR, EBADREPLY, ENOFAMILY. */
  readonly code: string;
  /** Positive errno; 0 for the package's own codes. */
  readonly errno: number;
  /** The request in words. */
  readonly request: string;
  /** NLMSGERR_ATTR_MSG: the kernel's own text, where NETLINK_EXT_ACK is set and the kernel gave one. */
  readonly kernelText?: string | undefined;
  /** Name of the attribute that NLMSGERR_ATTR_OFFS points at, as a path of kernel macros. */
  readonly attribute?: string | undefined;
  /** NLMSGERR_ATTR_MISS_TYPE: name of the attribute that the kernel missed. */
  readonly missing?: string | undefined;
  readonly cause?: unknown;
}

/**
 * A request that failed. `code` is the errno name when the kernel refused; the package's own codes are ECLOSED (the
 * socket was closed first), ESTALLED (no answer, or a send the kernel would not take, for the whole stall time),
 * EDUMPINTR (a dump was interrupted by changes each time it was tried), EBADREPLY (the answer could not be read) and
 * ENOFAMILY (generic netlink has no family of that name; its module is missing).
 * ENOBUFS also means that an answer was lost: then it is unknown whether the change was made.
 */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
  readonly code: string;
  readonly errno: number;
  readonly request: string;
  readonly kernelText?: string | undefined;
  readonly attribute?: string | undefined;
  readonly missing?: string | undefined;

  constructor(data: NetlinkErrorData) {
    const details = [
      data.kernelText,
      data.attribute === undefined ? undefined : `attribute ${data.attribute}`,
      data.missing === undefined ? undefined : `missing ${data.missing}`,
    ].filter((part) => part !== undefined);
    const text = details.length === 0 ? data.code : `${data.code} (${details.join(', ')})`;
    // The stack would be that of the socket's callback, never of the caller, and it is most of the cost: with it a batch
    // of 100,000 refused routes takes three times as long.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(`${data.request}: ${text}`, data.cause === undefined ? undefined : { cause: data.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.code = data.code;
    this.errno = data.errno;
    this.request = data.request;
    this.kernelText = data.kernelText;
    this.attribute = data.attribute;
    this.missing = data.missing;
  }
}
