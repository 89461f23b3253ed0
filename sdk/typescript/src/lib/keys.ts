/** Where a verifier has its keys from. */

import { type KeysProblem, Refusal } from '../refusal.js'
import { boundedText } from './bounded-text.js'
import { type KeySet, type VerifyingKey, readKeySet } from './jwk.js'
import { isRedirect, isTimeout } from './network-failure.js'
import { retryAfter } from './retry-after.js'
import { requestsAreIsolated } from './runtime.js'

/** Longest JWK set that is read, in bytes. */
const MAX_SET_BYTES = 256 * 1024

/** Milliseconds before a fetch counts as failed. */
const FETCH_TIMEOUT = 5_000

/** Milliseconds after which a set that is held is fetched anew, without anyone waiting. */
const FRESH_FOR = 5 * 60_000

/** After this many milliseconds without a token, the next one waits for fresh keys. */
const QUIET = 2 * FRESH_FOR

/** Fewest milliseconds between two fetches for the sake of unknown keys. */
const UNKNOWN_KEY_COOL_DOWN = 30_000

/** Bounds of the wait after a failed fetch, in milliseconds. */
const [MIN_BACKOFF, MAX_BACKOFF] = [1_000, 30_000]

/** Longest that the issuer's `Retry-After` is obeyed, in milliseconds. */
const MAX_RETRY_AFTER = 60_000

/** A source of keys. */
export interface Keys {
  /**
   * The keys of this id.
   *
   * @throws Refusal `unknown_key`, or `keys_unavailable` when it cannot be known whether there is one
   */
  find(keyId: string): Promise<readonly VerifyingKey[]>
}

/** Keys that never change. */
export function fixedKeys(keys: KeySet): Keys {
  return { find: async (keyId) => known(keys, keyId) }
}

/** What fetching takes. */
export interface RemoteKeysOptions {
  /** The address of the set. */
  url: string
  /** How many milliseconds a set is used after its last good fetch. */
  usableFor: number
  /** What sends requests. */
  fetch: typeof fetch
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now: () => number
  /** A number from 0 to 1, without 1. */
  random: () => number
}

/**
 * Keys fetched from an address, kept, and fetched anew when they are old or an unknown one is asked for.
 *
 * One fetch serves everyone who waits. Unknown ids together cause one fetch in half a minute, because whoever sends
 * random ids must not be able to make us knock at the issuer's door. After a quiet time the next token waits for fresh
 * keys. When the issuer is away, the keys held go on being used.
 */
export class RemoteKeys implements Keys {
  readonly #options: RemoteKeysOptions
  #held: { keys: KeySet; at: number } | undefined
  #fetching: Promise<void> | undefined
  #failures = 0
  #problem: KeysProblem | undefined
  #notBefore = 0
  #unknownAt = -Infinity

  constructor(options: RemoteKeysOptions) {
    this.#options = options
  }

  async find(keyId: string): Promise<readonly VerifyingKey[]> {
    if (!this.#usable()) {
      await this.#fetch()
      return known(this.#usable() ?? this.#unavailable(), keyId)
    }
    const age = this.#options.now() - this.#held!.at
    if (age < 0 || age > FRESH_FOR) {
      const failures = this.#failures
      const refreshing = this.#fetch()
      // After a quiet night: a key withdrawn meanwhile must open nothing in the morning. But while the issuer is known to be
      // away, nobody waits for it.
      if (requestsAreIsolated() || (failures === 0 && !(age >= 0 && age <= QUIET))) await refreshing
    }
    if (!this.#usable()?.has(keyId)) await this.#fetchForUnknown(keyId)
    const keys = this.#usable() ?? this.#unavailable()
    // With the issuer away, nobody knows whether it has begun to use another key.
    if (!keys.has(keyId) && this.#failures > 0) this.#unavailable()
    return known(keys, keyId)
  }

  #usable(): KeySet | undefined {
    const held = this.#held
    return held && this.#options.now() - held.at < this.#options.usableFor ? held.keys : undefined
  }

  #unavailable(): never {
    const wait = Math.ceil((this.#notBefore - this.#options.now()) / 1000)
    throw new Refusal('keys_unavailable', { retryAfter: Math.max(1, wait), problem: this.#problem })
  }

  async #fetchForUnknown(keyId: string): Promise<void> {
    await this.#fetching // It may bring the key.
    if (this.#usable()?.has(keyId)) return
    const since = this.#options.now() - this.#unknownAt
    if (since >= 0 && since < UNKNOWN_KEY_COOL_DOWN) {
      await this.#fetching // Begun by another unknown id, just now.
      return
    }
    this.#unknownAt = this.#options.now()
    await this.#fetch()
  }

  /** Fetches unless that is under way already or failed a moment ago. Never rejects. */
  #fetch(): Promise<void> {
    if (this.#fetching) return this.#fetching
    const { now, random } = this.#options
    // The second comparison is for a clock that was set back.
    if (now() < this.#notBefore && this.#notBefore - now() <= 2 * MAX_RETRY_AFTER) return Promise.resolve()
    const done = this.#request().then(
      (keys) => {
        this.#held = { keys, at: now() }
        this.#failures = this.#notBefore = 0
      },
      (failure: unknown) => {
        const backoff = Math.min(MAX_BACKOFF, MIN_BACKOFF * 2 ** this.#failures++) * (0.5 + random() / 2)
        const asked = failure instanceof NoSet ? Math.min(MAX_RETRY_AFTER, failure.milliseconds) : 0
        this.#notBefore = now() + Math.max(backoff, asked)
        this.#problem = problemOf(failure)
      },
    )
    if (!requestsAreIsolated()) {
      this.#fetching = done
      void done.finally(() => (this.#fetching = undefined))
    }
    return done
  }

  async #request(): Promise<KeySet> {
    const { url, fetch, now } = this.#options
    const response = await fetch(url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      redirect: 'manual', // Whoever can redirect the fetch must not choose our keys.
      signal: AbortSignal.timeout(FETCH_TIMEOUT),
    })
    if (response.status !== 200) {
      response.body?.cancel().catch(() => {})
      const problem = isRedirect(response) ? 'redirected' : (`http_${response.status}` as const)
      throw new NoSet(problem, (retryAfter(response, now()) ?? 0) * 1000)
    }
    const keys = readKeySet(JSON.parse(await boundedText(response, MAX_SET_BYTES)))
    if (!keys) throw new NoSet('not_a_key_set')
    return keys
  }
}

/** An answer that is no set, and how long it asks to be left alone. */
class NoSet extends Error {
  constructor(
    readonly problem: KeysProblem,
    readonly milliseconds: number = 0,
  ) {
    super(problem)
  }
}

function problemOf(failure: unknown): KeysProblem {
  if (failure instanceof NoSet) return failure.problem
  if (failure instanceof RangeError) return 'too_large'
  if (failure instanceof SyntaxError) return 'not_a_key_set'
  return isTimeout(failure) ? 'timeout' : 'unreachable'
}

function known(keys: KeySet, keyId: string): readonly VerifyingKey[] {
  const found = keys.get(keyId)
  if (!found) throw new Refusal('unknown_key', { keyId })
  return found
}
