/** The `Retry-After` header (RFC 9110 section 10.2.3). */

/** How many seconds to wait, from a number or a date; `undefined` when the answer does not say. */
export function retryAfter(response: Response, nowMilliseconds: number): number | undefined {
  const value = response.headers.get('retry-after') ?? ''
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - nowMilliseconds) / 1000
  return Number.isNaN(seconds) ? undefined : Math.max(0, Math.ceil(seconds))
}
