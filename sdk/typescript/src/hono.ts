/**
 * Protects routes of Hono, in every runtime that Hono runs in.
 *
 * @module
 */

import { type AuthenticatedOptions, admission } from './lib/admit.js'
import type { Verifier } from './verifier.js'

export { identity } from './identity.js'
export type { AuthenticatedOptions } from './lib/admit.js'

/** What is used of a context. */
export interface HonoContext {
  /** The request. */
  req: {
    /** The value of a header. */
    header(name: string): string | undefined
  }
}

/** A middleware, structurally. */
export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | void>

/**
 * A middleware that lets in whoever has a good token with all of these scopes.
 *
 * @example
 * ```ts
 * import { authenticated, identity } from '@countersign/sdk/hono'
 * import { verifier } from '@countersign/sdk/verifier'
 * import { Hono } from 'hono'
 *
 * const tokens = verifier()
 * const app = new Hono()
 * app.get('/users', authenticated(tokens, { scopes: ['read:users'] }), (context) =>
 *   context.json({ caller: identity(context).clientId }),
 * )
 * ```
 */
export function authenticated(
  verifier: Verifier,
  options: AuthenticatedOptions<HonoContext> = {},
): HonoMiddleware {
  const admit = admission(verifier, options)
  return async (context, next) => {
    const refusal = await admit(context, context.req.header('authorization'))
    if (!refusal) return next()
    return new Response(refusal.body, { status: refusal.status, headers: refusal.headers })
  }
}
