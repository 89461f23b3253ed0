/** The compact form of a token and its header (RFC 7515 sections 4 and 7.1), before anything in it is believed. */

import { Refusal } from '../refusal.js'
import { decode } from './base64url.js'
import { type Algorithm, algorithmOf } from './jwk.js'
import { readObject } from './strict-json.js'

/** Longest token that is looked at, in bytes. Header limits of common servers end at 8 or 16 KiB. */
const MAX_TOKEN_BYTES = 16 * 1024

/** Longest key id, in bytes. The bound keeps logs and errors short. */
const MAX_KEY_ID_BYTES = 256

/** What is read of a header. `jwk`, `jku`, `x5u` and `x5c` are not: a token does not bring its own key (RFC 8725 section 3.10). */
export interface TokenHeader {
  algorithm: Algorithm
  keyId: string
  /** The media type in `typ`, in lower case and without `application/`. */
  type: string | undefined
  /** The claims, still encoded and not believed. */
  claims: string
  /** The signature, still encoded. */
  signature: string
}

/** Whether a text has more bytes in UTF-8. A code unit becomes three at most, so that most texts need not be encoded. */
const exceeds = (text: string, bytes: number): boolean =>
  text.length * 3 > bytes && (text.length > bytes || new TextEncoder().encode(text).length > bytes)

const isText = (source: string): boolean => source.startsWith('"')

/** Reads the header of a token, as strictly as it can be done without a key. */
export function readHeader(token: string): TokenHeader {
  if (typeof token !== 'string') throw new Refusal('malformed')
  if (exceeds(token, MAX_TOKEN_BYTES)) throw new Refusal('oversize')
  const [encoded, claims, signature, more] = token.split('.', 4)
  const bytes = decode(encoded!)
  // A JWE has five parts (RFC 7516 section 9).
  if (claims === undefined || signature === undefined || more !== undefined || !bytes)
    throw new Refusal('malformed')

  const header = readObject(bytes, { alg: isText, kid: isText, typ: isText, crit: () => true }) as {
    alg?: string
    kid?: string
    typ?: string
  }
  // We understand no extension, so none may be critical (RFC 7515 section 4.1.11).
  if (Object.hasOwn(header, 'crit')) throw new Refusal('critical_header')
  const algorithm = algorithmOf(header.alg)
  if (!algorithm) throw new Refusal('unsupported_algorithm')
  const keyId = header.kid
  if (keyId === undefined) throw new Refusal('missing_key_id')
  if (exceeds(keyId, MAX_KEY_ID_BYTES)) throw new Refusal('malformed')
  // A media type: without regard to case, `application/` may be left out (RFC 7515 section 4.1.9).
  const type = header.typ
    ?.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    .replace(/^application\//, '')
  return { algorithm, keyId, type, claims, signature }
}
