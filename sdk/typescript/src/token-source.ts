/**
 * Get an access token, keep it, and renew it before it dies.
 *
 * @module
 */

import { ConfigurationError } from './configuration-error.js'
import { abortable } from './lib/abortable.js'
import { requestsAreIsolated } from './lib/runtime.js'
import { baseUrl, milliseconds, setting } from './lib/settings.js'
import { type IssuedToken, requestToken } from './lib/token-endpoint.js'
import { TokenError } from './token-error.js'

/** Gives out access tokens. Anything of this shape does where a source is wanted. */
export interface TokenSource {
  /**
   * A token that is valid now.
   *
   * @param options - `signal` gives up this caller's wait; the renewal that others share goes on
   * @throws `TokenError` when none can be had
   */
  token(options?: { signal?: AbortSignal | undefined }): Promise<string>
  /**
   * Drops this token, because a service refused it, so that the next call gets a new one. Another token, and one that
   * was itself got in place of a dropped one a moment ago, is kept: a service that refuses everything must not
   * turn into a flood at the token endpoint.
   */
  forget(token: string): void
}

/** Where tokens come from, and for whom. What is not given is read from the environment. */
export interface TokenSourceOptions {
  /** The server's base URL; else `COUNTERSIGN_URL`. */
  url?: string | undefined
  /** The project; else `COUNTERSIGN_PROJECT_ID`. */
  projectId?: string | undefined
  /** The client; else `COUNTERSIGN_CLIENT_ID`. */
  clientId?: string | undefined
  /**
   * The client's secret; else `COUNTERSIGN_CLIENT_SECRET`. A function is called for each request, so that a rotated
   * secret is used from the next token on.
   */
  clientSecret?: string | (() => string | Promise<string>) | undefined
  /** The scopes to ask for; without, the token has all scopes of the client. */
  scopes?: readonly string[] | undefined
  /** Whom the token is for (RFC 8707); without, the project. */
  resource?: string | readonly string[] | undefined
  /** Milliseconds before one request counts as failed; 10,000. */
  timeout?: number | undefined
  /** Milliseconds that a call may spend on retries before it fails; 30,000. */
  retryFor?: number | undefined
  /** What sends requests; the runtime's `fetch`. */
  fetch?: typeof globalThis.fetch | undefined
  /** Time and chance, for tests. */
  clock?: TokenClock | undefined
}

/** Time and chance, as the source needs them. */
export interface TokenClock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now: () => number
  /** A number from 0 to 1, without 1. */
  random: () => number
  /** Waits so many milliseconds. */
  sleep: (milliseconds: number) => Promise<void>
}

/** A token with this little left, in milliseconds, is given out only after a renewal was tried. */
const LAST_MOMENTS = 10_000

/** A dropped token's successor is kept at least this many milliseconds. */
const KEPT_AT_LEAST = 10_000

/** Longest wait between two tries of one call, in milliseconds, unless the server asks for more. */
const MAX_BACKOFF = 8_000

/** Longest that a server's `Retry-After` is obeyed, in seconds. */
const MAX_RETRY_AFTER = 60

const SYSTEM_CLOCK: TokenClock = {
  now: () => Date.now(),
  random: () => Math.random(),
  sleep: (milliseconds) =>
    new Promise((resolve) => {
      const timer: unknown = setTimeout(resolve, milliseconds)
      // Nobody may be waiting for this renewal; whoever does keeps the process alive. Only Node and Bun know `unref`.
      ;(timer as { unref?: () => void }).unref?.()
    }),
}

interface Held {
  token: string
  renewAt: number
  lastMoments: number
  expiresAt: number
  /** Until when it cannot be dropped. */
  keptUntil: number
}

interface Renewal {
  /** Resolves after the first try, however it went. */
  tried: Promise<void>
  done: Promise<string>
}

/**
 * A source of tokens for one client, one list of scopes and one resource.
 *
 * It asks the server once for all callers, and again when between three quarters and nine tenths of a token's life are
 * over. Callers get the old token meanwhile, and go on getting it for as long as it is valid when the server is away.
 * Network errors, 429 and 5xx are retried with growing waits; any other refusal ends the call at once. A renewal that nobody
 * waits for does not keep a Node process alive.
 *
 * @example
 * ```ts
 * import { tokenSource } from '@countersign/sdk/token-source'
 *
 * // Reads COUNTERSIGN_URL, COUNTERSIGN_PROJECT_ID, COUNTERSIGN_CLIENT_ID and COUNTERSIGN_CLIENT_SECRET.
 * const tokens = tokenSource()
 *
 * const headers = { authorization: `Bearer ${await tokens.token()}` }
 * console.log(Object.keys(headers))
 * ```
 *
 * @throws `ConfigurationError` when a setting is missing
 */
