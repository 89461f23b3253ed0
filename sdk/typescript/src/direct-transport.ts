/**
 * Calls an API where it lives, with its own credentials.
 *
 * @module
 */

import { ConfigurationError } from './configuration-error.js'
import type { Credential } from './credential.js'
import { addHeaders } from './lib/added-headers.js'
import { place, type Placed } from './lib/place.js'
import type { Pair } from './lib/parameter-style.js'
import { send } from './lib/send.js'
import { baseUrl } from './lib/settings.js'
import type { Operation } from './operation.js'
import type { OperationCall, SendingOptions, Transport } from './transport.js'

/** Where an API is, and what it wants to see. */
export interface DirectTransportOptions extends SendingOptions {
  /** The API's base URL, with its path if it has one. */
  url: string
  /**
   * Servers that operations have for themselves, and where to go instead. An operation whose server is missing here
   * is refused: this `url` was given for another, and its credentials may be of another environment.
   */
  servers?: Readonly<Record<string, string>> | undefined
  /** Whether operations may go to servers of their own that `servers` does not name; for when `url` is the document's. */
  ownServers?: boolean | undefined
  /** Credentials by the name of their security scheme. */
  credentials?: Readonly<Record<string, Credential | undefined>> | undefined
  /** The error for a scheme without credentials. */
  missing?: ((scheme: string) => Error) | undefined
}

/** A transport to the API itself. */
export function directTransport(options: DirectTransportOptions): Transport {
  const url = baseUrl('url', options.url)
  return async (call) => {
    const { operation } = call
    const placed = place(operation, call.arguments)
    const base = operation.server === undefined ? url : ownServer(operation, options)
    const headers = headersOf(call, placed, options)
    const { query, cookies } = placed
    for (const credential of credentialsFor(operation, options)) await credential({ headers, query, cookies })
    if (cookies.length) headers.set('cookie', joined(cookies, '; '))
    const method = operation.method
    const target = base + placed.path + (query.length ? `?${joined(query, '&')}` : '')
    return await send(
      call,
      { url: target, method, headers, body: placed.body?.content, operationMethod: method },
      options,
    )
  }
}

function ownServer(
  { name, server = '' }: Operation,
  { servers, ownServers }: DirectTransportOptions,
): string {
  const known = servers && Object.hasOwn(servers, server) ? servers[server] : undefined
  if (ownServers && known === undefined) return baseUrl('servers', server)
  if (known !== undefined) return baseUrl('servers', known)
  const fault = `does not say where ${name} goes: it has a server of its own, ${server}`
  throw new ConfigurationError('missing_configuration', 'servers', undefined, fault)
}

function headersOf(call: OperationCall, placed: Placed, options: SendingOptions): Headers {
  const headers = new Headers({ accept: 'application/json, */*;q=0.5' })
  if (placed.body?.type !== undefined) headers.set('content-type', placed.body.type)
  for (const [name, value] of placed.headers) headers.append(name, value)
  addHeaders(headers, call, options)
  return headers
}

/**
 * The credentials of the first set that is complete. A set without any comes last: where an operation may be called
 * with credentials or without, they are sent when they are there.
 */
function credentialsFor(operation: Operation, options: DirectTransportOptions): Credential[] {
  const { security = [] } = operation
  const { credentials = {} } = options
  const known = (scheme: string): boolean =>
    Object.hasOwn(credentials, scheme) && credentials[scheme] !== undefined
  const wanted = security.filter((schemes) => schemes.length > 0)
  const complete = wanted.find((schemes) => schemes.every(known))
  if (complete) return complete.map((scheme) => credentials[scheme] as Credential)
  const scheme = wanted[0]?.find((name) => !known(name))
  if (scheme === undefined || wanted.length < security.length) return []
  if (options.missing) throw options.missing(scheme)
  throw new ConfigurationError('missing_configuration', `credentials.${scheme}`, undefined, 'is missing')
}

function joined(pairs: readonly Pair[], separator: string): string {
  return pairs.map(([name, value]) => `${name}=${value}`).join(separator)
}
