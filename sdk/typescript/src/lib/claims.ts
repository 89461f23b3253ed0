/** The claims of a token (RFC 7519 section 4.1, RFC 9068 section 2.2) and the judgement over them. */

import { Refusal } from '../refusal.js'
import { readObject } from './strict-json.js'

/** Claims of the right kinds, with the ones that must be there. */
export interface Claims {
  iss: string
  sub: string
  aud: string[]
  scope: string
  iat: number
  nbf: number
  exp: number
  jti?: string
  client_id?: string
  /** All claims as they stand in the token. */
  all: Record<string, unknown>
}

/** What the caller expects of a token whose signature is right. */
export interface Expected {
  /** The issuers to accept, to the letter. */
  issuers: readonly string[]
  /** The audiences to accept; the token must be for one of them. */
  audiences: readonly string[]
  /** By how many seconds the clocks may differ. */
  clockTolerance: number
  /** How many seconds ago the token may have been issued. */
  maxAge: number | undefined
}

const isText = (source: string): boolean => source.startsWith('"')

/** Whole seconds in 64 bits. A fraction is refused also where it is zero: one value has one spelling. */
const isTime = (source: string): boolean =>
  /^(?:0|-?[1-9]\d{0,18})$/.test(source) && BigInt.asIntN(64, BigInt(source)) === BigInt(source)

const isAudience = (source: string): boolean => {
  if (isText(source)) return true
  const value: unknown = JSON.parse(source)
  return Array.isArray(value) && value.every((audience) => typeof audience === 'string')
}

const MEMBERS = {
  iss: isText,
  sub: isText,
  aud: isAudience,
  scope: isText,
  iat: isTime,
  nbf: isTime,
  exp: isTime,
  jti: isText,
  client_id: isText,
}

/** Reads claims. An absent `nbf` is `iat`, an absent `scope` is empty: both are optional in RFC 9068. */
export function readClaims(bytes: Uint8Array): Claims {
  const all = readObject(bytes, MEMBERS)
  for (const claim of ['iat', 'iss', 'sub', 'aud', 'exp']) {
    if (!Object.hasOwn(all, claim)) throw new Refusal('missing_claim', { claim })
  }
  const claims = all as unknown as Claims
  return {
    ...claims,
    aud: [claims.aud].flat(),
    scope: claims.scope ?? '',
    nbf: claims.nbf ?? claims.iat,
    all,
  }
}

/** Refuses claims that are not as expected at this time, in seconds since 1970-01-01T00:00:00Z. */
export function judge(claims: Claims, expected: Expected, now: number): void {
  if (!expected.issuers.includes(claims.iss)) throw new Refusal('wrong_issuer')
  if (!claims.aud.some((audience) => expected.audiences.includes(audience)))
    throw new Refusal('wrong_audience')
  const earliest = now - expected.clockTolerance
  const latest = now + expected.clockTolerance
  // RFC 7519 section 4.1.4: "on or after".
  if (claims.exp <= earliest) throw new Refusal('expired')
  if (claims.nbf > latest || claims.iat > latest) throw new Refusal('not_yet_valid')
  if (expected.maxAge !== undefined && claims.iat < earliest - expected.maxAge) throw new Refusal('too_old')
}
