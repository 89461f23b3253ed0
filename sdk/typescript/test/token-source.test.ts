import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../src/configuration-error.js'
import type { TokenError } from '../src/token-error.js'
import { type TokenSourceOptions, tokenSource } from '../src/token-source.js'
import { failure, recorder, testClock } from './support.js'

const SECRET = 'csk_thisIsTheSecretOfThisTest'

const issued = (token: string, lifetime = 3600): Response =>
  Response.json({ access_token: token, token_type: 'bearer', expires_in: lifetime })

const oauthError = (error: string, status = 400): Response =>
  Response.json(
    { error, error_description: 'no', request_id: 'request-id-test-1', status_code: status },
    { status },
  )

function arrange(
  answer: (request: Request, count: number) => Response | Promise<Response>,
  options: TokenSourceOptions = {},
) {
  const clock = testClock()
  const server = recorder(answer)
  const tokens = tokenSource({
    url: 'https://auth.example.com/',
    projectId: 'project-test-1',
    clientId: 'm2m-client-test-1',
    clientSecret: SECRET,
    fetch: server.fetch,
    clock,
    ...options,
  })
  /** Lets everything happen that needs no time. */
  const settle = async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  return { clock, server, tokens, settle }
}

describe('the request', () => {
  test('is the form of RFC 6749 section 4.4.2, with what was asked for', async () => {
    const { server, tokens } = arrange(() => issued('t1'), {
      scopes: ['read:users', 'write:users'],
      resource: ['https://a.example', 'https://b.example'],
    })
    expect(await tokens.token()).toBe('t1')
    const [request] = server.requests
    expect(request!.method).toBe('POST')
    expect(request!.url).toBe('https://auth.example.com/v1/public/project-test-1/oauth2/token')
    expect(request!.headers.get('content-type')).toMatch('application/x-www-form-urlencoded')
    expect(request!.redirect).toBe('manual')
    expect([...new URLSearchParams(server.bodies[0])]).toEqual([
      ['grant_type', 'client_credentials'],
      ['client_id', 'm2m-client-test-1'],
      ['scope', 'read:users write:users'],
      ['resource', 'https://a.example'],
      ['resource', 'https://b.example'],
      ['client_secret', SECRET],
    ])
  })

  test('asks a function for the secret each time', async () => {
    const secrets = ['old', 'new']
    const { server, tokens } = arrange((_, count) => issued(`t${count}`), {
      clientSecret: async () => secrets.shift()!,
    })
    tokens.forget(await tokens.token())
    await tokens.token()
    expect(server.bodies.map((body) => new URLSearchParams(body).get('client_secret'))).toEqual([
      'old',
      'new',
    ])
  })

  test('is not made when the secret cannot be had', async () => {
    const { server, tokens } = arrange(() => issued('t1'), {
      clientSecret: () => Promise.reject(new Error(`vault says ${SECRET}`)),
    })
    const error = await failure<TokenError>(tokens.token())
    expect(error).toMatchObject({ name: 'TokenError', code: 'secret_unavailable' })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET)
    expect(server.requests).toHaveLength(0)
  })
})

describe('what a server says', () => {
  const secret = 'hunter2/+= "x\\'
  test.each<[string, (form: string) => string]>([
    ['as the form that it got', (form) => form],
    ['as text', () => secret],
    ['percent-encoded in small letters', () => encodeURIComponent(secret).toLowerCase()],
  ])('does not put the secret into an error: %s', async (_, spelled) => {
    const { tokens } = arrange(() => issued('t1'), {
      clientSecret: secret,
      fetch: async (_url, { body } = {}) => {
        const error_description = `bad request: ${spelled(String(body))}`
        return Response.json({ error: 'invalid_client', error_description }, { status: 400 })
      },
    })
    const error = await failure<TokenError>(tokens.token())
    expect(error.code).toBe('http_400')
    expect(inspect(error)).not.toContain('hunter2')
  })

  test.each([
    [0.5, 'invalid_answer'],
    [0, 'invalid_answer'],
    ['3600', 'invalid_answer'],
  ])('with a life of %j is %s', async (expires_in, code) => {
    const answer = () => Response.json({ access_token: 't', token_type: 'bearer', expires_in })
    const { tokens } = arrange(answer)
    expect(await failure<TokenError>(tokens.token())).toMatchObject({ code })
  })
})

