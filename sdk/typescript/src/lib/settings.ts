/** Settings from arguments, or else from the environment. */

import { ConfigurationError } from '../configuration-error.js'

/** The value of an environment variable; `undefined` also where there is no environment or no right to read it. */
export function environment(variable: string): string | undefined {
  try {
    return (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env?.[variable]
  } catch {
    return undefined // Deno without --allow-env throws.
  }
}

/** The setting as given, or else from the environment; a missing or empty one is an error. */
export function setting(option: string, variable: string, given: string | undefined): string {
  const value = given ?? environment(variable)
  if (value) return value
  throw new ConfigurationError(
    'missing_configuration',
    option,
    variable,
    `is missing; ${variable} may say it too`,
  )
}

/** Milliseconds that a timer can wait; `least` is the fewest. */
export function milliseconds(option: string, value: number, least: number): number {
  // Beyond 2^31 - 1 timers end at once.
  if (value >= least && value < 2 ** 31) return value
  throw new ConfigurationError('invalid_configuration', option, undefined, 'is no time in milliseconds')
}

/** An http or https URL without credentials, to the letter as given. */
export function httpUrl(option: string, value: string): string {
  let url: URL | undefined
  try {
    url = new URL(value)
  } catch {
    // Judged below.
  }
  // Credentials in a URL end up in logs.
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.password) return value
  throw new ConfigurationError('invalid_configuration', option, undefined, 'is not a plain http or https URL')
}

/** The same without query, fragment and trailing slash, so that paths can be put behind it. */
export function baseUrl(option: string, value: string): string {
  return httpUrl(option, value)
    .replace(/[?#].*/s, '')
    .replace(/\/+$/, '')
}
