/**
 * Protects routes of Express (4 and 5), and of anything else that takes its middleware.
 *
 * @module
 */

import { type AuthenticatedOptions, admission } from './lib/admit.js'
import { authorizationOf } from './lib/authorization.js'
import type { Verifier } from './verifier.js'

export { identity } from './identity.js'
export type { AuthenticatedOptions } from './lib/admit.js'

/** What is used of a request. */
export interface ExpressRequest {
  /** The headers, by their names in lower case. */
  headers: {
    /** The credentials. */
    authorization?: string | undefined
  }
  /** Names and values of headers as they came, in turns. */
  rawHeaders?: readonly string[] | undefined
}

/** What is used of a response. */
export interface ExpressResponse {
  /** The HTTP status. */
  statusCode: number
  /** Sets a header. */
  setHeader(name: string, value: string): unknown
  /** Ends the response. */
  end(body: string): unknown
}

/** A middleware, structurally. */
export type ExpressMiddleware = (
  request: ExpressRequest,
  response: ExpressResponse,
  next: (error?: unknown) => void,
) => Promise<void>

/**
 * A middleware that lets in whoever has a good token with all of these scopes.
 *
 * @example
 * ```ts
 * import { authenticated, identity } from '@countersign/sdk/express'
 * import { verifier } from '@countersign/sdk/verifier'
 * import express from 'express'
 *
 * const tokens = verifier()
 * const app = express()
 * app.get('/users', authenticated(tokens, { scopes: ['read:users'] }), (request, response) => {
 *   response.json({ caller: identity(request).clientId })
 * })
 * ```
 */
export function authenticated(
  verifier: Verifier,
  options: AuthenticatedOptions<ExpressRequest> = {},
): ExpressMiddleware {
  const admit = admission(verifier, options)
  return async (request, response, next) => {
    let refusal
    try {
      refusal = await admit(request, authorizationOf(request))
    } catch (error) {
      return next(error)
    }
    if (!refusal) return next()
    response.statusCode = refusal.status
    for (const [name, value] of Object.entries(refusal.headers)) response.setHeader(name, value)
    response.end(refusal.body)
  }
}
