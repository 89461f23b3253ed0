/**
 * Base64url without padding (RFC 7515 section 2), strictly: no padding, no white space, no stray bits at the end. One token has
 * one spelling, so that a list of seen tokens cannot be passed by respelling one.
 */

/** What may come last where the last group has two characters (4 bits are left over), or three (2 bits). */
const LAST_OF = [undefined, undefined, /[AQgw]$/, /[AEIMQUYcgkosw048]$/] as const

/** Whether the text is the one spelling of some bytes. */
export function isBase64url(text: string): boolean {
  const rest = text.length % 4
  return /^[\w-]*$/.test(text) && rest !== 1 && (LAST_OF[rest]?.test(text) ?? true)
}

/** The bytes, or `undefined` when the text is not base64url. */
export function decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!isBase64url(text)) return undefined
  const binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

/** The text of these bytes. */
export function encode(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')
}
