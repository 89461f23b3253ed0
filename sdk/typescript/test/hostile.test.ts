// Chance against the readers of a token. Bounded: the same number of runs each time, a failing seed is printed.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../src/lib/base64url.js'
import { readObject } from '../src/lib/strict-json.js'
import { Refusal } from '../src/refusal.js'
import { verifier } from '../src/verifier.js'
import { PROJECT, Signer, URL_, testClock, verdict } from './support.js'

const signer = new Signer('jwk-1')
const tokens = verifier({ url: URL_, projectId: PROJECT, keys: { keys: [signer.jwk] }, clock: testClock() })
const good = signer.token()
const bytes = (text: string) => new TextEncoder().encode(text)

const code = (text: string): string => {
  try {
    readObject(bytes(text), {})
    return 'good'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

describe('a token', () => {
  test('is good to begin with', async () => {
    expect(await verdict(tokens.verify(good))).toBe('good')
  })

  test('with any character exchanged, put in or taken out is refused, and never with another error', async () => {
    const edit = fc.tuple(
      fc.nat(good.length - 1),
      fc.constantFrom('exchange', 'insert', 'remove'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    )
    await fc.assert(
      fc.asyncProperty(edit, async ([at, kind, character]) => {
        const put = kind === 'remove' ? '' : character
        const changed = good.slice(0, at) + put + good.slice(kind === 'insert' ? at : at + 1)
        fc.pre(changed !== good)
        expect(await verdict(tokens.verify(changed))).not.toBe('good')
      }),
      { numRuns: 2000 },
    )
  })

  test('made of anything is refused, and never with another error', async () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json().map((json) => encode(bytes(json))),
      fc.uint8Array().map(encode),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
        expect(await verdict(tokens.verify(parts.join('.')))).not.toBe('good')
      }),
      { numRuns: 1000 },
    )
  })

  test('signed, with anything as a claim, is judged, and never with another error', async () => {
    const claim = fc.record({
      name: fc.constantFrom('iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'scope', 'jti', 'x'),
      value: fc.jsonValue(),
    })
    await fc.assert(
      fc.asyncProperty(claim, async ({ name, value }) => {
        await verdict(tokens.verify(signer.token({ [name]: value })))
      }),
      { numRuns: 1000 },
    )
  })

  test('signed, with anything as a header, is judged, and never with another error', async () => {
    const member = fc.record({
      name: fc.constantFrom('alg', 'kid', 'typ', 'crit', 'jwk', 'b64', 'x'),
      value: fc.jsonValue(),
    })
    await fc.assert(
      fc.asyncProperty(member, async ({ name, value }) => {
        await verdict(tokens.verify(signer.token({}, { [name]: value })))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('strict JSON', () => {
  test('what JSON.stringify writes is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme' })),
        fc.constantFrom(0, 1, '\t'),
        (value, space) => {
          const text = JSON.stringify(value, null, space)
          expect(readObject(bytes(text), {})).toEqual(JSON.parse(text))
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('what JSON.parse refuses is refused', () => {
    const broken = fc.tuple(
      fc.json(),
      fc.nat(200),
      fc.constantFrom('', '{', '}', '"', ',', ':', '\\', '\u0000', '0', '-', '.', 'e', ' ', '\u00a0'),
    )
    fc.assert(
      fc.property(broken, ([json, at, put]) => {
        const text = `{"a":${json.slice(0, at)}${put}${json.slice(at)}}`
        try {
          JSON.parse(text)
        } catch {
          expect(code(text)).not.toBe('good')
        }
      }),
      { numRuns: 3000 },
    )
  })

  test.each([
    '{"a": 1, "a": 1}',
    '{"a": 1, "\\u0061": 1}',
    '{"o": {"a": 1, "b": 2, "a": 3}}',
    '{"o": [0, [{"a": null, "a": null}]]}',
    '{"__proto__": 1, "__proto__": 2}',
    '{"": 1, "": 2}',
    '{"a": 1, "a": 1, "b": }',
  ])('%s doubles a member', (text) => expect(code(text)).toBe('duplicate_member'))

  test.each([
    '',
    '1',
    '[]',
    '{',
    '{} {}',
    '{"a": 01}',
    '{"a": 1.}',
    '{"a": .5}',
    '{"a": +1}',
    '{"a": 1e400}',
    '{"a": NaN}',
    '{"a": tru}',
    '{"a": truex}',
    '{"a": "\n"}',
    '{"a": "\\x"}',
    '{"a": "\\ud800"}',
    '{"a": "\\udc00\\ud800"}',
    '{"a": 1,}',
    "{'a': 1}",
    '{"a": , "b": 1, "b": 2}',
    '\ufeff{}',
  ])('%s is malformed', (text) => expect(code(text)).toBe('malformed'))

  test('depth is allowed up to what Rust allows', () => {
    const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    expect([127, 128, 5000].map((depth) => code(nested(depth)))).toEqual(['good', 'malformed', 'malformed'])
  })

  test('a prototype is no member', () => {
    const value = readObject(bytes('{"__proto__": {"iss": "x"}, "constructor": 1}'), { iss: () => false })
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  test('bytes that are no UTF-8 are malformed', () => {
    expect(() => readObject(Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {})).toThrow(Refusal)
  })
})

describe('base64url', () => {
  test('every text that is read is the one spelling of its bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ABab09-_+/= \n') }), (text) => {
        const read = decode(text)
        if (read) expect(encode(read)).toBe(text)
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.uint8Array(), (value) => {
        expect([...decode(encode(value))!]).toEqual([...value])
      }),
    )
  })

  test.each(['_-8=', '_-9', '/+8', '_-8\n', ' _-8', '_-8_A==', 'A', 'ä'])('%j is none', (text) => {
    expect(decode(text)).toBeUndefined()
  })
})
