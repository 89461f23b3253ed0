/** What a server says in the body of a refusal, as far as it may be repeated. */

/** A member of a JSON object, if there is such a thing. */
export function member(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined
}

/** A member that is a short word: what names something, and not a text. */
export function word(body: unknown, name: string): string | undefined {
  const value = member(body, name)
  return typeof value === 'string' && /^[\w.:/*-]{1,200}$/.test(value) ? value : undefined
}

/** The code of a refusal: the `error` of OAuth (RFC 6749 section 5.2), else `error_type`, else `http_` and the status. */
export function codeOf(body: unknown, status: number): string {
  return word(body, 'error') ?? word(body, 'error_type') ?? `http_${status}`
}

/** The sentence of a refusal, to follow its code; empty when there is none. */
export function descriptionOf(body: unknown): string {
  const text = member(body, 'error_description') ?? member(body, 'error_message')
  return typeof text === 'string' ? `: ${printable(text)}` : ''
}

/** A text of a stranger's for a log line: no control characters, not endless. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').slice(0, 300)
}
