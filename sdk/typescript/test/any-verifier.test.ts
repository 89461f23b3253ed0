// Several issuers at one door.
import { describe, expect, expectTypeOf, test } from 'vitest'
import { anyVerifier } from '../src/any-verifier.js'
import { authenticated } from '../src/hono.js'
import { Refusal, type RefusalCode } from '../src/refusal.js'
import { type Verifier, verifier } from '../src/verifier.js'
import { NOW, PROJECT, Signer, URL_, failure, recorder, testClock, verdict } from './support.js'

const ours = new Signer('jwk-ours')
const theirs = new Signer('jwk-theirs')
const THEIRS = { iss: 'https://other.example', aud: 'api' }
const of = (signer: Signer, server = recorder(() => Response.json({ keys: [signer.jwk] }))) =>
  signer === ours
    ? verifier({ url: URL_, projectId: PROJECT, clock: testClock(), fetch: server.fetch })
    : verifier({
        issuer: THEIRS.iss,
        audience: THEIRS.aud,
        jwksUrl: 'https://other.example/jwks',
        clock: testClock(),
        fetch: server.fetch,
      })

/** A verifier that says one thing, and what it was asked. */
function saying(code: RefusalCode, details = {}) {
  const asked: unknown[] = []
  const verify: Verifier['verify'] = async (...question) => {
    asked.push(question)
    throw new Refusal(code, details)
  }
  return { verify, asked }
}

describe('anyVerifier', () => {
  test('takes tokens of each of its issuers, in any order, and passes the scopes on', async () => {
    for (const tokens of [anyVerifier(of(ours), of(theirs)), anyVerifier(of(theirs), of(ours))]) {
      expect((await tokens.verify(ours.token())).issuer).toBe(`stytch.com/${PROJECT}`)
      expect((await tokens.verify(theirs.token(THEIRS), { scopes: ['read:users'] })).issuer).toBe(THEIRS.iss)
      for (const token of [ours.token(), theirs.token(THEIRS)]) {
        expect(await verdict(tokens.verify(token, { scopes: ['admin:all'] }))).toBe('missing_scope')
      }
      expect(await verdict(tokens.verify(new Signer('jwk-x').token()))).toBe('unknown_key')
      // The key of the one does not do for the issuer of the other.
      expect(await verdict(tokens.verify(theirs.token()))).not.toBe('good')
    }
  })

  test.each<RefusalCode>(['wrong_issuer', 'unknown_key', 'wrong_type', 'keys_unavailable'])(
    'asks the next one after %s',
    async (code) => {
      expect(await verdict(anyVerifier(saying(code), of(ours)).verify(ours.token()))).toBe('good')
    },
  )

  test.each<RefusalCode>([
    'oversize',
    'malformed',
    'duplicate_member',
    'unsupported_algorithm',
    'critical_header',
    'missing_key_id',
    'algorithm_mismatch',
    'unusable_key',
    'bad_signature',
    'missing_claim',
    'wrong_audience',
    'expired',
    'not_yet_valid',
    'too_old',
    'missing_token',
    'missing_scope',
  ])('%s is the last word', async (code) => {
    const next = saying('wrong_type')
    expect(await verdict(anyVerifier(saying(code), next).verify('x'))).toBe(code)
    expect(next.asked).toEqual([])
  })

  test('what is no refusal is thrown on', async () => {
    const next = saying('wrong_type')
    const broken = { verify: () => Promise.reject(new TypeError('a bug')) }
    expect((await failure(anyVerifier(broken, next).verify('x'))).message).toBe('a bug')
    expect(next.asked).toEqual([])
  })

  test('every one is asked the same', async () => {
    const asked = [saying('wrong_type'), saying('unknown_key'), saying('wrong_issuer')] as const
    await failure(anyVerifier(...asked).verify('token', { scopes: ['a'] }))
    for (const each of asked) expect(each.asked).toEqual([['token', { scopes: ['a'] }]])
  })

  test.each<[RefusalCode[], RefusalCode]>([
    [['wrong_type', 'unknown_key', 'wrong_issuer'], 'wrong_issuer'],
    [['unknown_key', 'wrong_type'], 'unknown_key'],
    [['keys_unavailable', 'wrong_issuer', 'wrong_type'], 'keys_unavailable'],
    [['wrong_issuer', 'keys_unavailable'], 'keys_unavailable'],
    [['keys_unavailable', 'expired'], 'expired'],
  ])('of %j the outcome is %s', async (codes, outcome) => {
    const [first, ...others] = codes.map((code) => saying(code, { retryAfter: 7 }))
    const error = await failure<Refusal>(anyVerifier(first!, ...others).verify('x'))
    expect([error.code, error.retryAfter]).toEqual([outcome, 7])
  })

  test('an issuer that is away does not shut out those of another', async () => {
    const away = recorder(() => new Response('', { status: 502 }))
    const tokens = anyVerifier(of(ours, away), of(theirs))
    expect(await verdict(tokens.verify(theirs.token(THEIRS)))).toBe('good')
    expect(await verdict(tokens.verify(theirs.token({ ...THEIRS, exp: NOW })))).toBe('expired')
    expect(await verdict(tokens.verify(ours.token()))).toBe('keys_unavailable')
  })

  test('is a verifier wherever one is wanted', () => {
    expectTypeOf(anyVerifier).returns.toEqualTypeOf<Verifier>()
    expect(authenticated(anyVerifier(of(ours), of(theirs)))).toBeTypeOf('function')
  })
})
