/**
 * Calls an API through a Countersign gateway, which puts the API's credential in on its side. The caller holds a
 * short-lived token and nothing else.
 *
 * @module
 */

import { ArgumentError, GatewayError } from './api-error.js'
import { addHeaders } from './lib/added-headers.js'
import { readRefusal } from './lib/answer.js'
import { send } from './lib/send.js'
import { baseUrl } from './lib/settings.js'
import { isObject } from './lib/parameter-style.js'
import { member, word } from './lib/server-words.js'
import type { TokenSource } from './token-source.js'
import type { OperationCall, SendingOptions, Transport } from './transport.js'

/** Where the gateway is, and whom to call behind it. */
export interface GatewayTransportOptions extends SendingOptions {
  /** The gateway's base URL. */
  gatewayUrl: string
  /** The provider: the name that the API has at the gateway. */
  provider: string
  /** What gives out tokens whose audience is the gateway. */
  tokenSource: TokenSource
}

/** A transport through the gateway. */
export function gatewayTransport(options: GatewayTransportOptions): Transport {
  const url = baseUrl('gatewayUrl', options.gatewayUrl)
  const tools = `${url}/tools/${encodeURIComponent(options.provider)}`
  return async (call) => {
    const { operation } = call
    const body = jsonOf(call)
    const attempt = async (): Promise<{ response: Response; token: string }> => {
      const token = await options.tokenSource.token({ signal: call.signal })
      const headers = new Headers({ accept: 'application/json, */*;q=0.5' })
      headers.set('content-type', 'application/json')
      addHeaders(headers, call, options)
      headers.set('authorization', `Bearer ${token}`)
      const target = `${tools}/${encodeURIComponent(operation.name)}`
      const request = { url: target, method: 'POST', headers, body, operationMethod: operation.method }
      return { response: await send(call, request, options), token }
    }
    let { response, token } = await attempt()
    // Of the API behind, 401 is about a credential that is not ours: only the gateway's own is about the token.
    if (response.status === 401 && isGateways(response)) {
      options.tokenSource.forget(token)
      await response.body?.cancel().catch(() => {})
      ;({ response, token } = await attempt())
    }
    if (!response.ok && isGateways(response)) {
      const { code, message, details } = await readRefusal(response, operation.name)
      const { body: said } = details
      throw new GatewayError(code, message, {
        ...details,
        reason: word(said, 'reason'),
        rule: word(said, 'rule'),
        neededScope: scopeOf(member(said, 'needed_scope')),
      })
    }
    return response
  }
}

function isGateways(response: Response): boolean {
  return response.headers.get('countersign-error') === 'gateway'
}

/** Scope tokens (RFC 6749 section 3.3). */
function scopeOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\x21\x23-\x5b\x5d-\x7e ]{1,4096}$/.test(value) ? value : undefined
}

/** The arguments as one JSON object, for the gateway to put into their places. */
function jsonOf({ operation, arguments: args }: OperationCall): string {
  for (const [argument, value] of Object.entries(args)) {
    if (!isSendable(value)) {
      const fault = 'cannot be sent through the gateway, which takes JSON'
      throw new ArgumentError('unusable_argument', operation.name, argument, fault)
    }
  }
  return JSON.stringify(args)
}

/** Whether JSON holds all of it: bytes and files would become empty objects without a word. */
function isSendable(value: unknown, depth = 0): boolean {
  if (value === null || value === undefined || value instanceof Date) return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value === 'string' || typeof value === 'boolean') return true
  // A circle ends here.
  if (depth > 100) return false
  if (Array.isArray(value)) return value.every((item) => isSendable(item, depth + 1))
  return isObject(value) && Object.values(value).every((item) => isSendable(item, depth + 1))
}
