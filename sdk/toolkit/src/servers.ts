/**
 * Servers of a document.
 *
 * @module
 */

import { isObject } from './document.js'

/**
 * The server's URL with the defaults of its variables. A relative one is relative to `base`; without a base there is
 * none, and whoever uses the module has to say where the API is.
 */
export function serverUrl(server: unknown, base: string | undefined): string | undefined {
  if (!isObject(server) || typeof server['url'] !== 'string') return undefined
  const variables = isObject(server['variables']) ? server['variables'] : {}
  const url = server['url'].replace(/\{([^{}]+)\}/g, (whole, name: string) => {
    const variable = Object.hasOwn(variables, name) ? variables[name] : undefined
    return isObject(variable) && typeof variable['default'] === 'string' ? variable['default'] : whole
  })
  if (/[{}]/.test(url) || !URL.canParse(url, base)) return undefined
  const { protocol, origin, pathname, username, password, search, hash } = new URL(url, base)
  if (!/^https?:$/.test(protocol) || username || password || search || hash) return undefined
  return (origin + pathname).replace(/\/+$/, '')
}
