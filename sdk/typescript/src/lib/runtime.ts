/** What differs between runtimes. */

/**
 * Whether a promise that one request began may not be awaited by another, and whether nothing goes on after the
 * answer: so it is in Cloudflare Workers, where a shared wait would hang for ever.
 */
export function requestsAreIsolated(): boolean {
  return globalThis.navigator?.userAgent === 'Cloudflare-Workers'
}
