/** Public keys from a JWK set (RFC 7517), and checking a signature with one. */

import type { CryptoKey, JWK } from 'jose'
import { compactVerify } from 'jose/jws/compact/verify'
import { importJWK } from 'jose/key/import'
import { Refusal } from '../refusal.js'
import { decode, encode } from './base64url.js'

/**
 * The algorithms. There is no symmetric one and no `none`: whoever can check a token must not be able to make one.
 */
export type Algorithm = 'RS256' | 'ES256' | 'EdDSA'

/** Fewest and most bits of an RSA modulus (RFC 7518 section 3.3; more is a way to keep us busy). */
const RSA_BITS = [2048, 8192] as const

/** The algorithm of a name in a header or a key; `Ed25519` is the newer one of RFC 9864 section 2.2. */
export function algorithmOf(name: unknown): Algorithm | undefined {
  if (name === 'Ed25519') return 'EdDSA'
  return name === 'RS256' || name === 'ES256' || name === 'EdDSA' ? name : undefined
}

/**
 * A key, which serves its own algorithm and no other (RFC 8725 section 3.1). One that cannot be used stays in the set, so that
 * the refusal can say so and nobody fetches the set again in vain.
 */
export class VerifyingKey {
  #imported: CryptoKey | undefined

  constructor(
    readonly keyId: string,
    readonly algorithm: Algorithm,
    private readonly jwk: JWK | undefined,
  ) {}

  /** The claims of a token that this key signed; a token of another signature is refused. */
  async open(token: string): Promise<Uint8Array> {
    const key = (this.#imported ??= await this.#import())
    try {
      return (await compactVerify(token, key)).payload
    } catch (error) {
      // jose reads the claims' encoding after the signature, so that this fault is the signer's own.
      const misspelt = (error as { code?: unknown }).code === 'ERR_JWS_INVALID' && /^[ -~]*$/.test(token)
      throw new Refusal(misspelt ? 'malformed' : 'bad_signature')
    }
  }

  async #import(): Promise<CryptoKey> {
    try {
      if (this.jwk) return (await importJWK(this.jwk, this.algorithm)) as CryptoKey
    } catch {
      // A point off the curve, for one.
    }
    throw new Refusal('unusable_key', { keyId: this.keyId })
  }
}

/** The keys of a set by their id. Keys share an id only when their algorithms differ (RFC 7517 section 4.5). */
export type KeySet = ReadonlyMap<string, readonly VerifyingKey[]>

/**
 * Reads a JWK set; `undefined` when it is none. A key of another kind or use, or one with broken members, is left out
 * (RFC 7517 section 5): one strange key does not take the others down.
 */
export function readKeySet(set: unknown): KeySet | undefined {
  const list = (Object(set) as { keys?: unknown }).keys
  if (!Array.isArray(list)) return undefined
  const keys = new Map<string, VerifyingKey[]>()
  for (const jwk of list) {
    const key = readKey((Object(jwk) === jwk ? jwk : {}) as Record<string, unknown>)
    if (key) keys.set(key.keyId, [...(keys.get(key.keyId) ?? []), key])
  }
  return keys
}

function readKey(jwk: Record<string, unknown>): VerifyingKey | undefined {
  const { kty, crv, kid, alg, use, key_ops: operations } = jwk
  const algorithm = kty === 'RSA' ? 'RS256' : KINDS.get(`${String(kty)} ${String(crv)}`)
  const isOurs =
    typeof kid === 'string' &&
    (use ?? 'sig') === 'sig' &&
    (operations == null || (Array.isArray(operations) && operations.includes('verify'))) &&
    (alg == null || algorithmOf(alg) === algorithm)
  if (!algorithm || !isOurs) return undefined

  if (algorithm === 'RS256') {
    const [n, e] = [number(jwk['n']), number(jwk['e'])]
    if (!n || !e) return undefined
    return new VerifyingKey(
      kid,
      algorithm,
      isStrong(n, e) ? { kty: 'RSA', n: encode(n), e: encode(e) } : undefined,
    )
  }
  const [x, y] = [coordinate(jwk['x']), coordinate(jwk['y'])]
  if (!x || (algorithm === 'ES256' && !y)) return undefined
  return new VerifyingKey(kid, algorithm, { kty: kty as string, crv: crv as string, x, ...(y && { y }) })
}

const KINDS = new Map<string, Algorithm>([
  ['EC P-256', 'ES256'],
  ['OKP Ed25519', 'EdDSA'],
])

/** A whole number without leading zeros, which RFC 7518 section 6.3.1.1 forbids and some write. */
function number(text: unknown): Uint8Array | undefined {
  const bytes = typeof text === 'string' ? decode(text) : undefined
  const start = bytes?.findIndex((byte) => byte !== 0) ?? -1
  return start < 0 ? undefined : bytes!.subarray(start)
}

/** A coordinate: always the full length, leading zeros included (RFC 7518 section 6.2.1.2). */
function coordinate(text: unknown): string | undefined {
  return typeof text === 'string' && decode(text)?.length === 32 ? text : undefined
}

/** Whether an RSA key is worth believing. With an exponent of 1 everyone can sign. */
function isStrong(n: Uint8Array, e: Uint8Array): boolean {
  const bits = n.length * 8 - Math.clz32(n[0]!) + 24
  const odd = (e.at(-1)! & 1) === 1 && (e.length > 1 || e[0]! > 1)
  return bits >= RSA_BITS[0] && bits <= RSA_BITS[1] && odd && e.length <= 4
}
