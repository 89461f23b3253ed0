/** Calling an operation, with an end to it. */

import { ConnectionError } from '../api-error.js'
import type { Arguments, CallOptions, Operation } from '../operation.js'
import type { Transport } from '../transport.js'
import { abortable } from './abortable.js'
import { readAnswer, requestIdOf } from './answer.js'
import { milliseconds } from './settings.js'

/** The time that a call may take, in milliseconds. */
const TIMEOUT = 30_000

/** Calls an operation by a transport. The functions of generated modules end here. */
export async function callOperation<Result>(
  transport: Transport,
  operation: Operation,
  args: Arguments,
  options: CallOptions,
): Promise<Result> {
  const timeout = milliseconds('timeout', options.timeout ?? TIMEOUT, 1)
  const end = performance.now() + timeout
  const controller = new AbortController()
  let code: 'timeout' | 'aborted' = 'timeout'
  const abort = (): void => {
    code = 'aborted'
    controller.abort()
  }
  const timer = setTimeout(() => controller.abort(), timeout)
  options.signal?.addEventListener('abort', abort)
  if (options.signal?.aborted) abort()
  try {
    const call = async (): Promise<Result> => {
      controller.signal.throwIfAborted()
      const response = await transport({
        operation,
        arguments: args,
        headers: options.headers ?? {},
        signal: controller.signal,
        timeLeft: () => end - performance.now(),
      })
      const answer = await readAnswer(response, operation.answer ?? 'json', operation.name)
      options.onAnswer?.({
        status: response.status,
        headers: response.headers,
        requestId: requestIdOf(response, answer),
      })
      return answer as Result
    }
    // A transport or a fetch of the user's own may not listen to the signal.
    return await abortable(call(), controller.signal)
  } catch (error) {
    if (error !== controller.signal.reason && (error as Error)?.name !== 'AbortError') throw error
    const fault = code === 'timeout' ? `no answer within ${timeout} ms` : 'ended by the caller'
    throw new ConnectionError(code, `${operation.name}: ${fault}`)
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', abort)
  }
}
