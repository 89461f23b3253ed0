// What several tests need: keys, tokens, answers, and a clock that moves when it is told.
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { Refusal } from '../src/refusal.js'

export const NOW = 1_800_000_000
export const PROJECT = 'project-test-11111111-1111-4111-8111-111111111111'
export const URL_ = 'https://auth.example.com'
export const ISSUER = `stytch.com/${PROJECT}`

/** A clock in milliseconds that stands still until it is moved; a sleep moves it. */
export function testClock(start = NOW * 1000, random = 0.5) {
  const clock = {
    time: start,
    slept: [] as number[],
    now: () => clock.time,
    random: () => random,
    sleep: async (milliseconds: number) => {
      clock.slept.push(milliseconds)
      clock.time += milliseconds
    },
  }
  return clock
}

/** The code of a refusal, or `good`; anything else that is thrown is thrown on. */
export async function verdict(check: Promise<unknown>): Promise<string> {
  try {
    await check
    return 'good'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

/** What went wrong, which must be something. */
export async function failure<T extends Error>(call: Promise<unknown>): Promise<T> {
  const nothing = Symbol('nothing')
  const error = await call.then(() => nothing).catch((error: unknown) => error)
  if (error === nothing) throw new Error('it did not fail')
  return error as T
}

const encode = (value: string | Buffer): string => Buffer.from(value).toString('base64url')

export class Signer {
  readonly privateKey: KeyObject
  readonly jwk: Record<string, unknown>

  constructor(readonly kid: string) {
    const pair = generateKeyPairSync('ed25519')
    this.privateKey = pair.privateKey
    this.jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'EdDSA' }
  }

  /** A token of these parts, rightly signed. */
  token(claims: object | string = {}, header: object | string = {}): string {
    const full =
      typeof header === 'string'
        ? header
        : JSON.stringify({ alg: 'EdDSA', kid: this.kid, typ: 'JWT', ...header })
    const said = typeof claims === 'string' ? claims : JSON.stringify({ ...goodClaims(), ...claims })
    const input = `${encode(full)}.${encode(said)}`
    return `${input}.${encode(sign(null, Buffer.from(input), this.privateKey))}`
  }
}

export function goodClaims() {
  return {
    iss: ISSUER,
    sub: 'm2m-client-test-1',
    aud: [PROJECT],
    scope: 'read:users write:*',
    iat: NOW,
    nbf: NOW,
    exp: NOW + 3600,
  }
}

/** A `fetch` made of a function, which records what left. */
export function recorder(answer: (request: Request, count: number) => Response | Promise<Response>) {
  const requests: Request[] = []
  const bodies: string[] = []
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    requests.push(request)
    bodies.push(await request.clone().text())
    return answer(request, requests.length)
  }
  return { fetch: fetch as typeof globalThis.fetch, requests, bodies }
}
