// How a verifier comes to its keys.
import { describe, expect, test } from 'vitest'
import { verifier, type CountersignVerifierOptions } from '../src/verifier.js'
import { refusalAnswer } from '../src/bearer.js'
import type { Refusal } from '../src/refusal.js'
import { NOW, PROJECT, Signer, URL_, failure, recorder, testClock, verdict } from './support.js'

const MINUTE = 60_000

function arrange(
  answer: (request: Request, count: number) => Response | Promise<Response>,
  options: Partial<CountersignVerifierOptions> = {},
) {
  const clock = testClock()
  const server = recorder(answer)
  const tokens = verifier({ url: URL_, projectId: PROJECT, fetch: server.fetch, clock, ...options })
  const settle = async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  return { clock, server, tokens, settle }
}

const first = new Signer('jwk-1')
const second = new Signer('jwk-2')
const stranger = new Signer('jwk-stranger')
const setOf = (...signers: Signer[]) => Response.json({ keys: signers.map(({ jwk }) => jwk) })
/** Good for the whole of a test that lasts for days. */
const LONG = { exp: NOW + 10 * 86_400 }

describe('fetching', () => {
  test('is done by the first check, once for all, from the address of the profile', async () => {
    const { server, tokens } = arrange(() => setOf(first))
    expect(server.requests).toHaveLength(0)
    const token = first.token()
    expect(await Promise.all(Array.from({ length: 100 }, () => verdict(tokens.verify(token))))).toEqual(
      Array(100).fill('good'),
    )
    expect(server.requests.map(({ url, redirect }) => [url, redirect])).toEqual([
      [`${URL_}/v1/sessions/jwks/${PROJECT}`, 'manual'],
    ])
    const standard = first.token({ iss: `${URL_}/v1/public/${PROJECT}` }, { typ: 'at+jwt' })
    expect(await verdict(tokens.verify(standard))).toBe('good')
    expect(server.requests[1]!.url).toBe(`${URL_}/v1/public/${PROJECT}/jwks.json`)
  })

  test('a token that cannot be good causes none', async () => {
    const { server, tokens } = arrange(() => setOf(first))
    expect(await verdict(tokens.verify('a.b.c'))).toBe('malformed')
    expect(await verdict(tokens.verify(first.token({}, { typ: 'dpop+jwt' })))).toBe('wrong_type')
    expect(server.requests).toHaveLength(0)
  })

  test('a set older than five minutes is fetched anew while it is used', async () => {
    let answer!: (response: Response) => void
    const { server, tokens, clock, settle } = arrange((_, count) =>
      count === 2 ? new Promise((resolve) => (answer = resolve)) : setOf(count === 1 ? first : second),
    )
    await tokens.verify(first.token())
    clock.time += 5 * MINUTE
    await tokens.verify(first.token())
    expect(server.requests).toHaveLength(1)
    clock.time += 1
    for (let check = 0; check < 3; check++) expect(await verdict(tokens.verify(first.token()))).toBe('good')
    expect(server.requests).toHaveLength(2)
    answer(setOf(second))
    await settle()
    expect(await verdict(tokens.verify(second.token()))).toBe('good')
    expect(await verdict(tokens.verify(first.token()))).toBe('unknown_key')
  })
})

describe('after a quiet time', () => {
  test('a key withdrawn overnight opens nothing in the morning', async () => {
    const { server, tokens, clock } = arrange((_, count) => setOf(count === 1 ? first : second))
    await tokens.verify(first.token(LONG))
    clock.time += 10 * MINUTE + 1
    expect(await Promise.all([1, 2, 3].map(() => verdict(tokens.verify(first.token(LONG)))))).toEqual(
      Array(3).fill('unknown_key'),
    )
    expect(await verdict(tokens.verify(second.token(LONG)))).toBe('good')
    expect(server.requests.length).toBeLessThanOrEqual(3) // The unknown key may cause one of its own.
  })

  test('up to then, nobody waits', async () => {
    const { tokens, clock } = arrange((_, count) => (count === 1 ? setOf(first) : new Promise(() => {})))
    await tokens.verify(first.token(LONG))
    clock.time += 10 * MINUTE
    expect(await verdict(tokens.verify(first.token(LONG)))).toBe('good')
  })

  test('the first token waits for an issuer that is away, and the next ones do not', async () => {
    const { server, tokens, clock } = arrange((_, count) => {
      if (count === 1) return setOf(first)
      return count === 2 ? new Response('', { status: 502 }) : new Promise(() => {})
    })
    await tokens.verify(first.token(LONG))
    clock.time += 60 * MINUTE
    expect(await verdict(tokens.verify(first.token(LONG)))).toBe('good')
    clock.time += MINUTE
    expect(await verdict(tokens.verify(first.token(LONG)))).toBe('good')
    expect(server.requests).toHaveLength(3)
  })
})

