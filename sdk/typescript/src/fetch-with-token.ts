/**
 * A `fetch` that carries a token.
 *
 * @module
 */

import { ConfigurationError } from './configuration-error.js'
import { httpUrl } from './lib/settings.js'
import type { TokenSource } from './token-source.js'

/** Options of `fetchWithToken`. */
export interface FetchWithTokenOptions {
  /**
   * The only origins (`https://api.example.com`) that get the token; a call to another one is an error. Set it where
   * the address of a call is made from what others say.
   */
  origins?: readonly string[] | undefined
  /** What sends requests; the runtime's `fetch`. */
  fetch?: typeof globalThis.fetch | undefined
}

/**
 * A `fetch` that sends a token of this source as `Authorization: Bearer`.
 *
 * When the service answers 401, the token is dropped and the call made once more with a new one. A body that can be
 * read only once (a stream, or a `Request` with a body) is not sent again: the 401 is the answer then, and
 * the next call has a new token.
 *
 * @example
 * ```ts no-run: there is no such service
 * import { fetchWithToken } from '@countersign/sdk/fetch-with-token'
 * import { tokenSource } from '@countersign/sdk/token-source'
 *
 * const call = fetchWithToken(tokenSource({ scopes: ['read:users'] }), { origins: ['https://api.example.com'] })
 * const users = await (await call('https://api.example.com/users')).json()
 * ```
 */
export function fetchWithToken(source: TokenSource, options: FetchWithTokenOptions = {}): typeof fetch {
  const origins = options.origins?.map((origin) => new URL(httpUrl('origins', origin)).origin)
  const send = (input: Request | string, init: RequestInit, token: string): Promise<Response> => {
    const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined))
    headers.set('authorization', `Bearer ${token}`)
    return (options.fetch ?? globalThis.fetch)(input, { ...init, headers })
  }
  return async (given: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const input = given instanceof Request ? given : String(given)
    refuseOtherOrigins(input, origins)
    const request = input instanceof Request ? input : undefined
    const signal = init.signal ?? request?.signal
    const token = await source.token({ signal })
    const response = await send(input, init, token)
    if (response.status !== 401) return response

    source.forget(token)
    // Not every browser has `body` of a request; whether one was used up, all of them say.
    if (request?.bodyUsed || !isReplayable(init.body)) return response
    let next: string
    try {
      next = await source.token({ signal })
    } catch (error) {
      if (signal?.aborted) throw error
      return response // What the service said is nearer to the truth than why there is no other token.
    }
    if (next === token) return response
    // Unread, it would hold its connection.
    response.body?.cancel().catch(() => {})
    return send(input, init, next)
  }
}

function refuseOtherOrigins(input: Request | string, origins: readonly string[] | undefined): void {
  if (!origins) return
  const base = (globalThis as { location?: { href: string } }).location?.href
  const { origin } = new URL(input instanceof Request ? input.url : input, base)
  if (origins.includes(origin)) return
  throw new ConfigurationError('invalid_configuration', 'origins', undefined, `does not hold ${origin}`)
}

function isReplayable(body: BodyInit | null | undefined): boolean {
  if (body === null || body === undefined || typeof body === 'string') return true
  return (
    [URLSearchParams, FormData, Blob, ArrayBuffer].some((kind) => body instanceof kind) ||
    ArrayBuffer.isView(body)
  )
}
