// Calls of the API: what arrives, what comes back, what is never shown.
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { apiModule } from '../../src/api.js'
import { apiKey, basic, bearer } from '../../src/credential.js'
import { directTransport } from '../../src/direct-transport.js'
import { gatewayTransport } from '../../src/gateway-transport.js'
import countersign, {
  ApiError,
  ArgumentError,
  ConfigurationError,
  ConnectionError,
  GatewayError,
  type Transport,
} from '../../src/index.js'
import { stillClock, type Upstream, upstream } from './support.js'

const SECRET = 'secret-test-Zq81-never-shown'
let server: Upstream

beforeAll(async () => {
  server = await upstream()
})
afterAll(async () => await server.close())
beforeEach(() => {
  server.requests.length = 0
  server.answers = []
  for (const name of Object.keys(process.env))
    if (name.startsWith('COUNTERSIGN_')) vi.stubEnv(name, undefined)
  countersign.configure({})
})
afterEach(() => vi.unstubAllEnvs())

const clock = stillClock()
const client = (more: object = {}) =>
  countersign.create({ url: server.url, projectId: 'project-1', projectSecret: SECRET, clock, ...more })
const direct = (more: object = {}) =>
  directTransport({ url: server.url, credentials: { project: basic('project-1', SECRET) }, clock, ...more })
const failure = async (call: Promise<unknown>): Promise<Error & { code: string }> =>
  await call.then(
    () => {
      throw new Error('the call did not fail')
    },
    (error: Error & { code: string }) => error,
  )
const BASIC = `Basic ${Buffer.from(`project-1:${SECRET}`).toString('base64')}`

describe('configuration', () => {
  test('from arguments', async () => {
    countersign.configure({ url: `${server.url}/`, projectId: 'project-1', projectSecret: SECRET })
    server.answers = [{ body: { request_id: 'r', status_code: 200 } }]
    await expect(countersign.apiM2mV1M2mClientsCreate({ scopes: ['read:users'] })).resolves.toEqual({
      request_id: 'r',
      status_code: 200,
    })
    expect(server.requests).toEqual([
      {
        line: 'POST /v1/m2m/clients',
        body: '{"scopes":["read:users"]}',
        headers: expect.objectContaining({ authorization: BASIC, 'content-type': 'application/json' }),
      },
    ])
  })

  test('from the environment, and arguments win', async () => {
    vi.stubEnv('COUNTERSIGN_URL', server.url)
    vi.stubEnv('COUNTERSIGN_PROJECT_ID', 'project-env')
    vi.stubEnv('COUNTERSIGN_PROJECT_SECRET', 'env')
    await countersign.apiDebugV1Whoami()
    vi.stubEnv('COUNTERSIGN_GATEWAY_URL', 'http://127.0.0.1:1')
    await client().apiDebugV1Whoami()
    expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual([
      `Basic ${btoa('project-env:env')}`,
      BASIC,
    ])
  })

  test.each([
    [{}, 'url', 'COUNTERSIGN_URL'],
    [{ url: 'http://127.0.0.1:1' }, 'projectId', 'COUNTERSIGN_PROJECT_ID'],
    [{ url: 'http://127.0.0.1:1', projectId: 'p' }, 'projectSecret', 'COUNTERSIGN_PROJECT_SECRET'],
    [
      { url: 'http://127.0.0.1:1', projectId: 'p', projectSecret: '' },
      'projectSecret',
      'COUNTERSIGN_PROJECT_SECRET',
    ],
    [{ gatewayUrl: 'http://127.0.0.1:1' }, 'tokenSource', 'COUNTERSIGN_URL'],
  ])('what is missing is named: %o', async (configuration, option, variable) => {
    const error = await failure(countersign.create(configuration).apiDebugV1Whoami())
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toMatchObject({ code: 'missing_configuration', option, variable })
  })

  test.each(['ftp://x', 'nothing', 'http://user:pa55@x'])('%s is no URL for it', async (url) => {
    const error = await failure(client({ url }).apiDebugV1Whoami())
    expect(error).toMatchObject({ code: 'invalid_configuration', option: 'url' })
    expect(inspect(error)).not.toContain('pa55')
  })

  test('a secret that is a function is asked for each request; its failure is not repeated', async () => {
    let turn = 0
    const rotating = client({ projectSecret: async () => `s${++turn}` })
    await rotating.apiDebugV1Whoami()
    await rotating.apiDebugV1Whoami()
    const sent = server.requests.map(({ headers }) => atob(headers['authorization']!.slice(6)))
    expect(sent).toEqual(['project-1:s1', 'project-1:s2'])
    const failing = client({ projectSecret: () => Promise.reject(new Error(SECRET)) })
    expect(inspect(await failure(failing.apiDebugV1Whoami()))).not.toContain(SECRET)
  })

  test('no credentials go where the document says none', async () => {
    await client().apiSessionV1GetJwks({ project_id: 'project-1' })
    const grant = {
      project_id: 'project-1',
      grant_type: 'client_credentials',
      client_id: 'c',
      client_secret: 's',
    }
    vi.stubEnv('COUNTERSIGN_CLIENT_ID', 'c')
    vi.stubEnv('COUNTERSIGN_CLIENT_SECRET', 's')
    await client().apiM2mV1M2mOauth2Token(grant)
    expect(server.requests.map(({ line }) => line)).toEqual([
      'GET /v1/sessions/jwks/project-1',
      'POST /v1/public/project-1/oauth2/token',
    ])
    for (const { headers } of server.requests) expect(headers['authorization']).toBeUndefined()
  })

  test('a transport of one call, of a client, of one’s own', async () => {
    const calls: string[] = []
    const own: Transport = async ({ operation, arguments: args }) => {
      calls.push(`${operation.name} ${JSON.stringify(args)}`)
      return Response.json({ own: true })
    }
    await expect(countersign.apiM2mV1M2mClientsGet({ client_id: 'a' }, { transport: own })).resolves.toEqual({
      own: true,
    })
    await countersign.create(own).apiM2mV1M2mClientsGet({ client_id: 'b' })
    await countersign.create({ transport: own }).apiM2mV1M2mClientsGet({ client_id: 'c' })
    expect(calls).toEqual(['a', 'b', 'c'].map((id) => `apiM2mV1M2mClientsGet {"client_id":"${id}"}`))
  })

  test('headers of the configuration and of the call, the call’s last', async () => {
    const configured = client({ headers: { 'x-a': '1', 'x-b': '1' } })
    await configured.apiDebugV1Whoami({}, { headers: { 'X-B': '2' } })
    expect(server.requests[0]!.headers).toMatchObject({ 'x-a': '1', 'x-b': '2' })
    const error = await failure(configured.apiDebugV1Whoami({}, { headers: { 'x-c': `${SECRET}\n` } }))
    expect(error).toBeInstanceOf(ArgumentError)
    expect(inspect(error)).not.toContain(SECRET)
  })

  test('where there is no process', async () => {
    vi.stubGlobal('process', undefined)
    const call = client().apiDebugV1Whoami()
    const missing = countersign.apiDebugV1Whoami().catch((error: ConfigurationError) => error.option)
    vi.unstubAllGlobals()
    await expect(call).resolves.toEqual({})
    await expect(missing).resolves.toBe('url')
  })
})