describe('an unknown key', () => {
  test('is fetched at once after a rotation', async () => {
    const keys = [first]
    const { server, tokens } = arrange(() => setOf(...keys))
    await tokens.verify(first.token())
    keys.push(second)
    expect(await Promise.all([1, 2, 3].map(() => verdict(tokens.verify(second.token()))))).toEqual([
      'good',
      'good',
      'good',
    ])
    expect(server.requests).toHaveLength(2)
  })

  test('a thousand different ones cause one fetch in half a minute', async () => {
    const { server, tokens, clock } = arrange(() => setOf(first))
    await tokens.verify(first.token())
    const strange = (count: number, prefix: string) =>
      Array.from({ length: count }, (_, index) =>
        verdict(tokens.verify(stranger.token({}, { kid: `${prefix}${index}` }))),
      )
    expect(new Set(await Promise.all(strange(500, 'a')))).toEqual(new Set(['unknown_key']))
    expect(new Set(await Promise.all(strange(500, 'b')))).toEqual(new Set(['unknown_key']))
    expect(server.requests).toHaveLength(2)
    clock.time += 29_999
    await Promise.all(strange(10, 'c'))
    expect(server.requests).toHaveLength(2)
    clock.time += 1
    await Promise.all(strange(10, 'd'))
    expect(server.requests).toHaveLength(3)
  })

  test('is not looked for twice when the very first set lacks it', async () => {
    const { server, tokens } = arrange(() => setOf(first))
    const error = await failure<Refusal>(tokens.verify(stranger.token()))
    expect(error).toMatchObject({ code: 'unknown_key', keyId: 'jwk-stranger' })
    expect(server.requests).toHaveLength(1)
  })

  test('is nobody knows what while the issuer is away', async () => {
    const { tokens } = arrange((_, count) => (count === 1 ? setOf(first) : new Response('', { status: 502 })))
    await tokens.verify(first.token())
    expect(await verdict(tokens.verify(second.token()))).toBe('keys_unavailable')
    expect(await verdict(tokens.verify(first.token()))).toBe('good')
  })
})

describe('an issuer that is away', () => {
  test('keys go on being used for a day, or as long as was said', async () => {
    for (const [option, hours] of [
      [undefined, 24],
      [2 * 3600, 2],
    ] as const) {
      const { server, tokens, clock, settle } = arrange(
        (_, count) => (count === 1 ? setOf(first) : new Response('', { status: 500 })),
        { keysUsableFor: option },
      )
      const token = first.token(LONG)
      await tokens.verify(token)
      const start = clock.time
      for (clock.time += MINUTE; clock.time < start + hours * 60 * MINUTE; clock.time += MINUTE) {
        expect(await verdict(tokens.verify(token))).toBe('good')
        await settle()
      }
      expect(server.requests.length).toBeGreaterThan(10)
      expect(server.requests.length).toBeLessThanOrEqual(hours * 60)
      expect(await verdict(tokens.verify(token))).toBe('keys_unavailable')
    }
  })

  test('is asked again after growing waits, once for all, and says when', async () => {
    let away = true
    const { server, tokens, clock } = arrange(() => (away ? new Response('', { status: 503 }) : setOf(first)))
    const token = first.token()
    const waits: number[] = []
    for (let round = 1; round <= 8; round++) {
      const errors = await Promise.all([1, 2, 3].map(() => failure<Refusal>(tokens.verify(token))))
      expect(errors.map(({ code }) => code)).toEqual(Array(3).fill('keys_unavailable'))
      expect(server.requests).toHaveLength(round)
      waits.push(errors[0]!.retryAfter!)
      clock.time += errors[0]!.retryAfter! * 1000
    }
    expect(waits).toEqual([1, 2, 3, 6, 12, 23, 23, 23])
    away = false
    expect(await verdict(tokens.verify(token))).toBe('good')
  })

  test('its Retry-After is obeyed for a minute at most', async () => {
    for (const [asked, seconds] of [
      ['20', 20],
      ['86400', 60],
    ] as const) {
      const { tokens } = arrange(() => new Response('', { status: 429, headers: { 'retry-after': asked } }))
      expect((await failure<Refusal>(tokens.verify(first.token()))).retryAfter).toBe(seconds)
    }
  })

  test.each<[string, () => Response | Promise<Response>]>([
    ['http_404', () => new Response('', { status: 404 })],
    ['http_203', () => Response.json({ keys: [first.jwk] }, { status: 203 })],
    ['redirected', () => new Response('', { status: 302, headers: { location: 'https://evil.example' } })],
    ['not_a_key_set', () => new Response('<html>')],
    ['not_a_key_set', () => Response.json({ keys: {} })],
    ['too_large', () => new Response(' '.repeat(256 * 1024 + 1))],
    ['timeout', () => Promise.reject(new DOMException('', 'TimeoutError'))],
    ['unreachable', () => Promise.reject(new TypeError('fetch failed'))],
  ])('the refusal says why: %s', async (problem, broken) => {
    const { tokens } = arrange(broken)
    for (let check = 0; check < 2; check++) {
      const refusal = await failure<Refusal>(tokens.verify(first.token()))
      expect(refusal).toMatchObject({ code: 'keys_unavailable', problem })
      expect(refusal.message).toBe(`the keys of the issuer cannot be had (${problem})`)
      // The service's network is none of its callers' business.
      expect(JSON.stringify(refusalAnswer(refusal))).not.toContain(problem)
    }
  })

  test.each<[string, () => Response]>([
    ['a redirect', () => new Response('', { status: 302, headers: { location: 'https://evil.example' } })],
    [
      'a long answer',
      () => new Response(JSON.stringify({ keys: [first.jwk], more: 'x'.repeat(256 * 1024) })),
    ],
    ['no JSON', () => new Response('<html>')],
    ['no set', () => Response.json({ keys: {} })],
    ['an array', () => Response.json([first.jwk])],
    ['null', () => Response.json(null)],
    ['another status', () => Response.json({ keys: [first.jwk] }, { status: 203 })],
  ])('%s is no set, and does not take away the one that is held', async (_, broken) => {
    const empty = arrange(broken)
    expect(await verdict(empty.tokens.verify(first.token()))).toBe('keys_unavailable')
    const { tokens, clock, settle } = arrange((_, count) => (count === 1 ? setOf(first) : broken()))
    await tokens.verify(first.token())
    clock.time += 6 * MINUTE
    for (let check = 0; check < 3; check++) {
      expect(await verdict(tokens.verify(first.token()))).toBe('good')
      await settle()
    }
  })

  test('an answer without end is cut off', async () => {
    let sent = 0
    const endless = new ReadableStream({
      pull(controller) {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536).fill(32))
      },
    })
    const { tokens } = arrange(() => new Response(endless))
    expect(await verdict(tokens.verify(first.token()))).toBe('keys_unavailable')
    expect(sent).toBeLessThan(10 * 65_536)
  })
})

