/**
 * Check an access token.
 *
 * @module
 */

import { ConfigurationError } from './configuration-error.js'
import type { Identity } from './identity.js'
import { isBase64url } from './lib/base64url.js'
import { type Claims, judge, readClaims } from './lib/claims.js'
import { readKeySet } from './lib/jwk.js'
import { type Keys, RemoteKeys, fixedKeys } from './lib/keys.js'
import { baseUrl, environment, httpUrl, setting } from './lib/settings.js'
import { readHeader } from './lib/token-header.js'
import { Refusal } from './refusal.js'
import { satisfies, scopesOf } from './scopes.js'

/** Checks tokens. Anything of this shape does where a verifier is wanted. */
export interface Verifier {
  /**
   * Checks a token and answers who is calling.
   *
   * No claim is believed before the signature is known to be right.
   *
   * @param token - the token, without `Bearer`
   * @param options - `scopes` that the token must have, all of them
   * @throws `Refusal` with the first reason found
   */
  verify(token: string, options?: { scopes?: readonly string[] | undefined }): Promise<Identity>
}

/**
 * The two forms in which a server of Countersign issues tokens: `stytch` (type `JWT`, issuer `stytch.com/<project>`)
 * and `standard` (type `at+jwt` of RFC 9068, the issuer is a URL).
 */
export type Profile = 'stytch' | 'standard'

/** The type of a token as its header says (RFC 8725 section 3.11). */
export type TokenType = 'JWT' | 'at+jwt'

/** A JWK set (RFC 7517 section 5). */
export interface JsonWebKeySet {
  /** The keys. */
  keys: readonly object[]
}

/** What every verifier can be told. */
export interface CommonVerifierOptions {
  /** For whom a token may be, one or several; else `COUNTERSIGN_AUDIENCE`. */
  audience?: string | readonly string[] | undefined
  /** The keys, instead of fetching them: for tests, and for services without a way to the issuer. */
  keys?: JsonWebKeySet | undefined
  /** By how many seconds the clocks of issuer and service may differ; 0. */
  clockTolerance?: number | undefined
  /** How many seconds ago a token may have been issued at most; without, its `exp` alone decides. */
  maxAge?: number | undefined
  /** How many seconds keys are used after their last good fetch, when the issuer is away; 86,400. */
  keysUsableFor?: number | undefined
  /** The claim that holds the scopes, as a text or an array of texts; `scope`. */
  scopeClaim?: string | undefined
  /** What sends requests; the runtime's `fetch`. */
  fetch?: typeof globalThis.fetch | undefined
  /** Time and chance, for tests. */
  clock?: VerifierClock | undefined
}

/** Time and chance, as the verifier needs them. */
export interface VerifierClock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now: () => number
  /** A number from 0 to 1, without 1. */
  random: () => number
}

/** Tokens of a Countersign server, or of Stytch itself. The audience is the project unless something else is said. */
export interface CountersignVerifierOptions extends CommonVerifierOptions {
  /** The server's base URL; else `COUNTERSIGN_URL`. */
  url?: string | undefined
  /** The project; else `COUNTERSIGN_PROJECT_ID`. */
  projectId?: string | undefined
  /** The profiles to accept; both. */
  profiles?: readonly Profile[] | undefined
  /** The URL by which the server calls itself in its tokens, when `url` is another way to it. */
  publicUrl?: string | undefined
  /** Follows from the project; with another one, this is `IssuerVerifierOptions`. */
  issuer?: undefined
}

/** Tokens of any other issuer. */
export interface IssuerVerifierOptions extends CommonVerifierOptions {
  /** The issuer, to the letter; or several that share their keys. */
  issuer: string | readonly string[]
  /** Where the issuer has its JWK set. */
  jwksUrl?: string | undefined
  /** The types to accept; both. */
  types?: readonly TokenType[] | undefined
}

/** Options of `verifier`. */
export type VerifierOptions = CountersignVerifierOptions | IssuerVerifierOptions

const SYSTEM_CLOCK: VerifierClock = { now: () => Date.now(), random: () => Math.random() }

/** An issuer with everything that belongs to it: a token of one is never judged by what is another's. */
interface Realm {
  types: readonly string[]
  issuers: readonly string[]
  audiences: readonly string[]
  keys: Keys
}

/**
 * A verifier for tokens of one project, or of any other issuer.
 *
 * Keys are fetched when first needed and kept; a check then needs no network. They are fetched anew in the background when
 * they are older than five minutes (after ten without a token, the next one waits for them), and once when a token names an unknown key, at most twice a minute. While the issuer
 * is away, the keys held are used for `keysUsableFor`.
 *
 * @example
 * ```ts
 * import { tokenSource } from '@countersign/sdk/token-source'
 * import { verifier } from '@countersign/sdk/verifier'
 *
 * // Reads COUNTERSIGN_URL and COUNTERSIGN_PROJECT_ID.
 * const tokens = verifier()
 *
 * const caller = await tokens.verify(await tokenSource().token())
 * console.log(caller.clientId, caller.scopes)
 * ```
 *
 * @example Tokens of another issuer
 * ```ts no-run: there is no such issuer
 * import { verifier } from '@countersign/sdk/verifier'
 *
 * const tokens = verifier({
 *   issuer: 'https://example.eu.auth0.com/',
 *   jwksUrl: 'https://example.eu.auth0.com/.well-known/jwks.json',
 *   audience: 'https://api.example.com',
 * })
 * await tokens.verify('eyJ…', { scopes: ['read:users'] })
 * ```
 *
 * @throws `ConfigurationError` when a setting is missing
 */
