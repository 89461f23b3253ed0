/**
 * Why no token could be had.
 *
 * @module
 */

/** What is known of a failure beside its code. */
export interface TokenErrorDetails {
  /** The HTTP status of the answer, when there was one. */
  status?: number | undefined
  /** The server's id of the request, for its log. */
  requestId?: string | undefined
  /** For how many seconds the server asked to be left alone. */
  retryAfter?: number | undefined
  /** Whether the same request may succeed later. */
  temporary?: boolean
}

/**
 * No token could be had.
 *
 * Neither the secret nor a token is in the message, in a property or in a cause: the error of the network below is
 * reduced to its code, because what an HTTP library puts into its errors is not known here.
 */
export class TokenError extends Error {
  /** `TokenError`, also where classes cannot be compared because a package is there twice. */
  override readonly name: string = 'TokenError'
  /** The HTTP status of the answer, when there was one. */
  readonly status: number | undefined
  /** The server's id of the request, for its log. */
  readonly requestId: string | undefined
  /** For how many seconds the server asked to be left alone. */
  readonly retryAfter: number | undefined
  /** Whether the same request may succeed later. The source has then retried already. */
  readonly temporary: boolean

  /**
   * @param code - a stable word: the OAuth `error` or the `error_type` of the answer (`invalid_client`,
   * `invalid_scope`, `too_many_requests`, …), or `unreachable`, `timeout`, `redirected`, `invalid_answer`,
   * `secret_unavailable`, or `http_` and the status
   * @param message - the same for people
   * @param details - what else is known
   */
  constructor(
    readonly code: string,
    message: string,
    details: TokenErrorDetails = {},
  ) {
    super(message)
    this.status = details.status
    this.requestId = details.requestId
    this.retryAfter = details.retryAfter
    this.temporary = details.temporary ?? false
  }
}
