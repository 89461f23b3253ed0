/** Sending a request, and sending it again where that can do no harm. */

import { ConnectionError } from '../api-error.js'
import type { OperationCall, SendingClock, SendingOptions } from '../transport.js'
import { isRedirect, systemWord } from './network-failure.js'
import { retryAfter } from './retry-after.js'

/** A request ready to be sent, any number of times. */
export interface SendableRequest {
  /** Where to. Never part of an error: an API key may be in its query. */
  url: string
  /** The method on the wire. */
  method: string
  /** The headers. */
  headers: Headers
  /** The body. */
  body?: BodyInit | undefined
  /** The method that says whether a repetition is harmless; the wire's may be another. */
  operationMethod: string
}

/** Methods of which RFC 9110 section 9.2.2 says that twice is as once. */
const IDEMPOTENT = /^(GET|HEAD|PUT|DELETE|OPTIONS|TRACE)$/

/** Answers that say that the same request may succeed later. */
const TEMPORARY = [429, 500, 502, 503, 504]

/** The shortest and the longest pause that we choose, in milliseconds. */
const FIRST_PAUSE = 250
const LONGEST_PAUSE = 8_000

const ambientClock: SendingClock = {
  random: Math.random,
  now: Date.now,
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      const abort = (): void => {
        clearTimeout(timer)
        reject(signal.reason)
      }
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', abort)
        resolve()
      }, milliseconds)
      signal.addEventListener('abort', abort, { once: true })
      if (signal.aborted) abort()
    }),
}

/**
 * Sends the request. A failed one is sent again, with growing random pauses or after the server's `Retry-After`, when
 * its operation is idempotent and the failure is of the network, 429, 500, 502, 503 or 504. Other operations are
 * repeated only after 429, and after 503 with `Retry-After`: there the server says that it did nothing.
 *
 * A pause that would outlast the call is not made; the failure at hand is the outcome.
 */
export async function send(
  call: OperationCall,
  request: SendableRequest,
  options: SendingOptions,
): Promise<Response> {
  const { random, sleep, now } = options.clock ?? ambientClock
  const idempotent = IDEMPOTENT.test(request.operationMethod)
  for (let attempt = 0; ; attempt++) {
    let response: Response | undefined
    let failure: ConnectionError | undefined
    try {
      response = await fetchOnce(call, request, options)
    } catch (error) {
      if (!(error instanceof ConnectionError) || error.code !== 'unreachable') throw error
      failure = error
    }
    const seconds = response && retryAfter(response, now())
    const harmless =
      idempotent || response?.status === 429 || (response?.status === 503 && seconds !== undefined)
    const temporary = !response || TEMPORARY.includes(response.status)
    const chosen = Math.min(FIRST_PAUSE * 2 ** attempt, LONGEST_PAUSE)
    // The random half keeps callers that failed together from coming back together.
    const pause =
      seconds === undefined ? chosen * (0.5 + random() / 2) : seconds * 1000 + random() * FIRST_PAUSE
    if (attempt >= (options.retries ?? 2) || !harmless || !temporary || pause >= call.timeLeft()) {
      if (failure) throw failure
      return response as Response
    }
    // Nobody reads it, and unread it would hold its connection.
    await response?.body?.cancel().catch(() => {})
    await sleep(pause, call.signal)
  }
}

async function fetchOnce(
  call: OperationCall,
  request: SendableRequest,
  options: SendingOptions,
): Promise<Response> {
  const { name } = call.operation
  const fetch = options.fetch ?? globalThis.fetch
  let response: Response
  try {
    response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
      redirect: 'manual', // A redirect would carry the credentials to wherever it points.
      signal: call.signal,
    })
  } catch (error) {
    if (call.signal.aborted) throw call.signal.reason
    throw networkFailure(name, error)
  }
  if (isRedirect(response)) {
    await response.body?.cancel().catch(() => {})
    throw new ConnectionError('redirected', `${name}: the answer points elsewhere, which is not followed`)
  }
  return response
}

/** The failure of a `fetch`, of which nothing is told but the system's word. */
export function networkFailure(operation: string, error: unknown): ConnectionError {
  const reason = systemWord(error)
  return new ConnectionError('unreachable', `${operation}: no answer${reason ? ` (${reason})` : ''}`, reason)
}
