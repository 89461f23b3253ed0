/** The `Authorization` header of a request of Node. */

/** What is used of a request. */
interface NodeRequest {
  headers: { authorization?: string | undefined }
  /** Names and values as they came, in turns. */
  rawHeaders?: readonly string[] | undefined
}

/**
 * The header's value. Node keeps the first of several and drops the others: two that judge one request, each by another
 * header, would see two callers. So several are joined here, which no verifier takes for a token.
 */
export function authorizationOf({ headers, rawHeaders = [] }: NodeRequest): string | undefined {
  const all = rawHeaders.filter((_, at) => at % 2 === 1 && /^authorization$/i.test(rawHeaders[at - 1]!))
  return all.length > 1 ? all.join(', ') : headers.authorization
}
