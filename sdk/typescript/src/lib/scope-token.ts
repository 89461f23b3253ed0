/** What a scope looks like. */

/** Whether a text is a scope (RFC 6749 section 3.3): printable, without space, quote and backslash. */
export function isScopeToken(text: string): boolean {
  return /^[!#-[\]-~]+$/.test(text)
}
