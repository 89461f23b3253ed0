/**
 * Who is calling, as a token says that was found good.
 *
 * @module
 */

import { rememberedIdentity } from './lib/identities.js'

/** What a good token says. Times are whole seconds since 1970-01-01T00:00:00Z. */
export interface Identity {
  /** The client: `client_id`, or else `sub`. */
  clientId: string
  /** Whom the token speaks for; for tokens of Countersign the client. */
  subject: string
  /** The granted scopes. See `satisfies` before comparing them by hand. */
  scopes: string[]
  /** Who issued the token. */
  issuer: string
  /** Whom the token is for. */
  audience: string[]
  /** When the token was issued. */
  issuedAt: number
  /** The first second in which the token is no longer valid. */
  expiresAt: number
  /** The token's own id, where it has one. */
  tokenId?: string
  /** All claims as they stand in the token. */
  claims: Record<string, unknown>
}

/**
 * Who made this request: an Express or Fastify request, or a Hono context.
 *
 * @throws Error when no middleware of this package let the request in, because a route without protection is a
 * mistake and not a caller without a name
 */
export function identity(request: object): Identity {
  const identity = rememberedIdentity(request)
  if (!identity) throw new Error('no token was checked for this request: its route lacks authenticated(…)')
  return identity
}
