/**
 * Bearer tokens in HTTP (RFC 6750): where a request has its token, and how a refusal is answered.
 *
 * @module
 */

import { isScopeToken } from './lib/scope-token.js'
import { Refusal } from './refusal.js'

/**
 * The token in the value of an `Authorization` header.
 *
 * @throws `Refusal` `missing_token` when there is none, or one of another scheme
 */
export function bearerToken(authorization: string | null | undefined): string {
  // What follows is not judged here: the verifier refuses all that is no token.
  const [, token] = /^bearer +([^ ].*)$/is.exec(authorization ?? '') ?? []
  if (token === undefined) throw new Refusal('missing_token')
  return token.trimEnd()
}

/** An answer of HTTP. */
export interface RefusalAnswer {
  /** The HTTP status: 401, 403, or 503 when it is not the token's fault. */
  status: 401 | 403 | 503
  /** The headers, in lower case. */
  headers: Record<string, string>
  /** The body, as JSON. */
  body: string
}

/**
 * How to answer a refusal (RFC 6750 section 3): for servers that no middleware of this package is for.
 *
 * @example
 * ```ts
 * import { bearerToken, refusalAnswer } from '@countersign/sdk/bearer'
 * import { Refusal } from '@countersign/sdk/refusal'
 * import { verifier } from '@countersign/sdk/verifier'
 *
 * const tokens = verifier()
 *
 * async function handle(request: Request): Promise<Response> {
 *   try {
 *     const caller = await tokens.verify(bearerToken(request.headers.get('authorization')))
 *     return Response.json({ hello: caller.clientId })
 *   } catch (error) {
 *     if (!(error instanceof Refusal)) throw error
 *     const { status, headers, body } = refusalAnswer(error)
 *     return new Response(body, { status, headers })
 *   }
 * }
 *
 * console.log((await handle(new Request('https://api.example.com/'))).status) // 401
 * ```
 */
export function refusalAnswer({ code, scopes, retryAfter }: Refusal): RefusalAnswer {
  const answer = (
    status: RefusalAnswer['status'],
    error: string,
    headers: Record<string, string>,
  ): RefusalAnswer => ({
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify({ error, reason: code }),
  })
  switch (code) {
    case 'keys_unavailable':
      return answer(503, 'temporarily_unavailable', { 'retry-after': String(retryAfter ?? 1) })
    case 'missing_scope': {
      // A scope that is none could end the quotes and put words of its own into the header.
      const scope = scopes?.length && scopes.every(isScopeToken) ? `, scope="${scopes.join(' ')}"` : ''
      return answer(403, 'insufficient_scope', {
        'www-authenticate': `Bearer error="insufficient_scope"${scope}`,
      })
    }
    case 'missing_token':
      // Section 3.1: whoever showed nothing is told of no error.
      return answer(401, 'invalid_token', { 'www-authenticate': 'Bearer' })
    default:
      return answer(401, 'invalid_token', { 'www-authenticate': 'Bearer error="invalid_token"' })
  }
}
