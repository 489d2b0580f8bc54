/** The lab's one error type. The message is for a person: it names the thing, what was wrong and what to do. */
export type LabErrorCode =
  /** The caller is not inside fresh namespaces. */
  | 'not-in-lab'
  /** A condition did not come true in time. */
  | 'deadline'
  /** A command ended with a status other than 0, or could not be started. */
  | 'command-failed'
  /** A process that should be running has ended. */
  | 'process-ended'
  /** A CNI plugin refused, or its configuration cannot be used. */
  | 'cni';

export class LabError extends Error {
  override readonly name = 'LabError';
  readonly code: LabErrorCode;

  constructor(code: LabErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