export function verifier(options: VerifierOptions = {}): Verifier {
  const realms = options.issuer === undefined ? ofCountersign(options) : ofIssuer(options)
  const expected = {
    clockTolerance: seconds('clockTolerance', options.clockTolerance) ?? 0,
    maxAge: seconds('maxAge', options.maxAge),
  }
  const { now } = options.clock ?? SYSTEM_CLOCK
  return {
    async verify(token, { scopes } = {}) {
      const header = readHeader(token)
      const realm = realms.find(({ types }) => types.includes(header.type ?? ''))
      if (!realm) throw new Refusal('wrong_type')
      if (!isBase64url(header.signature)) throw new Refusal('malformed')
      const { keyId, algorithm } = header
      const key = (await realm.keys.find(keyId)).find((key) => key.algorithm === algorithm)
      if (!key) throw new Refusal('algorithm_mismatch', { keyId })

      const opened = await key.open(token)
      if (!isBase64url(header.claims)) throw new Refusal('malformed')
      const claims = readClaims(opened)
      judge(claims, { ...realm, ...expected }, Math.floor(now() / 1000))
      const identity = identityOf(claims, options.scopeClaim)
      if (scopes && !scopes.every((scope) => satisfies(identity.scopes, scope))) {
        throw new Refusal('missing_scope', { scopes })
      }
      return identity
    },
  }
}

function ofCountersign(options: CountersignVerifierOptions): Realm[] {
  const projectId = setting('projectId', 'COUNTERSIGN_PROJECT_ID', options.projectId)
  const url = baseUrl('url', setting('url', 'COUNTERSIGN_URL', options.url))
  const publicUrl = baseUrl('publicUrl', options.publicUrl ?? url)
  const audiences = listed('audience', options.audience ?? (environment('COUNTERSIGN_AUDIENCE') || projectId))
  const project = encodeURIComponent(projectId)
  const realms: Record<Profile, () => Realm> = {
    stytch: () => ({
      types: ['jwt'],
      issuers: [`stytch.com/${projectId}`],
      audiences,
      keys: keysOf(options, `${url}/v1/sessions/jwks/${project}`),
    }),
    standard: () => ({
      types: ['at+jwt'],
      issuers: [`${publicUrl}/v1/public/${projectId}`],
      audiences,
      keys: keysOf(options, `${url}/v1/public/${project}/jwks.json`),
    }),
  }
  return listed('profiles', options.profiles ?? (['stytch', 'standard'] as const)).map((profile) => {
    const realm = Object.hasOwn(realms, profile) && realms[profile]
    if (!realm) throw invalid('profiles', 'are stytch and standard')
    return realm()
  })
}

function ofIssuer(options: IssuerVerifierOptions): Realm[] {
  const given = options.audience ?? environment('COUNTERSIGN_AUDIENCE')
  if (!given) {
    // Without it, a token for any other service of that issuer would open this one.
    throw new ConfigurationError('missing_configuration', 'audience', 'COUNTERSIGN_AUDIENCE', 'is missing')
  }
  if (!options.jwksUrl && !options.keys) {
    throw new ConfigurationError(
      'missing_configuration',
      'jwksUrl',
      undefined,
      'is missing, and so are "keys"',
    )
  }
  return [
    {
      types: listed('types', options.types ?? (['JWT', 'at+jwt'] as const)).map((type) => type.toLowerCase()),
      issuers: listed('issuer', options.issuer),
      audiences: listed('audience', given),
      keys: keysOf(options, options.jwksUrl ?? ''),
    },
  ]
}

function keysOf(options: CommonVerifierOptions, url: string): Keys {
  if (options.keys) {
    const keys = readKeySet(options.keys)
    if (!keys) throw invalid('keys', 'are no JWK set')
    return fixedKeys(keys)
  }
  return new RemoteKeys({
    url: httpUrl('jwksUrl', url),
    usableFor: (seconds('keysUsableFor', options.keysUsableFor) ?? 86_400) * 1000,
    fetch: ((...call) => (options.fetch ?? globalThis.fetch)(...call)) as typeof fetch,
    ...(options.clock ?? SYSTEM_CLOCK),
  })
}

function identityOf(claims: Claims, scopeClaim: string | undefined): Identity {
  const { iss, sub, aud, iat, exp, jti, client_id: clientId, all } = claims
  const scope =
    scopeClaim && Object.hasOwn(all, scopeClaim) ? all[scopeClaim] : scopeClaim ? '' : claims.scope
  return {
    clientId: clientId ?? sub,
    subject: sub,
    scopes: Array.isArray(scope)
      ? scope.filter((each): each is string => typeof each === 'string')
      : scopesOf(String(scope)),
    issuer: iss,
    audience: aud,
    issuedAt: iat,
    expiresAt: exp,
    ...(jti !== undefined && { tokenId: jti }),
    claims: all,
  }
}

function listed<T extends string>(option: string, value: T | readonly T[]): readonly T[] {
  const list = [value].flat() as T[]
  // An empty one would never, or worse, always be met.
  if (!list.length || list.some((each) => !each)) throw invalid(option, 'is empty')
  return list
}

function seconds(option: string, value: number | undefined): number | undefined {
  if (value !== undefined && !(value >= 0 && value < Infinity))
    throw invalid(option, 'is not a number of seconds')
  return value
}

function invalid(option: string, fault: string): ConfigurationError {
  return new ConfigurationError('invalid_configuration', option, undefined, fault)
}
