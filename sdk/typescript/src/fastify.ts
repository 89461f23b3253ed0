/**
 * Protects routes of Fastify.
 *
 * @module
 */

import { type AuthenticatedOptions, admission } from './lib/admit.js'
import { authorizationOf } from './lib/authorization.js'
import type { Verifier } from './verifier.js'

export { identity } from './identity.js'
export type { AuthenticatedOptions } from './lib/admit.js'

/** What is used of a request. */
export interface FastifyRequest {
  /** The headers, by their names in lower case. */
  headers: {
    /** The credentials. */
    authorization?: string | undefined
  }
  /** The request of Node. */
  raw?:
    | {
        /** Names and values of headers as they came, in turns. */
        rawHeaders?: readonly string[] | undefined
      }
    | undefined
}

/** What is used of a reply. */
export interface FastifyReply {
  /** Sets the HTTP status. */
  code(status: number): unknown
  /** Sets headers. */
  headers(headers: Record<string, string>): unknown
  /** Sends the body. */
  send(body: string): unknown
}

/** A hook, structurally. */
export type FastifyHook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/**
 * A hook that lets in whoever has a good token with all of these scopes. As `onRequest` it refuses before the body is read.
 *
 * @example
 * ```ts
 * import { authenticated, identity } from '@countersign/sdk/fastify'
 * import { verifier } from '@countersign/sdk/verifier'
 * import fastify from 'fastify'
 *
 * const tokens = verifier()
 * const app = fastify()
 * app.get('/users', { onRequest: authenticated(tokens, { scopes: ['read:users'] }) }, async (request) => ({
 *   caller: identity(request).clientId,
 * }))
 * ```
 */
export function authenticated(
  verifier: Verifier,
  options: AuthenticatedOptions<FastifyRequest> = {},
): FastifyHook {
  const admit = admission(verifier, options)
  return async (request, reply) => {
    const refusal = await admit(
      request,
      authorizationOf({ headers: request.headers, rawHeaders: request.raw?.rawHeaders }),
    )
    if (!refusal) return undefined
    reply.code(refusal.status)
    reply.headers(refusal.headers)
    reply.send(refusal.body)
    return reply // Fastify's sign that the answer is under way.
  }
}
