/**
 * Why a call of an API operation failed.
 *
 * Every class carries a `code` that never changes its meaning; the message is for people and may improve. No error
 * holds a credential, a request or a URL: what is logged with it can be shown to anybody.
 *
 * @module
 */

/** What is known of a refusal beside its code. */
export interface ApiErrorDetails {
  /** The HTTP status. */
  status: number
  /** The server's id of the request, for its log. */
  requestId?: string | undefined
  /** Where the error is explained. */
  errorUrl?: string | undefined
  /** For how many seconds the server asked to be left alone. */
  retryAfter?: number | undefined
  /** The answer's body: parsed when it is JSON, else its text. At most 64 KiB of it are read. */
  body?: unknown
}

/** The API answered, and the answer is a refusal. */
export class ApiError extends Error {
  /** `ApiError`, also where classes cannot be compared because a package is there twice. */
  override readonly name: string = 'ApiError'
  /** The HTTP status. */
  readonly status: number
  /** The server's id of the request, for its log. */
  readonly requestId: string | undefined
  /** Where the error is explained. */
  readonly errorUrl: string | undefined
  /** For how many seconds the server asked to be left alone. */
  readonly retryAfter: number | undefined
  readonly #body: unknown

  /**
   * @param code - the answer's OAuth `error`, else its `error_type`; else `http_` and the status, or `invalid_answer` for a
   * success that cannot be read
   * @param message - the same for people
   * @param details - what else is known
   */
  constructor(
    readonly code: string,
    message: string,
    details: ApiErrorDetails,
  ) {
    super(message)
    this.status = details.status
    this.requestId = details.requestId
    this.errorUrl = details.errorUrl
    this.retryAfter = details.retryAfter
    this.#body = details.body
  }

  /**
   * The answer's body: parsed when it is JSON, else its text.
   *
   * It is not shown when the error is printed, because a server may repeat in it what it was sent.
   */
  get body(): unknown {
    return this.#body
  }
}

/** What the gateway says beside. */
export interface GatewayErrorDetails extends ApiErrorDetails {
  /** The code of the refusal. */
  reason?: string | undefined
  /** The rule that decided. */
  rule?: string | undefined
  /** A scope that would have admitted the call. */
  neededScope?: string | undefined
}

/** The gateway refused; the API behind it was not asked, or could not be. */
export class GatewayError extends ApiError {
  /** `GatewayError`, also where classes cannot be compared because a package is there twice. */
  override readonly name: string = 'GatewayError'
  /** The code of the refusal. */
  readonly reason: string | undefined
  /** The rule that decided. */
  readonly rule: string | undefined
  /** A scope that would have admitted the call. */
  readonly neededScope: string | undefined

  /**
   * @param code - the answer's `error_type` (or OAuth `error`), else `http_` and the status
   * @param message - the same for people
   * @param details - what else is known
   */
  constructor(code: string, message: string, details: GatewayErrorDetails) {
    super(code, message, details)
    this.reason = details.reason
    this.rule = details.rule
    this.neededScope = details.neededScope
  }
}

/**
 * No whole answer came.
 *
 * - `timeout`: not within the time that the call may take
 * - `aborted`: the caller's signal ended it
 * - `unreachable`: no connection, or it broke
 * - `redirected`: the answer points elsewhere, which is not followed: credentials would go along
 */
export class ConnectionError extends Error {
  /** `ConnectionError`, also where classes cannot be compared because a package is there twice. */
  override readonly name: string = 'ConnectionError'

  /**
   * @param code - what happened
   * @param message - the same for people
   * @param reason - the system's word, such as `ECONNREFUSED`
   */
  constructor(
    readonly code: 'timeout' | 'aborted' | 'unreachable' | 'redirected',
    message: string,
    readonly reason?: string | undefined,
  ) {
    super(message)
  }
}

/**
 * The arguments do not fit the operation; nothing was sent. The value is never part of the error.
 *
 * - `missing_argument`: without it there is no path
 * - `unknown_argument`: the operation has no place for it
 * - `unusable_argument`: its value cannot be written where it belongs
 */
export class ArgumentError extends Error {
  /** `ArgumentError`, also where classes cannot be compared because a package is there twice. */
  override readonly name: string = 'ArgumentError'

  /**
   * @param code - what is wrong
   * @param operation - the operation's name
   * @param argument - the argument's name
   * @param fault - the same in words, to follow the name
   */
  constructor(
    readonly code: 'missing_argument' | 'unknown_argument' | 'unusable_argument',
    readonly operation: string,
    readonly argument: string,
    fault: string,
  ) {
    super(`${operation}: "${argument}" ${fault}`)
  }
}
