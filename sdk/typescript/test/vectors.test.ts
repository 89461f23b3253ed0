// The corpus that every SDK must judge alike, written by crates/token.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type JsonWebKeySet, type TokenType, verifier } from '../src/verifier.js'
import { verdict } from './support.js'

interface Corpus {
  now: number
  issuer: string
  audience: string
  jwks: JsonWebKeySet
  cases: {
    name: string
    token: string
    code?: string
    claims?: Record<string, unknown>
    types?: TokenType[]
    leeway_seconds?: number
    max_age_seconds?: number
  }[]
}

const corpus = JSON.parse(
  readFileSync(new URL('../../vectors/tokens.json', import.meta.url), 'utf8'),
) as Corpus

describe('the corpus', () => {
  test('has good and bad tokens', () => {
    expect(corpus.cases.filter(({ code }) => !code).length).toBeGreaterThan(5)
    expect(corpus.cases.filter(({ code }) => code).length).toBeGreaterThan(100)
  })

  test.each(corpus.cases)(
    '$name',
    async ({ token, code, claims, types, leeway_seconds, max_age_seconds }) => {
      const tokens = verifier({
        issuer: corpus.issuer,
        audience: corpus.audience,
        keys: corpus.jwks,
        types: types ?? ['JWT'],
        clockTolerance: leeway_seconds,
        maxAge: max_age_seconds,
        clock: { now: () => corpus.now * 1000, random: () => 0 },
      })
      expect(await verdict(tokens.verify(token))).toBe(code ?? 'good')
      if (code) return
      const identity = await tokens.verify(token)
      const { iss, sub, aud, scope, iat, exp } = claims as Record<string, never>
      expect(identity).toMatchObject({
        clientId: sub,
        subject: sub,
        issuer: iss,
        audience: [aud].flat(),
        scopes: String(scope ?? '')
          .split(' ')
          .filter(Boolean),
        issuedAt: iat,
        expiresAt: exp,
      })
    },
  )
})