export function tokenSource(options: TokenSourceOptions = {}): TokenSource {
  const url = baseUrl('url', setting('url', 'COUNTERSIGN_URL', options.url))
  const projectId = setting('projectId', 'COUNTERSIGN_PROJECT_ID', options.projectId)
  const given = options.clientSecret
  const request = {
    endpoint: `${url}/v1/public/${encodeURIComponent(projectId)}/oauth2/token`,
    fields: fields(setting('clientId', 'COUNTERSIGN_CLIENT_ID', options.clientId), options),
    // In this closure alone, where no inspection of the source shows it.
    secret: typeof given === 'function' ? given : setting('clientSecret', 'COUNTERSIGN_CLIENT_SECRET', given),
    fetch: ((...call) => (options.fetch ?? globalThis.fetch)(...call)) as typeof fetch,
    timeout: milliseconds('timeout', options.timeout ?? 10_000, 1),
  }
  const retryFor = milliseconds('retryFor', options.retryFor ?? 30_000, 0)
  const { now, random, sleep } = options.clock ?? SYSTEM_CLOCK
  let held: Held | undefined
  let renewal: Renewal | undefined
  let failure: TokenError | undefined
  let failedAt = 0
  let replaces = false

  async function withRetries(tried: () => void): Promise<string> {
    const start = now()
    for (let tries = 0; ; tries++) {
      const askedAt = now()
      try {
        hold(await requestToken({ ...request, now }), askedAt)
        failure = undefined
        return held!.token
      } catch (error) {
        tried()
        failure = error as TokenError
        failedAt = now()
        const backoff = Math.min(MAX_BACKOFF, 250 * 2 ** tries) * (0.5 + random() / 2)
        const asked = Math.min(failure.retryAfter ?? 0, MAX_RETRY_AFTER) * 1000
        const wait = asked ? asked + backoff : backoff
        if (!failure.temporary || failedAt + wait - start > retryFor) throw error
        await sleep(wait)
      }
    }
  }

  function hold({ token, lifetime }: IssuedToken, askedAt: number): void {
    const life = lifetime * 1000
    held = {
      token,
      // Spread, so that the callers of one server do not come back all at once.
      renewAt: askedAt + life * (0.75 + 0.15 * random()),
      lastMoments: askedAt + life - Math.min(LAST_MOMENTS, life / 4),
      expiresAt: askedAt + life,
      keptUntil: replaces ? now() + KEPT_AT_LEAST : 0,
    }
    replaces = false
  }

  function renew(): Renewal {
    let tried!: () => void
    const own: Renewal = {
      tried: new Promise((resolve) => (tried = resolve)),
      done: withRetries(() => tried()).finally(() => {
        tried()
        if (renewal === own) renewal = undefined
      }),
    }
    own.done.catch(() => {}) // Perhaps nobody waits for it.
    if (!requestsAreIsolated()) renewal = own
    return own
  }

  /** Whether a try failed less than so many milliseconds ago, or the server's own wait is not over. */
  function rests(atLeast: number): boolean {
    const asked = Math.min(failure?.retryAfter ?? 0, MAX_RETRY_AFTER) * 1000
    const since = now() - failedAt
    return failure !== undefined && since >= 0 && since < Math.max(atLeast, asked)
  }

  /** Waits for a renewal, and keeps the process alive meanwhile, which the pauses between its tries do not. */
  function wait({ done }: Renewal, signal: AbortSignal | undefined): Promise<string> {
    const alive = setInterval(() => {}, 60_000)
    return abortable(done, signal).finally(() => clearInterval(alive))
  }

  async function token({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<string> {
    signal?.throwIfAborted()
    const time = now()
    if (held && time < held.renewAt) return held.token
    if (held && time < held.expiresAt) {
      const last = time >= held.lastMoments
      const running = renewal ?? (rests(last ? 1_000 : 5_000) ? undefined : renew())
      if (running && (last || requestsAreIsolated())) await abortable(running.tried, signal)
      if (held && now() < held.expiresAt) return held.token
    }
    if (renewal) return wait(renewal, signal)
    // A refusal stands for a second: a loop around a wrong secret must not become a flood.
    if (rests(1_000)) throw failure
    return wait(renew(), signal)
  }

  return {
    token,
    forget(token) {
      if (held?.token !== token || now() < held.keptUntil) return
      held = undefined
      replaces = true
    },
  }
}

function fields(clientId: string, { scopes, resource }: TokenSourceOptions): [string, string][] {
  const fields: [string, string][] = [
    ['grant_type', 'client_credentials'],
    ['client_id', clientId],
  ]
  // The server takes an empty `scope` for all scopes; a caller who asks for none must not get everything unawares.
  if (scopes?.length === 0) {
    throw new ConfigurationError(
      'invalid_configuration',
      'scopes',
      undefined,
      'is empty; without it all are given',
    )
  }
  if (scopes) fields.push(['scope', scopes.join(' ')])
  for (const each of [resource ?? []].flat()) fields.push(['resource', each])
  return fields
}
