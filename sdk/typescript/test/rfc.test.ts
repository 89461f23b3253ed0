// The examples of RFC 7515 (A.2, A.3), RFC 8037 (A.4) and RFC 7519 (3.1).
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../src/lib/base64url.js'
import { type VerifyingKey, readKeySet } from '../src/lib/jwk.js'
import { verifier } from '../src/verifier.js'
import { verdict } from './support.js'

const read = (name: string) =>
  readFileSync(new URL(`../../../crates/token/tests/vectors/${name}`, import.meta.url), 'utf8').trim()

const VECTORS = [
  ['rfc7515-a2', 'RS256', 'the claims'],
  ['rfc7515-a3', 'ES256', 'the claims'],
  ['rfc8037-a4', 'EdDSA', 'Example of Ed25519 signing'],
] as const

/** The claims of RFC 7519 section 3.1 with its line ends. */
const CLAIMS = '{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'

const keys = readKeySet({
  keys: VECTORS.map(([name]) => JSON.parse(read(`${name}.jwk.json`)) as object),
})!.get('example')!
const keyFor = (algorithm: string): VerifyingKey => keys.find((key) => key.algorithm === algorithm)!

describe.each(VECTORS)('%s', (name, algorithm, text) => {
  const jws = read(`${name}.jws`)

  test('its key opens it', async () => {
    const payload = new TextDecoder().decode(await keyFor(algorithm).open(jws))
    expect(payload).toBe(text === 'the claims' ? CLAIMS : text)
  })

  test('no other key does', async () => {
    for (const [, other] of VECTORS.filter(([, other]) => other !== algorithm)) {
      expect(await verdict(keyFor(other).open(jws))).toBe('bad_signature')
    }
  })

  test('every byte of the signature counts', async () => {
    const dot = jws.lastIndexOf('.') + 1
    const right = decode(jws.slice(dot))!
    const wrong = [...right.keys()].map((position) =>
      right.map((byte, index) => (index === position ? byte ^ 1 : byte)),
    )
    for (const signature of [
      ...wrong,
      right.slice(1),
      right.slice(0, -1),
      Uint8Array.from([...right, 0]),
      new Uint8Array(),
    ]) {
      expect(await verdict(keyFor(algorithm).open(jws.slice(0, dot) + encode(signature)))).toBe(
        'bad_signature',
      )
    }
  })

  test('without a key id it is no token for a verifier', async () => {
    const set = { keys: [JSON.parse(read(`${name}.jwk.json`)) as object] }
    const tokens = verifier({ issuer: 'joe', audience: 'a', keys: set })
    expect(await verdict(tokens.verify(jws))).toBe('missing_key_id')
  })
})

test('the unsecured token of RFC 7519 section 6.1 is none', async () => {
  const token =
    'eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.'
  expect(await verdict(verifier({ issuer: 'joe', audience: 'a', keys: { keys: [] } }).verify(token))).toBe(
    'unsupported_algorithm',
  )
})
