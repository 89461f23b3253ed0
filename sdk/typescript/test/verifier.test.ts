// What a verifier is told, and what it says. The forms of bad tokens are in vectors.test.ts.
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../src/refusal.js'
import { verifier, type VerifierOptions } from '../src/verifier.js'
import { ISSUER, NOW, PROJECT, Signer, URL_, failure, testClock, verdict } from './support.js'

const signer = new Signer('jwk-1')
const fixed = { keys: { keys: [signer.jwk] }, clock: testClock() }
const ours = { url: URL_, projectId: PROJECT, ...fixed }
const standardIssuer = `${URL_}/v1/public/${PROJECT}`
const judge = (token: string, options: VerifierOptions = {}) =>
  verdict(verifier({ ...ours, ...options } as VerifierOptions).verify(token))

describe('profiles', () => {
  const stytch = signer.token()
  const standard = signer.token({ iss: standardIssuer, jti: 'j', client_id: 'c' }, { typ: 'at+jwt' })
  const mixed = [signer.token({ iss: standardIssuer }), signer.token({}, { typ: 'at+jwt' })]

  test('both are accepted, and each type with its own issuer alone', async () => {
    expect(await judge(stytch)).toBe('good')
    expect(await judge(standard)).toBe('good')
    for (const token of mixed) expect(await judge(token)).toBe('wrong_issuer')
  })

  test('one can be left out', async () => {
    expect(await judge(standard, { profiles: ['stytch'] })).toBe('wrong_type')
    expect(await judge(stytch, { profiles: ['standard'] })).toBe('wrong_type')
    expect(await judge(stytch, { profiles: ['stytch'] })).toBe('good')
    expect(await judge(standard, { profiles: ['standard'] })).toBe('good')
  })

  test('the server may call itself by another URL', async () => {
    const token = signer.token({ iss: `https://public.example/v1/public/${PROJECT}` }, { typ: 'at+jwt' })
    expect(await judge(token)).toBe('wrong_issuer')
    expect(await judge(token, { publicUrl: 'https://public.example/' })).toBe('good')
  })

  test('what a good token says', async () => {
    expect(await verifier(ours).verify(standard)).toEqual({
      clientId: 'c',
      subject: 'm2m-client-test-1',
      scopes: ['read:users', 'write:*'],
      issuer: standardIssuer,
      audience: [PROJECT],
      issuedAt: NOW,
      expiresAt: NOW + 3600,
      tokenId: 'j',
      claims: expect.objectContaining({ scope: 'read:users write:*', nbf: NOW }),
    })
    expect(await verifier(ours).verify(stytch)).toMatchObject({ clientId: 'm2m-client-test-1' })
  })
})

describe('audience, age and tolerance', () => {
  test('the gateway has its own audience, and several may be accepted', async () => {
    const token = signer.token({ aud: [`${URL_}/gateway`] })
    expect(await judge(token)).toBe('wrong_audience')
    expect(await judge(token, { audience: `${URL_}/gateway` })).toBe('good')
    expect(await judge(token, { audience: [PROJECT, `${URL_}/gateway`] })).toBe('good')
    expect(await judge(signer.token(), { audience: `${URL_}/gateway` })).toBe('wrong_audience')
  })

  test.each<[object, VerifierOptions, string]>([
    [{ exp: NOW + 1 }, {}, 'good'],
    [{ exp: NOW }, {}, 'expired'],
    [{ exp: NOW - 59 }, { clockTolerance: 60 }, 'good'],
    [{ exp: NOW - 60 }, { clockTolerance: 60 }, 'expired'],
    [{ iat: NOW + 1 }, {}, 'not_yet_valid'],
    [{ nbf: NOW + 61 }, { clockTolerance: 60 }, 'not_yet_valid'],
    [{ iat: NOW + 60, nbf: NOW + 60 }, { clockTolerance: 60 }, 'good'],
    [{ iat: NOW - 300 }, { maxAge: 300 }, 'good'],
    [{ iat: NOW - 301 }, { maxAge: 300 }, 'too_old'],
    [{ iat: NOW - 310 }, { maxAge: 300, clockTolerance: 10 }, 'good'],
  ])('%j with %j is %s', async (claims, options, code) => {
    expect(await judge(signer.token(claims), options)).toBe(code)
  })

  test.each([
    ['9223372036854775807', 'good'],
    ['9223372036854775808', 'malformed'],
    ['-9223372036854775808', 'expired'],
    ['-9223372036854775809', 'malformed'],
    ['1900000000.0', 'malformed'],
    ['19e8', 'malformed'],
    ['-0', 'malformed'],
  ])('exp %s is %s', async (exp, code) => {
    const claims = JSON.stringify({ iss: ISSUER, sub: 's', aud: PROJECT, iat: NOW }).slice(0, -1)
    expect(await judge(signer.token(`${claims},"exp":${exp}}`))).toBe(code)
  })
})

