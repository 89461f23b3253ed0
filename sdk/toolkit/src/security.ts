/**
 * Which settings the credentials of an API come from.
 *
 * @module
 */

import type { SecurityScheme } from './description.js'
import { isObject, type JsonObject, resolve } from './document.js'

/** Names of settings for a scheme, instead of those chosen here; `false` leaves the scheme out. */
export type SchemeSettings = Readonly<Record<string, readonly string[] | false>>

/** The security schemes of a document by name. */
export function securitySchemes(root: JsonObject, settings: SchemeSettings): Record<string, SecurityScheme> {
  const components = isObject(root['components']) ? root['components'] : {}
  const given = Object.entries(isObject(components['securitySchemes']) ? components['securitySchemes'] : {})
  const kept = given.filter(([name]) => settings[name] !== false)
  const read = kept.map(([name, scheme]) => [name, readScheme(resolve(root, scheme))] as const)
  // One of its kind has a plain name; several have the scheme's name in front.
  const counts = new Map<string, number>()
  for (const [, { type }] of read) counts.set(type, (counts.get(type) ?? 0) + 1)
  const taken = new Set<string>()
  return Object.fromEntries(
    read.map(([name, scheme]) => {
      const own = settings[name] || undefined
      return [name, distinct(scheme, own, counts.get(scheme.type) === 1 ? '' : name, taken)]
    }),
  )
}

/** With a number behind the scheme's name where another has the same settings: one API's key must not reach the other. */
function distinct(
  scheme: SecurityScheme,
  own: readonly string[] | undefined,
  front: string,
  taken: Set<string>,
): SecurityScheme {
  for (let number = 1; ; number++) {
    const tried = named(scheme, own, front && number > 1 ? `${front} ${number}` : front)
    const settings = settingsOf(tried).map(({ setting }) => setting)
    const free = own !== undefined || !front || !settings.some((setting) => taken.has(setting))
    if (!free) continue
    for (const setting of settings) taken.add(setting)
    return tried
  }
}

function readScheme(source: unknown): SecurityScheme {
  if (!isObject(source)) return { type: 'unknown' }
  const { type, scheme, name } = source as { type?: unknown; scheme?: unknown; name?: unknown }
  const place = source['in']
  if (type === 'http' && /^basic$/i.test(String(scheme))) return { type: 'basic', username: '', password: '' }
  if (type === 'http' && /^bearer$/i.test(String(scheme))) return { type: 'bearer', token: '' }
  if (type === 'oauth2' || type === 'openIdConnect') return { type: 'bearer', token: '' }
  if (type === 'mutualTLS') return { type: 'connection' }
  const isKey = type === 'apiKey' && typeof name === 'string'
  if (isKey && (place === 'header' || place === 'query' || place === 'cookie')) {
    return { type: 'apiKey', in: place, name, key: '' }
  }
  return { type: 'unknown' }
}

function named(scheme: SecurityScheme, own: readonly string[] | undefined, front: string): SecurityScheme {
  const setting = (index: number, plain: string): string =>
    own?.[index] ?? (front ? camel(`${front} ${plain}`) : plain)
  if (scheme.type === 'basic')
    return { ...scheme, username: setting(0, 'username'), password: setting(1, 'password') }
  if (scheme.type === 'bearer') return { ...scheme, token: setting(0, 'token') }
  if (scheme.type === 'apiKey') return { ...scheme, key: setting(0, 'apiKey') }
  return scheme
}

/** The setting names of a scheme, with what each is. */
export function settingsOf(scheme: SecurityScheme): { setting: string; meaning: string }[] {
  switch (scheme.type) {
    case 'basic':
      return [
        { setting: scheme.username, meaning: 'The name for HTTP Basic' },
        { setting: scheme.password, meaning: 'The password for HTTP Basic' },
      ]
    case 'bearer':
      return [{ setting: scheme.token, meaning: 'The bearer token' }]
    case 'apiKey':
      return [{ setting: scheme.key, meaning: `The API key for the ${scheme.in} \`${scheme.name}\`` }]
    case 'connection':
    case 'unknown':
      return []
  }
}

/** The environment variable of a setting. */
export function variable(prefix: string, setting: string): string {
  return `${prefix}_${setting.replace(/(?<=[a-z0-9])[A-Z]/g, '_$&').toUpperCase()}`
}

function camel(words: string): string {
  const parts = words.split(/[^A-Za-z0-9]+/).filter(Boolean)
  const joined = parts.map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('')
  const name = joined.charAt(0).toLowerCase() + joined.slice(1)
  return /^\d/.test(name) ? `_${name}` : name
}