test('a secret that never comes does not hold up the callers', async () => {
  const { tokens } = arrange(() => issued('t1'), {
    clientSecret: () => new Promise<string>(() => {}),
    timeout: 20,
    retryFor: 0,
  })
  expect(await failure<TokenError>(tokens.token())).toMatchObject({ code: 'secret_unavailable' })
})

test.each([
  ['timeout', Infinity],
  ['timeout', 0],
  ['timeout', Number.NaN],
  ['retryFor', -1],
  ['retryFor', 2 ** 31],
])('%s of %d is refused when the source is made', (name, value) => {
  expect(() => arrange(() => issued('t1'), { [name]: value })).toThrow(ConfigurationError)
})

describe('keeping', () => {
  test('a thousand callers cause one request', async () => {
    const { server, tokens } = arrange(() => issued('t1'))
    const all = await Promise.all(Array.from({ length: 1000 }, () => tokens.token()))
    expect(new Set(all)).toEqual(new Set(['t1']))
    expect(server.requests).toHaveLength(1)
    expect(await tokens.token()).toBe('t1')
    expect(server.requests).toHaveLength(1)
  })

  test.each([
    [0, 0.75],
    [0.999999, 0.9],
  ])(
    'with the die at %d it is renewed after %d of its life, once, behind the callers',
    async (random, part) => {
      const clock = testClock(undefined, random)
      const { server, tokens, settle } = arrange((_, count) => issued(`t${count}`), { clock })
      await tokens.token()
      clock.time += 3600_000 * part - 10
      expect(await tokens.token()).toBe('t1')
      expect(server.requests).toHaveLength(1)
      clock.time += 11
      expect(await Promise.all([tokens.token(), tokens.token(), tokens.token()])).toEqual(['t1', 't1', 't1'])
      await settle()
      expect(server.requests).toHaveLength(2)
      expect(await tokens.token()).toBe('t2')
    },
  )

  test('the old token is given out while the server is away, and not a moment longer than it lives', async () => {
    let away = false
    const { server, tokens, clock, settle } = arrange((_, count) => {
      if (away) throw new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })
      return issued(`t${count}`)
    })
    await tokens.token()
    away = true
    for (clock.time += 3400_000; clock.time < 1_800_003_500_000; clock.time += 1_000) {
      expect(await tokens.token()).toBe('t1')
      await settle()
    }
    clock.time = 1_800_003_600_000
    const error = await failure<TokenError>(tokens.token())
    expect(error).toMatchObject({
      code: 'unreachable',
      temporary: true,
      message: expect.stringContaining('ECONNREFUSED'),
    })
    expect(error.cause).toBeUndefined()
    away = false
    clock.time += 1_000
    expect(await tokens.token()).toBe(`t${server.requests.length}`)
  })

  test('in its last ten seconds a token is given out only after a try', async () => {
    const answers: (() => Response)[] = [
      () => issued('t1'),
      () => oauthError('invalid_client'),
      () => issued('t3'),
    ]
    const { server, tokens, clock } = arrange((_, count) => answers[count - 1]!())
    await tokens.token()
    clock.time += 3591_000
    expect(await tokens.token()).toBe('t1')
    expect(server.requests).toHaveLength(2)
    clock.time += 1_000
    expect(await tokens.token()).toBe('t3')
  })

  test('a refused renewal is not repeated for each caller', async () => {
    const { server, tokens, clock, settle } = arrange((_, count) =>
      count === 1 ? issued('t1') : oauthError('invalid_client'),
    )
    await tokens.token()
    clock.time += 3300_000
    for (let call = 0; call < 100; call++) {
      expect(await tokens.token()).toBe('t1')
      await settle()
    }
    expect(server.requests).toHaveLength(2)
    clock.time += 5_000
    await tokens.token()
    expect(server.requests).toHaveLength(3)
  })

  test('a dropped token is replaced once, and its successor is not dropped in the same breath', async () => {
    const { server, tokens, clock } = arrange((_, count) => issued(`t${count}`))
    tokens.forget(await tokens.token())
    tokens.forget('t1')
    expect(await Promise.all([tokens.token(), tokens.token()])).toEqual(['t2', 't2'])
    tokens.forget('t1')
    tokens.forget('t2')
    expect(await tokens.token()).toBe('t2')
    expect(server.requests).toHaveLength(2)
    clock.time += 10_000
    tokens.forget('t2')
    expect(await tokens.token()).toBe('t3')
  })
})

