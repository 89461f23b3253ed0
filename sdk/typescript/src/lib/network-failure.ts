/** What may be told of a request that failed: what an HTTP library puts into its errors is not known here. */

/** The system's word in the error of a `fetch`, such as `ECONNREFUSED`; nothing else of it is told. */
export function systemWord(error: unknown): string | undefined {
  const { code, cause } = Object(error) as { code?: unknown; cause?: { code?: unknown } }
  const word = [cause?.code, code].find((known) => /^[A-Z_\d]{1,40}$/.test(String(known ?? '')))
  return word === undefined ? undefined : String(word)
}

/** Whether a `fetch` failed because its time was over. */
export function isTimeout(error: unknown): boolean {
  return (Object(error) as { name?: unknown }).name === 'TimeoutError'
}

/** Whether an answer points elsewhere; browsers do not show its status. */
export function isRedirect({ type, status }: Response): boolean {
  return type === 'opaqueredirect' || (status >= 300 && status < 400)
}