describe('refusals', () => {
  test.each([
    [
      {
        status_code: 404,
        request_id: 'request-id-1',
        error_type: 'client_not_found',
        error_message: 'No such client.',
        error_url: 'https://x/404',
      },
      'client_not_found',
      'request-id-1',
      'https://x/404',
    ],
    [
      { error: 'invalid_client', error_description: 'Who?', error_uri: 'https://x/c', request_id: 'r2' },
      'invalid_client',
      'r2',
      'https://x/c',
    ],
    [{ error_type: 'second', error: 'first' }, 'first', undefined, undefined],
    [{}, 'http_404', undefined, undefined],
    [[1], 'http_404', undefined, undefined],
    [null, 'http_404', undefined, undefined],
    [{ error_type: { a: 1 }, error: 'a b\n' }, 'http_404', undefined, undefined],
  ])('%o', async (body, code, requestId, errorUrl) => {
    server.answers = [{ status: 404, body: JSON.stringify(body) }]
    const error = await failure(client().apiM2mV1M2mClientsGet({ client_id: 'x' }))
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ name: 'ApiError', code, status: 404, requestId, errorUrl, body })
  })

  test.each([
    ['text/html', '<h1>no</h1>'],
    ['application/json', '{"broken'],
    ['application/json', 'x'.repeat(100_000)],
  ])('that are no JSON: %s', async (type, body) => {
    const headers = { 'content-type': type, 'x-request-id': 'r3' }
    server.answers = [{ status: 400, headers, body }]
    expect(await failure(client().apiDebugV1Whoami())).toMatchObject({ code: 'http_400', requestId: 'r3' })
  })

  test('a success that is not what the document says is none', async () => {
    server.answers = [{ headers: { 'content-type': 'text/html' }, body: '<h1>Sign in</h1>' }]
    expect(await failure(client().apiDebugV1Whoami())).toMatchObject({ code: 'invalid_answer', status: 200 })
    server.answers = [{ body: '{"broken' }]
    expect(await failure(client().apiDebugV1Whoami())).toMatchObject({ code: 'invalid_answer', status: 200 })
  })

  test('a message of a stranger’s cannot write lines into a log', async () => {
    server.answers = [{ status: 400, body: { error_type: 'bad', error_message: 'a\r\n\u001b[31mb\u2028c' } }]
    expect((await failure(client().apiDebugV1Whoami())).message).toBe(
      'apiDebugV1Whoami: bad (HTTP 400): a [31mb c',
    )
  })

  test('the request id of a success', async () => {
    server.answers = [{ body: { request_id: 'r4' } }]
    const seen: unknown[] = []
    await client().apiDebugV1Whoami({}, { onAnswer: ({ status, requestId }) => seen.push(status, requestId) })
    expect(seen).toEqual([200, 'r4'])
  })
})

