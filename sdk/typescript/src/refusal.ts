/**
 * Why a token is refused.
 *
 * @module
 */

const TEXTS: Record<RefusalCode, string> = {
  oversize: 'the token is too long',
  malformed: 'the token is malformed',
  duplicate_member: 'the token names a member twice',
  unsupported_algorithm: "the token's algorithm is not supported",
  critical_header: "the token's header demands an extension",
  missing_key_id: 'the token does not name its key',
  unknown_key: 'the key of the token is unknown',
  algorithm_mismatch: 'the key of the token is for another algorithm',
  unusable_key: 'the key of the token cannot be used',
  bad_signature: "the token's signature is wrong",
  wrong_type: 'the token is of another type',
  missing_claim: 'the token lacks a claim',
  wrong_issuer: 'the token is from another issuer',
  wrong_audience: 'the token is for another audience',
  expired: 'the token has expired',
  not_yet_valid: 'the token is not valid yet',
  too_old: 'the token is too old',
  missing_token: 'there is no token',
  missing_scope: 'the token lacks a scope',
  keys_unavailable: 'the keys of the issuer cannot be had',
}

/**
 * A stable word for each reason, the same in every SDK of Countersign. Only `keys_unavailable` is not the
 * token's fault.
 */
export type RefusalCode =
  | 'oversize'
  | 'malformed'
  | 'duplicate_member'
  | 'unsupported_algorithm'
  | 'critical_header'
  | 'missing_key_id'
  | 'unknown_key'
  | 'algorithm_mismatch'
  | 'unusable_key'
  | 'bad_signature'
  | 'wrong_type'
  | 'missing_claim'
  | 'wrong_issuer'
  | 'wrong_audience'
  | 'expired'
  | 'not_yet_valid'
  | 'too_old'
  | 'missing_token'
  | 'missing_scope'
  | 'keys_unavailable'

/**
 * Why the keys of an issuer cannot be had.
 *
 * - `unreachable`: no connection, or it broke
 * - `timeout`: no whole answer within five seconds
 * - `http_404`, …: another status than 200
 * - `redirected`: the answer points elsewhere, which is not followed: whoever can redirect must not choose the keys
 * - `not_a_key_set`: the answer is no JWK set
 * - `too_large`: the answer is longer than 256 KiB
 */
export type KeysProblem =
  'unreachable' | 'timeout' | `http_${number}` | 'redirected' | 'not_a_key_set' | 'too_large'

/** What is known of a refusal beside its code. */
export interface RefusalDetails {
  /** The `kid` of the token's header, for refusals about keys. */
  keyId?: string | undefined
  /** The name of the claim that is missing. */
  claim?: string | undefined
  /** The scopes that were needed. */
  scopes?: readonly string[] | undefined
  /** After how many seconds another try may succeed; with `keys_unavailable` only. */
  retryAfter?: number | undefined
  /** Why the keys cannot be had; with `keys_unavailable` only. */
  problem?: KeysProblem | undefined
}

/**
 * A token is refused. A log may be told any of it, a caller the code: neither message nor properties hold the token or a claim.
 * Of the token's own words only the key id appears, at most 256 bytes of it, escaped in the message.
 */
export class Refusal extends Error {
  /** `Refusal`, also where classes cannot be compared because a package is there twice. */
  override readonly name: string = 'Refusal'
  /** The `kid` of the token's header, for refusals about keys. It is whatever the token says: escape it in a log. */
  readonly keyId: string | undefined
  /** The name of the claim that is missing. */
  readonly claim: string | undefined
  /** The scopes that were needed. */
  readonly scopes: readonly string[] | undefined
  /** After how many seconds another try may succeed; with `keys_unavailable` only. */
  readonly retryAfter: number | undefined
  /** Why the keys cannot be had; with `keys_unavailable` only. For the service's own log: a caller is not told. */
  readonly problem: KeysProblem | undefined

  /**
   * @param code - why
   * @param details - what else is known
   */
  constructor(
    readonly code: RefusalCode,
    details: RefusalDetails = {},
  ) {
    const { keyId, claim, scopes, retryAfter, problem } = details
    const about = keyId ?? claim ?? scopes?.join(' ')
    super(
      TEXTS[code] + (about === undefined ? '' : `: ${printable(about)}`) + (problem ? ` (${problem})` : ''),
    )
    this.keyId = keyId
    this.claim = claim
    this.scopes = scopes
    this.retryAfter = retryAfter
    this.problem = problem
  }
}

/** In quotes, with nothing in it that could break a line of a log or speak to a terminal. */
function printable(text: string): string {
  return JSON.stringify(text).replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
