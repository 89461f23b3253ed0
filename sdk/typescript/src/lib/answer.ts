/** Reading an answer, and making an error of a refusal. */

import { ApiError, type ApiErrorDetails } from '../api-error.js'
import { boundedText } from './bounded-text.js'
import { networkFailure } from './send.js'
import { retryAfter } from './retry-after.js'
import { codeOf, descriptionOf, member, printable, word } from './server-words.js'

/** What a success may be: JSON only, or whatever its content type says. */
export type Expected = 'json' | 'any'

/** How much of a refusal is read, in bytes. */
const MAX_REFUSAL_BYTES = 64 * 1024

/**
 * The body of a success: nothing as `undefined`, JSON parsed, text as a string, anything else as a `Blob`.
 *
 * @throws ApiError when the answer is a refusal, or a success of another kind than is expected
 */
export async function readAnswer(
  response: Response,
  expected: Expected,
  operation: string,
): Promise<unknown> {
  if (!response.ok) throw await refusal(response, operation)
  if (response.status === 204 || response.status === 205 || response.body === null) return undefined
  const type = response.headers.get('content-type') ?? ''
  const isText = /^\s*text\//i.test(type)
  if (expected === 'any' && type !== '' && !isJson(type) && !isText)
    return await whole(operation, () => response.blob())
  const text = await whole(operation, () => response.text())
  if (text === '') return undefined
  if (isJson(type)) {
    try {
      return JSON.parse(text) as unknown
    } catch {
      // Judged below.
    }
  } else if (expected === 'any') {
    return text
  }
  // Of a proxy's sign-in page, for one: the caller must not take it for the API's answer.
  throw new ApiError('invalid_answer', `${operation}: the answer is not JSON (HTTP ${response.status})`, {
    status: response.status,
    requestId: requestIdOf(response, undefined),
  })
}

async function whole<T>(operation: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if ((error as Error)?.name === 'AbortError') throw error
    throw networkFailure(operation, error)
  }
}

/** The server's id of a request, from its body or its headers. */
export function requestIdOf(response: Response, body: unknown): string | undefined {
  return word(body, 'request_id') ?? word({ id: response.headers.get('x-request-id') }, 'id')
}

/** What a refusal says, for any class of error. */
export interface ReadRefusal {
  /** The stable word. */
  code: string
  /** The sentence. */
  message: string
  /** The rest. */
  details: ApiErrorDetails
}

/** Reads a refusal. A body that is too long, broken or not JSON is no obstacle: then the status says all. */
export async function readRefusal(response: Response, operation: string): Promise<ReadRefusal> {
  let body: unknown
  try {
    body = await boundedText(response, MAX_REFUSAL_BYTES)
    if (isJson(response.headers.get('content-type') ?? '')) body = JSON.parse(body as string)
  } catch (error) {
    if ((error as Error)?.name === 'AbortError') throw error
  }
  const { status } = response
  const code = codeOf(body, status)
  const url = member(body, 'error_uri') ?? member(body, 'error_url')
  return {
    code,
    message: `${operation}: ${code} (HTTP ${status})${descriptionOf(body)}`,
    details: {
      status,
      body,
      requestId: requestIdOf(response, body),
      errorUrl: typeof url === 'string' ? printable(url) : undefined,
      retryAfter: retryAfter(response, Date.now()),
    },
  }
}

async function refusal(response: Response, operation: string): Promise<ApiError> {
  const { code, message, details } = await readRefusal(response, operation)
  return new ApiError(code, message, details)
}

function isJson(type: string): boolean {
  return /^\s*[\w.+-]+\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)
}