describe('failing', () => {
  test('a refusal ends the call at once, says the code of OAuth, and stands for a second', async () => {
    const { server, tokens, clock } = arrange(() => oauthError('invalid_client'))
    const error = await failure<TokenError>(tokens.token())
    expect(error).toMatchObject({
      name: 'TokenError',
      code: 'invalid_client',
      status: 400,
      requestId: 'request-id-test-1',
      temporary: false,
    })
    expect(clock.slept).toEqual([])
    expect(await failure(tokens.token())).toBe(error)
    expect(server.requests).toHaveLength(1)
    clock.time += 1_000
    await failure(tokens.token())
    expect(server.requests).toHaveLength(2)
  })

  test('429, 5xx and the network are retried with growing waits', async () => {
    const answers = [
      () => Response.json({ error_type: 'internal_server_error' }, { status: 500 }),
      () => {
        throw new TypeError('fetch failed')
      },
      () => new Response('a proxy', { status: 502 }),
      () => issued('t4'),
    ]
    const { tokens, clock } = arrange((_, count) => answers[count - 1]!())
    expect(await tokens.token()).toBe('t4')
    expect(clock.slept).toEqual([187.5, 375, 750]) // 250, 500 and 1,000 ms, with the die in the middle
  })

  test('Retry-After is obeyed, in seconds and as a date', async () => {
    for (const after of ['7', new Date(1_800_000_007_000).toUTCString()]) {
      const { tokens, clock } = arrange((_, count) =>
        count === 1
          ? Response.json(
              { error_type: 'too_many_requests' },
              { status: 429, headers: { 'retry-after': after } },
            )
          : issued('t2'),
      )
      expect(await tokens.token()).toBe('t2')
      expect(clock.slept).toHaveLength(1)
      expect(clock.slept[0]).toBeGreaterThanOrEqual(7_000)
      expect(clock.slept[0]).toBeLessThan(8_000)
    }
  })

  test('a Retry-After beyond the time of the call ends it, is told, and keeps the next call from asking', async () => {
    const { server, tokens, clock } = arrange(() =>
      Response.json(
        { error_type: 'too_many_requests' },
        { status: 429, headers: { 'retry-after': '86400' } },
      ),
    )
    expect(await failure(tokens.token())).toMatchObject({
      code: 'too_many_requests',
      status: 429,
      retryAfter: 86400,
    })
    clock.time += 59_000
    await failure(tokens.token())
    expect(server.requests).toHaveLength(1)
    clock.time += 1_000 // It is bounded: a server cannot silence us for a day.
    await failure(tokens.token())
    expect(server.requests).toHaveLength(2)
  })

  test('the time for retries is bounded', async () => {
    const { tokens, clock } = arrange(() => new Response('', { status: 503 }))
    expect(await failure(tokens.token())).toMatchObject({ code: 'http_503', temporary: true })
    expect(clock.slept.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(30_000)
    expect(clock.slept.length).toBeGreaterThan(3)
  })

  test.each<[string, () => Response]>([
    ['no JSON', () => new Response('<html>')],
    ['no token', () => Response.json({ token_type: 'bearer', expires_in: 1 })],
    ['a token that breaks a header', () => issued('a\r\nb: c')],
    ['another type', () => Response.json({ access_token: 'a', token_type: 'mac', expires_in: 1 })],
    ['no lifetime', () => Response.json({ access_token: 'a', token_type: 'bearer' })],
    ['a lifetime that is over', () => issued('a', 0)],
    ['null', () => Response.json(null)],
    ['too much', () => new Response('x'.repeat(70_000))],
  ])('an answer with %s is no token', async (_, answer) => {
    const { server, tokens } = arrange(answer)
    expect(await failure(tokens.token())).toMatchObject({ code: 'invalid_answer', temporary: false })
    expect(server.requests).toHaveLength(1)
  })

  test('a redirect is not followed', async () => {
    const { server, tokens } = arrange(
      () => new Response('', { status: 307, headers: { location: 'https://evil' } }),
    )
    expect(await failure(tokens.token())).toMatchObject({ code: 'redirected', status: 307 })
    expect(server.requests).toHaveLength(1)
  })

  test('a server that plays the secret back does not get it into an error', async () => {
    const { tokens } = arrange(() =>
      Response.json({ error: SECRET, error_description: SECRET }, { status: 400 }),
    )
    const error = await failure<TokenError>(tokens.token())
    expect(error.code).toBe('http_400')
    expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toContain(SECRET)
  })

  test('what the server says is one line, and a terminal is not spoken to', async () => {
    const said = 'no\u001b[2J\r\nlevel=info\u2028' + 'x'.repeat(400)
    const { tokens } = arrange(() =>
      Response.json(
        { error: 'invalid_scope', error_type: 'other', error_description: said },
        { status: 400 },
      ),
    )
    const { code, message } = await failure<TokenError>(tokens.token())
    expect(code).toBe('invalid_scope')
    expect(message).toMatch(/: no \[2J level=info x{282}$/)
  })

  test('neither source nor error shows secret or token', async () => {
    const { tokens } = arrange((_, count) => (count === 1 ? issued('t0ken') : oauthError('invalid_scope')))
    tokens.forget(await tokens.token())
    const error = await failure(tokens.token())
    const shown = [tokens, error].map(
      (value) => inspect(value, { depth: 9, showHidden: true }) + JSON.stringify(value),
    )
    expect(shown.join()).not.toMatch(new RegExp(`${SECRET}|t0ken`))
  })
})

describe('giving up', () => {
  test('one caller gives up, the others get their token', async () => {
    let answer!: (response: Response) => void
    const { server, tokens } = arrange(() => new Promise((resolve) => (answer = resolve)))
    const impatient = new AbortController()
    const calls = [tokens.token({ signal: impatient.signal }), tokens.token()] as const
    await new Promise((resolve) => setImmediate(resolve))
    impatient.abort(new Error('enough'))
    expect((await failure(calls[0])).message).toBe('enough')
    answer(issued('t1'))
    expect(await calls[1]).toBe('t1')
    expect(server.requests).toHaveLength(1)
  })

  test('whoever gave up before asks nothing', async () => {
    const { server, tokens } = arrange(() => issued('t1'))
    expect((await failure(tokens.token({ signal: AbortSignal.abort() }))).name).toBe('AbortError')
    expect(server.requests).toHaveLength(0)
  })

  test('an endpoint that does not answer counts as away', async () => {
    const hangs = ((_: unknown, { signal }: RequestInit) =>
      new Promise((_, reject) => {
        // The runtime's timer does not keep the process alive, so that this one has to.
        const alive = setInterval(() => {}, 1_000)
        signal!.addEventListener('abort', () => (clearInterval(alive), reject(signal!.reason)))
      })) as typeof fetch
    const { tokens } = arrange(() => issued('t1'), { fetch: hangs, timeout: 5, retryFor: 0 })
    expect(await failure(tokens.token())).toMatchObject({ code: 'timeout', temporary: true })
  })
})

describe('settings', () => {
  test('come from the environment, arguments win, a missing one is named', async () => {
    const names = ['URL', 'PROJECT_ID', 'CLIENT_ID', 'CLIENT_SECRET'].map((name) => `COUNTERSIGN_${name}`)
    const before = names.map((name) => process.env[name])
    try {
      for (const name of names)
        process.env[name] = name === 'COUNTERSIGN_URL' ? 'https://env.example' : `of-${name}`
      const server = recorder(() => issued('t1'))
      await tokenSource({ fetch: server.fetch, clientId: 'given' }).token()
      expect(server.requests[0]!.url).toBe(
        'https://env.example/v1/public/of-COUNTERSIGN_PROJECT_ID/oauth2/token',
      )
      const body = new URLSearchParams(server.bodies[0])
      expect([body.get('client_id'), body.get('client_secret')]).toEqual([
        'given',
        'of-COUNTERSIGN_CLIENT_SECRET',
      ])
      for (const name of names) {
        const value = process.env[name]
        delete process.env[name]
        expect(() => tokenSource()).toThrow(
          expect.objectContaining({
            name: 'ConfigurationError',
            code: 'missing_configuration',
            variable: name,
          }),
        )
        process.env[name] = value
      }
    } finally {
      names.forEach((name, index) => {
        if (before[index] === undefined) delete process.env[name]
        else process.env[name] = before[index]
      })
    }
  })

  test.each(['ftp://auth.example', 'auth.example', 'https://user:pass@auth.example'])(
    '%s is no URL here',
    (url) => {
      expect(() => arrange(() => issued('t'), { url })).toThrow(ConfigurationError)
      expect(() => arrange(() => issued('t'), { url })).not.toThrow(/pass@/)
    },
  )

  test('no scopes are not all scopes', () => {
    expect(() => arrange(() => issued('t'), { scopes: [] })).toThrow(ConfigurationError)
  })
})
