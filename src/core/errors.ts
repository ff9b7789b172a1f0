// Every refusal Holdfast makes: a stable code, what happened, and what to do about it.

/** Exit codes, the same for every command (documented in the README). */
export const ExitCode = {
  held: 0,
  deviated: 1,
  badInput: 2,
  inconclusive: 3,
  refused: 4,
  unverified: 5,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/**
 * The one table of error codes. A code is never reused for another meaning; a retired one stays as a comment.
 * The value is the exit code a command ends with when the error reaches it.
 */
export const ERROR_CODES = {
  BAD_INPUT: ExitCode.badInput,
  BAD_FLAG: ExitCode.badInput,
  FILE_UNREADABLE: ExitCode.badInput,
  UNKNOWN_NAME: ExitCode.badInput,
  CAPABILITY_MISSING: ExitCode.refused,
  COMMAND_MISSING: ExitCode.refused,
  COMMAND_FAILED: ExitCode.refused,
  DEVICE_OUTPUT: ExitCode.refused,
  DISK: ExitCode.refused,
  LAB_EXISTS: ExitCode.refused,
  LAB_MISSING: ExitCode.refused,
  LAB_UNSOUND: ExitCode.refused,
  NOT_PERMITTED: ExitCode.refused,
  PORT_TAKEN: ExitCode.refused,
  PREFLIGHT: ExitCode.refused,
  TIMEOUT: ExitCode.refused,
  PEER_GONE: ExitCode.refused,
  PROTOCOL: ExitCode.refused,
  /** What a fault was aimed at does not exist any more (its namespace, its BGP neighbour): nothing is left to revert. */
  TARGET_GONE: ExitCode.refused,
  STORE: ExitCode.refused,
  REDIS: ExitCode.refused,
  SERVICE_UNREACHABLE: ExitCode.refused,
  SERVICE_REFUSED: ExitCode.refused,
  /** A name that is taken, or a state that does not allow it. */
  CONFLICT: ExitCode.refused,
  FORBIDDEN: ExitCode.refused,
  /** The service does not know who asks. */
  UNAUTHENTICATED: ExitCode.refused,
  /** More requests than anybody needs, or a bigger one. */
  TOO_OFTEN: ExitCode.refused,
  TOO_LARGE: ExitCode.refused,
  WRONG_METHOD: ExitCode.refused,
  /** A mistake in the service itself; its log has the details. */
  INTERNAL: ExitCode.refused,
  /** The API server of a cluster does not answer. */
  CLUSTER_UNREACHABLE: ExitCode.refused,
  /** It answers, and refuses; its own words are in the message. */
  CLUSTER_REFUSED: ExitCode.refused,
  KEEPER_DISARMED: ExitCode.refused,
  KEEPER_BUSY: ExitCode.refused,
  KEEPER_REFUSED: ExitCode.refused,
  KEEPER_STALE_EPOCH: ExitCode.refused,
  KEEPER_UNREACHABLE: ExitCode.refused,
  KEEPER_UNVERIFIED: ExitCode.unverified,
} as const satisfies Record<string, ExitCode>;
export type ErrorCode = keyof typeof ERROR_CODES;

/** A refusal or an expected failure, told to a person: `message` says what and where, `remedy` what to do. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.name = 'AppError';
    this.code = code;
    this.remedy = options.remedy;
  }

  get exitCode(): ExitCode {
    return ERROR_CODES[this.code];
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