describe('connections', () => {
  test.each([301, 302, 303, 307, 308])('%i is not followed', async (status) => {
    const other = await upstream()
    server.answers = [{ status, headers: { location: `${other.url}/stolen` } }]
    const error = await failure(client().apiDebugV1Whoami())
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error.code).toBe('redirected')
    expect(other.requests).toEqual([])
    await other.close()
  })

  test('a time that is over', async () => {
    server.answers = [{ fault: 'hang' }]
    expect(await failure(client({ timeout: 20 }).apiDebugV1Whoami())).toMatchObject({ code: 'timeout' })
    server.answers = [{ fault: 'half' }]
    expect(await failure(client().apiDebugV1Whoami({}, { timeout: 20 }))).toMatchObject({ code: 'timeout' })
    const deaf: Transport = () => new Promise(() => {})
    const options = { transport: deaf, timeout: 20 }
    expect(await failure(countersign.apiDebugV1Whoami({}, options))).toMatchObject({ code: 'timeout' })
  })

  test('the caller’s signal, before and during', async () => {
    const before = await failure(
      client().apiDebugV1Whoami({}, { signal: AbortSignal.abort(new Error(SECRET)) }),
    )
    expect(before).toMatchObject({ name: 'ConnectionError', code: 'aborted' })
    expect(server.requests).toHaveLength(0)
    const controller = new AbortController()
    server.answers = [{ fault: 'hang' }]
    const during = failure(client().apiDebugV1Whoami({}, { signal: controller.signal }))
    await vi.waitFor(() => expect(server.requests).toHaveLength(1))
    controller.abort()
    expect(await during).toMatchObject({ name: 'ConnectionError', code: 'aborted' })
  })

  test('nobody there', async () => {
    const error = await failure(client({ url: 'http://127.0.0.1:1', retries: 0 }).apiDebugV1Whoami())
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'unreachable' })
  })

  test('an error of a foreign fetch is not shown', async () => {
    const fetch = (_: unknown, init: RequestInit) =>
      Promise.reject(Object.assign(new Error(inspect(init.headers)), { code: 'EODD', config: init }))
    const error = await failure(client({ fetch, retries: 0 }).apiDebugV1Whoami())
    expect(error).toMatchObject({ code: 'unreachable', reason: 'EODD' })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(btoa(`project-1:${SECRET}`))
  })
})

describe('repetitions', () => {
  beforeEach(() => clock.pauses.splice(0))

  test.each([
    ['GET', 500, {}, 3],
    ['GET', 502, {}, 3],
    ['GET', 503, {}, 3],
    ['GET', 504, {}, 3],
    ['GET', 429, {}, 3],
    ['GET', 501, {}, 1],
    ['GET', 400, {}, 1],
    ['GET', 401, {}, 1],
    ['POST', 500, {}, 1],
    ['POST', 503, {}, 1],
    ['POST', 503, { 'retry-after': '1' }, 3],
    ['POST', 429, {}, 3],
  ])('%s and %i with %o: %i requests', async (method, status, headers, count) => {
    server.answers = [{ status, headers }]
    const call =
      method === 'GET' ? client().apiDebugV1Whoami() : client().apiM2mV1M2mClientsCreate({ scopes: ['a'] })
    expect(await failure(call)).toMatchObject({ status })
    expect(server.requests).toHaveLength(count)
    expect(new Set(server.requests.map(({ body }) => body)).size).toBe(1)
  })

  test('a broken connection is met again by GET, not by POST', async () => {
    server.answers = [{ fault: 'break' }, { fault: 'break' }, { body: { ok: 1 } }]
    await expect(client().apiDebugV1Whoami()).resolves.toEqual({ ok: 1 })
    server.requests.length = 0
    server.answers = [{ fault: 'break' }]
    expect(await failure(client().apiM2mV1M2mClientsCreate())).toMatchObject({ code: 'unreachable' })
    expect(server.requests).toHaveLength(1)
  })

  test('pauses grow, and Retry-After counts', async () => {
    server.answers = [{ status: 500 }]
    await failure(client({ retries: 3 }).apiDebugV1Whoami())
    expect(clock.pauses).toEqual([187.5, 375, 750])
    clock.pauses.length = 0
    server.answers = [{ status: 429, headers: { 'retry-after': '7' } }, {}]
    await client().apiDebugV1Whoami()
    expect(clock.pauses).toEqual([7125])
  })

  test('a pause that would outlast the call is not made', async () => {
    server.answers = [{ status: 429, headers: { 'retry-after': '3600' } }]
    expect(await failure(client().apiDebugV1Whoami())).toMatchObject({ status: 429, retryAfter: 3600 })
    expect(server.requests).toHaveLength(1)
    expect(clock.pauses).toEqual([])
  })

  test('none when none are wanted', async () => {
    server.answers = [{ status: 500 }]
    await failure(client({ retries: 0 }).apiDebugV1Whoami())
    expect(server.requests).toHaveLength(1)
  })
})

