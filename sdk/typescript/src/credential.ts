/**
 * Credentials of an API, as functions: each puts what it knows into a request.
 *
 * A secret lives in its function's closure. Printing the function, or an object that holds it, does not show it.
 *
 * @module
 */

import { ConfigurationError } from './configuration-error.js'
import { encode } from './lib/parameter-style.js'

/** A secret, or who knows it. A function is called for each request, so that a rotated secret is used at once. */
export type Secret = string | (() => string | Promise<string>)

/** Where credentials may be put. */
export interface CredentialPlaces {
  /** The request's headers. */
  headers: Headers
  /** The query's pairs, percent-encoded. */
  query: (readonly [name: string, value: string])[]
  /** The cookies' pairs, percent-encoded. */
  cookies: (readonly [name: string, value: string])[]
}

/** Puts itself into a request. */
export type Credential = (places: CredentialPlaces) => Promise<void>

/** HTTP Basic (RFC 7617). */
export function basic(username: Secret, password: Secret): Credential {
  return async ({ headers }) => {
    const name = await reveal('username', username)
    // The first colon ends the name (RFC 7617 section 2): with another one, a part of it would become the password.
    if (name.includes(':')) throw invalid('username', 'holds a colon')
    const bytes = new TextEncoder().encode(`${name}:${await reveal('password', password)}`)
    headers.set('authorization', `Basic ${btoa(String.fromCharCode(...bytes))}`)
  }
}

/** A bearer token (RFC 6750 section 2.1). */
export function bearer(token: Secret): Credential {
  return async ({ headers }) => {
    headers.set('authorization', `Bearer ${visible('token', await reveal('token', token))}`)
  }
}

/** An API key in a header, the query or a cookie. Browsers send no cookie that a script names. */
export function apiKey(where: 'header' | 'query' | 'cookie', name: string, key: Secret): Credential {
  return async ({ headers, query, cookies }) => {
    const value = await reveal('key', key)
    if (where === 'header') headers.set(name, visible('key', value))
    else if (where === 'query') query.push([encode(name), encode(value)])
    else cookies.push([encode(name), encode(value)])
  }
}

async function reveal(what: string, secret: Secret): Promise<string> {
  let value: unknown
  try {
    value = typeof secret === 'function' ? await secret() : secret
  } catch {
    // Nothing of the provider's error is repeated: it may hold what it was about to tell.
  }
  if (typeof value !== 'string' || value === '') throw invalid(what, 'could not be had')
  return value
}

/** Anything else would be refused by `fetch`, with the secret in its error. */
function visible(what: string, value: string): string {
  if (/^[\x20-\x7e]+$/.test(value)) return value
  throw invalid(what, 'holds a character that no header may carry')
}

function invalid(what: string, fault: string): ConfigurationError {
  return new ConfigurationError('invalid_configuration', what, undefined, fault)
}
