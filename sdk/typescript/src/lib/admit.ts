/** What the middlewares have in common. */

import { type RefusalAnswer, bearerToken, refusalAnswer } from '../bearer.js'
import { ConfigurationError } from '../configuration-error.js'
import { Refusal } from '../refusal.js'
import { satisfies } from '../scopes.js'
import { isScopeToken } from './scope-token.js'
import type { Verifier } from '../verifier.js'
import { remember } from './identities.js'

/** Options of a middleware. */
export interface AuthenticatedOptions<Request extends object = object> {
  /** The scopes that a token must have, all of them. */
  scopes?: readonly string[] | undefined
  /**
   * Is told of each refusal before it is answered, for a log: also of requests that show no token. A promise is waited for.
   * What it throws is an error of the service, and lets nobody in.
   */
  // A method, so that a function that wants the framework's whole request does.
  onRefusal?(refusal: Refusal, request: Request): unknown
}

/**
 * Makes the check of one route: it keeps who is calling, or gives the answer that refuses. What is no refusal is thrown.
 *
 * @throws ConfigurationError when a scope is none; it would refuse everyone, or break the header that names it
 */
export function admission<Request extends object>(
  verifier: Verifier,
  options: AuthenticatedOptions<Request>,
): (request: Request, authorization: string | null | undefined) => Promise<RefusalAnswer | undefined> {
  const { scopes } = options
  if (scopes && !scopes.every(isScopeToken)) {
    throw new ConfigurationError('invalid_configuration', 'scopes', undefined, 'hold what is no scope')
  }
  return async (request, authorization) => {
    try {
      const identity = await verifier.verify(bearerToken(authorization), { scopes })
      // Said to the verifier and checked here all the same: one of the service's own may not know the option, and then
      // every good token would open the route.
      if (scopes && !scopes.every((scope) => satisfies(identity.scopes, scope))) {
        throw new Refusal('missing_scope', { scopes })
      }
      remember(request, identity)
      return undefined
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      await options.onRefusal?.(error, request)
      return refusalAnswer(error)
    }
  }
}