describe('scopes', () => {
  test('all that are needed must be there, and what is missing is said', async () => {
    const tokens = verifier(ours)
    const token = signer.token()
    await tokens.verify(token, { scopes: ['read:users', 'write:books'] })
    await tokens.verify(token, { scopes: [] })
    const error = await failure<Refusal>(tokens.verify(token, { scopes: ['read:users', 'read:books'] }))
    expect(error).toMatchObject({ code: 'missing_scope', scopes: ['read:users', 'read:books'] })
    expect(await verdict(tokens.verify(token, { scopes: [''] }))).toBe('missing_scope')
  })

  test('a bad token is refused for what it is before its scopes matter', async () => {
    const expired = signer.token({ exp: NOW, scope: '' })
    expect(await verdict(verifier(ours).verify(expired, { scopes: ['read:users'] }))).toBe('expired')
  })

  test.each([
    [{ scp: ['read:users', 7, 'write:users'] }, ['read:users', 'write:users']],
    [{ scp: 'read:users write:users' }, ['read:users', 'write:users']],
    [{}, []],
  ])('another claim may hold them: %j', async (claims, scopes) => {
    const identity = await verifier({ ...ours, scopeClaim: 'scp' }).verify(signer.token(claims))
    expect(identity.scopes).toEqual(scopes)
  })
})

describe('another issuer', () => {
  const theirs = { issuer: 'https://issuer.example/', audience: 'https://api.example', ...fixed }
  const claims = { iss: 'https://issuer.example/', aud: 'https://api.example' }

  test('both types are accepted unless one is said', async () => {
    for (const typ of ['JWT', 'at+jwt'] as const) {
      const token = signer.token(claims, { typ })
      expect(await verdict(verifier(theirs).verify(token))).toBe('good')
      expect(
        await verdict(verifier({ ...theirs, types: [typ === 'JWT' ? 'at+jwt' : 'JWT'] }).verify(token)),
      ).toBe('wrong_type')
    }
    expect(await verdict(verifier(theirs).verify(signer.token()))).toBe('wrong_issuer')
  })

  test('its address of keys is used to the letter', async () => {
    const asked: string[] = []
    const fetch = (async (url: string) => {
      asked.push(url)
      return Response.json({ keys: [signer.jwk] })
    }) as typeof globalThis.fetch
    const { issuer, audience, clock } = theirs
    const tokens = verifier({
      issuer,
      audience,
      clock,
      fetch,
      jwksUrl: 'https://issuer.example/keys/?p=policy',
    })
    expect(await verdict(tokens.verify(signer.token(claims)))).toBe('good')
    expect(asked).toEqual(['https://issuer.example/keys/?p=policy'])
  })

  test('audience and keys must be said', () => {
    expect(() => verifier({ issuer: 'i', keys: { keys: [] } })).toThrow(
      expect.objectContaining({ option: 'audience' }),
    )
    expect(() => verifier({ issuer: 'i', audience: 'a' })).toThrow(
      expect.objectContaining({ option: 'jwksUrl' }),
    )
  })
})

describe('settings', () => {
  test.each<[string, VerifierOptions]>([
    ['projectId', { url: URL_ }],
    ['url', { projectId: PROJECT }],
    ['url', { ...ours, url: 'auth.example' }],
    ['audience', { ...ours, audience: '' }],
    ['audience', { ...ours, audience: [] }],
    ['profiles', { ...ours, profiles: [] }],
    ['profiles', { ...ours, profiles: ['toString' as 'stytch'] }],
    ['keys', { ...ours, keys: {} as { keys: [] } }],
    ['clockTolerance', { ...ours, clockTolerance: -1 }],
    ['clockTolerance', { ...ours, clockTolerance: Infinity }],
    ['maxAge', { ...ours, maxAge: NaN }],
    ['keysUsableFor', { url: URL_, projectId: PROJECT, keysUsableFor: -1 }],
    ['issuer', { ...fixed, issuer: [], audience: 'a' }],
  ])('%s', (option, options) => {
    expect(() => verifier(options)).toThrow(expect.objectContaining({ name: 'ConfigurationError', option }))
  })
})

describe('a refusal', () => {
  test('cannot break a line of a log, and holds no token and no claim', async () => {
    const kid = 'a\nb\u001b[31m\u2028\u009b'
    const token = signer.token({ sub: 'sub-of-this-test' }, { kid })
    const error = await failure<Refusal>(verifier(ours).verify(token))
    expect(error.message).toBe('the key of the token is unknown: "a\\nb\\u001b[31m\\u2028\\u009b"')
    const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)
    expect(shown).not.toContain('sub-of-this-test')
    for (const part of token.split('.')) expect(shown).not.toContain(part)
  })

  test('of what is no text at all', async () => {
    for (const token of [undefined, null, 7, {}, []]) expect(await judge(token as string)).toBe('malformed')
  })
})
