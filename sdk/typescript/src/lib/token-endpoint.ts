/** One request to the token endpoint (RFC 6749 section 4.4). */

import { TokenError } from '../token-error.js'
import { abortable } from './abortable.js'
import { boundedText } from './bounded-text.js'
import { isRedirect, isTimeout, systemWord } from './network-failure.js'
import { retryAfter } from './retry-after.js'
import { codeOf, descriptionOf, word } from './server-words.js'

/** Longest answer that is read, in bytes. A token has at most 16 KiB. */
const MAX_ANSWER_BYTES = 64 * 1024

/** Longest life that is believed, in seconds: a year. */
const MAX_LIFETIME = 31_536_000

/** A token as the endpoint gave it. */
export interface IssuedToken {
  /** The access token. */
  token: string
  /** For how many seconds it is valid, counted from the request. */
  lifetime: number
}

/** What a request needs. */
export interface TokenRequest {
  /** The endpoint. */
  endpoint: string
  /** The form's fields, the secret left out. */
  fields: [string, string][]
  /** The client's secret, or who knows it. */
  secret: string | (() => string | Promise<string>)
  /** What sends requests. */
  fetch: typeof fetch
  /** Milliseconds before the endpoint counts as unreachable. */
  timeout: number
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now: () => number
}

/** Asks once. Every failure is a {@link TokenError}. */
export async function requestToken(request: TokenRequest): Promise<IssuedToken> {
  // Over the secret as well: one that never comes must not hold up all callers for ever.
  const signal = AbortSignal.timeout(request.timeout)
  let secret: string
  try {
    const { secret: given } = request
    secret = typeof given === 'function' ? await abortable(Promise.resolve(given()), signal) : given
  } catch {
    secret = ''
  }
  if (!secret) {
    // Nothing of the provider's error is repeated: it may hold what it was about to tell.
    throw new TokenError('secret_unavailable', 'the client secret could not be had', { temporary: true })
  }
  let response: Response
  let text: string
  try {
    response = await request.fetch(request.endpoint, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams([...request.fields, ['client_secret', secret]]),
      redirect: 'manual', // A redirect would carry the secret to wherever it points.
      signal,
    })
    text = await boundedText(response, MAX_ANSWER_BYTES)
  } catch (error) {
    throw unreachable(error)
  }
  let body: unknown
  try {
    body = withoutSecret(JSON.parse(text), secret)
  } catch {
    // Judged below.
  }
  const answer = (Object(body) === body ? body : {}) as Record<string, unknown>
  if (response.status !== 200) throw refused(response, answer, request.now())

  const { access_token: token, token_type: type, expires_in: lifetime } = answer
  // The form of RFC 6750 section 2.1; another could break the header it is put into, and show itself in that error.
  const isToken = typeof token === 'string' && /^[\w.~+/-]+=*$/.test(token)
  if (!isToken || !/^bearer$/i.test(String(type)) || !(typeof lifetime === 'number' && lifetime >= 1)) {
    throw new TokenError('invalid_answer', 'the token endpoint gave no bearer token with expires_in', {
      status: 200,
    })
  }
  return { token, lifetime: Math.min(Math.floor(lifetime), MAX_LIFETIME) }
}

/**
 * The answer, or nothing when it plays the secret back, however spelled: in quotes of JSON, in a URL, in a form. Words of the
 * answer get into errors, and errors into logs.
 */
function withoutSecret(answer: unknown, secret: string): unknown {
  const said = JSON.stringify(answer).toLowerCase()
  const spellings = [
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    String(new URLSearchParams([['', secret]])).slice(1),
  ]
  return spellings.some((spelling) => said.includes(spelling.toLowerCase())) ? undefined : answer
}

function unreachable(error: unknown): TokenError {
  if (isTimeout(error)) {
    return new TokenError('timeout', 'the token endpoint did not answer in time', { temporary: true })
  }
  if (error instanceof RangeError) {
    return new TokenError('invalid_answer', 'the answer of the token endpoint is too long')
  }
  const known = systemWord(error)
  const reason = known ? ` (${known})` : ''
  return new TokenError('unreachable', `the token endpoint could not be reached${reason}`, {
    temporary: true,
  })
}

function refused(response: Response, answer: unknown, now: number): TokenError {
  const { status } = response
  if (isRedirect(response)) {
    return new TokenError('redirected', 'the token endpoint points elsewhere, which is not followed', {
      status,
    })
  }
  const code = codeOf(answer, status)
  const message = `the token endpoint refused with ${code} (HTTP ${status})${descriptionOf(answer)}`
  return new TokenError(code, message, {
    status,
    requestId: word(answer, 'request_id'),
    retryAfter: retryAfter(response, now),
    temporary: status === 408 || status === 429 || status >= 500,
  })
}