describe('the gateway', () => {
  const tokens = () => {
    const forgotten: string[] = []
    let turn = 0
    return {
      forgotten,
      token: async () => `token-${turn + 1}`,
      forget: (token: string) => void forgotten.push(`${token}${++turn && ''}`),
    }
  }

  test('one JSON object of flat arguments, with a token', async () => {
    const through = countersign.create({ gatewayUrl: `${server.url}/gateway/`, tokenSource: tokens() })
    await through.apiM2mV1M2mClientsUpdate({ client_id: 'c/1', scopes: ['a'] })
    expect(server.requests).toEqual([
      {
        line: 'POST /gateway/tools/countersign/apiM2mV1M2mClientsUpdate',
        headers: expect.objectContaining({
          authorization: 'Bearer token-1',
          'content-type': 'application/json',
        }),
        body: '{"client_id":"c/1","scopes":["a"]}',
      },
    ])
  })

  test('from the environment alone: the token is for the gateway', async () => {
    vi.stubEnv('COUNTERSIGN_GATEWAY_URL', `${server.url}/gateway`)
    vi.stubEnv('COUNTERSIGN_URL', server.url)
    vi.stubEnv('COUNTERSIGN_PROJECT_ID', 'project-1')
    vi.stubEnv('COUNTERSIGN_CLIENT_ID', 'client-1')
    vi.stubEnv('COUNTERSIGN_CLIENT_SECRET', SECRET)
    server.answers = [
      { body: { access_token: 'tok', token_type: 'bearer', expires_in: 3600 } },
      { body: { ok: 1 } },
    ]
    await countersign.apiDebugV1Whoami()
    await countersign.apiDebugV1Whoami()
    expect(server.requests.map(({ line }) => line)).toEqual([
      'POST /v1/public/project-1/oauth2/token',
      'POST /gateway/tools/countersign/apiDebugV1Whoami',
      'POST /gateway/tools/countersign/apiDebugV1Whoami',
    ])
    expect(new URLSearchParams(server.requests[0]!.body).get('resource')).toBe(`${server.url}/gateway`)
    expect(server.requests[1]!.headers['authorization']).toBe('Bearer tok')
  })

  const refusal = (status: number, more: object = {}) => ({
    status,
    headers: { 'content-type': 'application/json', 'countersign-error': 'gateway' },
    body: {
      status_code: status,
      request_id: 'r1',
      error_type: 'forbidden',
      error_message: 'No.',
      error_url: 'https://x',
      ...more,
    },
  })

  test('its refusals are its own class', async () => {
    server.answers = [
      refusal(403, { reason: 'missing_scope', rule: 'default', needed_scope: 'gateway:countersign' }),
    ]
    const through = countersign.create({ gatewayUrl: server.url, tokenSource: tokens() })
    const error = await failure(through.apiDebugV1Whoami())
    expect(error).toBeInstanceOf(GatewayError)
    expect(error).toMatchObject({
      code: 'forbidden',
      status: 403,
      reason: 'missing_scope',
      rule: 'default',
      neededScope: 'gateway:countersign',
      requestId: 'r1',
    })
  })

  test('a refused token is dropped and another tried once; 401 of the API behind is none', async () => {
    const source = tokens()
    const through = countersign.create({ gatewayUrl: server.url, tokenSource: source })
    server.answers = [refusal(401), { body: { ok: 1 } }]
    await expect(through.apiM2mV1M2mClientsCreate({})).resolves.toEqual({ ok: 1 })
    expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ])
    expect(source.forgotten).toEqual(['token-1'])
    server.answers = [refusal(401)]
    server.requests.length = 0
    expect(await failure(through.apiDebugV1Whoami())).toBeInstanceOf(GatewayError)
    expect(server.requests).toHaveLength(2)
    server.requests.length = 0
    server.answers = [{ status: 401, body: { error_type: 'unauthorized_credentials' } }]
    const error = await failure(through.apiDebugV1Whoami())
    expect(error).not.toBeInstanceOf(GatewayError)
    expect([error.code, server.requests.length]).toEqual(['unauthorized_credentials', 1])
  })

  test('what repeats is decided by the operation, not by its POST', async () => {
    const through = countersign.create({ gatewayUrl: server.url, tokenSource: tokens(), clock })
    server.answers = [{ status: 502 }]
    await failure(through.apiM2mV1M2mClientsGet({ client_id: 'x' }))
    expect(server.requests).toHaveLength(3)
    server.requests.length = 0
    await failure(through.apiM2mV1M2mClientsCreate({}))
    expect(server.requests).toHaveLength(1)
  })

  test.each<[string, unknown]>([
    ['bytes', new Uint8Array(1)],
    ['a file', new Blob(['x'])],
    ['no number', Number.NaN],
    ['a map', { inside: [new Map()] }],
    ['a bigint', 1n],
  ])('%s cannot go through', async (_, value) => {
    const transport = gatewayTransport({ gatewayUrl: server.url, provider: 'x', tokenSource: tokens() })
    const api = apiModule({ provider: 'x', prefix: 'X', servers: [], security: {} })
    const operation = { name: 'upload', method: 'POST', path: '/u', body: { type: 'a/b', argument: 'body' } }
    const error = await failure(api.call(operation, { body: value }, { transport }))
    expect(error).toMatchObject({ name: 'ArgumentError', code: 'unusable_argument', argument: 'body' })
    expect(server.requests).toHaveLength(0)
  })
})

