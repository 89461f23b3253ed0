/**
 * Tokens of several issuers at one door.
 *
 * @module
 */

import type { Identity } from './identity.js'
import { Refusal, type RefusalCode } from './refusal.js'
import type { Verifier } from './verifier.js'

/**
 * The refusals after which another verifier is asked, from the least telling to the most. The first three say that the
 * token is not of this issuer. The last says that nobody knows: were it an end, an issuer that is away would shut the door on
 * the tokens of all others, because a token's issuer cannot be read before its signature is known to be right.
 */
const PASSED_ON: readonly RefusalCode[] = ['wrong_type', 'unknown_key', 'wrong_issuer', 'keys_unavailable']

/**
 * A verifier that takes what one of these takes: for a service that is moving from one issuer to another, or serves
 * callers of several.
 *
 * They are asked in their order. The next one is asked only when the refusal is `wrong_issuer`, `unknown_key` or `wrong_type`, or
 * `keys_unavailable`; any other refusal is about a token that is known, and ends the check. When all refuse, the outcome is
 * `keys_unavailable` if one of them said so, since that one might have known the token, else what came nearest to
 * knowing it: `wrong_issuer` before `unknown_key` before `wrong_type`.
 *
 * @example
 * ```ts no-run: there is no such issuer
 * import { anyVerifier } from '@countersign/sdk/any-verifier'
 * import { verifier } from '@countersign/sdk/verifier'
 *
 * const tokens = anyVerifier(
 *   verifier(),
 *   verifier({
 *     issuer: 'https://hydra.example.com/',
 *     jwksUrl: 'https://hydra.example.com/.well-known/jwks.json',
 *     audience: 'https://api.example.com',
 *   }),
 * )
 * await tokens.verify('eyJ…', { scopes: ['read:users'] })
 * ```
 */
export function anyVerifier(first: Verifier, ...others: readonly Verifier[]): Verifier {
  return {
    async verify(token, options): Promise<Identity> {
      let outcome: Refusal | undefined
      for (const verifier of [first, ...others]) {
        try {
          return await verifier.verify(token, options)
        } catch (error) {
          if (!(error instanceof Refusal) || !PASSED_ON.includes(error.code)) throw error
          if (!outcome || PASSED_ON.indexOf(error.code) > PASSED_ON.indexOf(outcome.code)) outcome = error
        }
      }
      throw outcome
    },
  }
}