describe('the keys of a set', () => {
  test('a strange one does not take the others down', async () => {
    const strange = [
      null,
      7,
      {},
      { kty: 'oct', kid: 'a', k: 'AAAA' },
      { kty: 'EC', crv: 'P-521', kid: 'b', x: 'AA', y: 'AA' },
      { ...first.jwk, kid: undefined },
      { ...first.jwk, kid: 'enc', use: 'enc' },
      { ...first.jwk, kid: 'ops', key_ops: ['sign'] },
      { ...first.jwk, kid: 'alg', alg: 'RS256' },
      { ...first.jwk, kid: 'short', x: 'AAAA' },
    ]
    const { tokens } = arrange(() => Response.json({ keys: [...strange, first.jwk] }))
    expect(await verdict(tokens.verify(first.token()))).toBe('good')
    for (const kid of ['enc', 'ops', 'alg', 'short']) {
      expect(await verdict(tokens.verify(first.token({}, { kid })))).toBe('unknown_key')
    }
  })

  test('members that say nothing are no hindrance', async () => {
    const quiet = { ...first.jwk, use: undefined, alg: null, key_ops: ['verify', 'sign'], future: {} }
    const { tokens } = arrange(() => Response.json({ keys: [quiet] }))
    expect(await verdict(tokens.verify(first.token()))).toBe('good')
  })

  test.each([
    [
      'RSA of 2047 bits',
      { kty: 'RSA', n: Buffer.alloc(256, 0x7f).toString('base64url'), e: 'AQAB' },
      'RS256',
    ],
    [
      'RSA of 8200 bits',
      { kty: 'RSA', n: Buffer.alloc(1025, 0xff).toString('base64url'), e: 'AQAB' },
      'RS256',
    ],
    [
      'RSA with the exponent 1',
      { kty: 'RSA', n: Buffer.alloc(256, 0xff).toString('base64url'), e: 'AQ' },
      'RS256',
    ],
    [
      'a point off the curve',
      {
        kty: 'EC',
        crv: 'P-256',
        x: Buffer.alloc(32, 1).toString('base64url'),
        y: Buffer.alloc(32, 1).toString('base64url'),
      },
      'ES256',
    ],
  ])('%s is known and not used', async (_, jwk, alg) => {
    const { server, tokens } = arrange(() => Response.json({ keys: [{ ...jwk, kid: 'weak' }] }))
    const token = first.token({}, { alg, kid: 'weak' })
    expect(await verdict(tokens.verify(token))).toBe('unusable_key')
    expect(await verdict(tokens.verify(token))).toBe('unusable_key')
    expect(server.requests).toHaveLength(1)
  })
})