describe('nothing shows a secret', () => {
  const shown = (value: unknown): string => {
    const options = { depth: 20, showHidden: true, showProxy: true, maxStringLength: null }
    return `${inspect(value, options)}${value instanceof Error ? String(value) : ''}${JSON.stringify(value) ?? ''}`
  }
  const hidden = [SECRET, btoa(`project-1:${SECRET}`), 'shown-once']

  test('no object of ours', () => {
    const configured = client()
    countersign.configure({ url: server.url, projectId: 'p', projectSecret: SECRET })
    const objects = [
      configured,
      countersign,
      { ...countersign },
      direct(),
      basic('u', SECRET),
      bearer(SECRET),
      apiKey('query', 'k', SECRET),
    ]
    for (const text of objects.map(shown)) for (const secret of hidden) expect(text).not.toContain(secret)
  })

  test.each([
    [
      'a refusal',
      {
        status: 400,
        body: { error_type: 'bad', error_message: 'No.', m2m_client: { client_secret: 'shown-once' } },
      },
    ],
    ['a redirect', { status: 302, headers: { location: 'https://x' } }],
    ['an answer that breaks off', { fault: 'break' as const }],
    ['a success that is no JSON', { body: '{"client_secret":"shown-once"' }],
    ['a success of another type', { headers: { 'content-type': 'text/plain' }, body: 'shown-once' }],
  ])('no error: %s', async (_, answer) => {
    server.answers = [answer]
    const error = await failure(client({ retries: 0 }).apiM2mV1M2mClientsCreate({ client_secret: SECRET }))
    for (const secret of hidden) expect(shown(error)).not.toContain(secret)
  })

  test.each<[string, () => Promise<unknown>]>([
    [
      'an argument',
      () => client().apiM2mV1M2mClientsGet({ client_id: SECRET, [SECRET.slice(0, 3)]: 1 } as never),
    ],
    [
      'a secret with a line break',
      () => client({ projectSecret: `${SECRET}`, projectId: `${SECRET}:x` }).apiDebugV1Whoami(),
    ],
    [
      'a bearer token with a line break',
      async () => {
        await bearer(`${SECRET}\n`)({ headers: new Headers(), query: [], cookies: [] })
      },
    ],
  ])('no error of ours: %s', async (_, call) => {
    const error = await failure(call())
    expect(error.message).toBeTruthy()
    for (const secret of hidden) expect(shown(error)).not.toContain(secret)
  })
})
