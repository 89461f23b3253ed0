import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../src/configuration-error.js'
import { fetchWithToken, type FetchWithTokenOptions } from '../src/fetch-with-token.js'
import { failure, recorder } from './support.js'

function arrange(
  answer: (request: Request, count: number) => Response,
  { given = ['t1', 't2', 't3'], ...options }: FetchWithTokenOptions & { given?: string[] } = {},
) {
  const service = recorder(answer)
  const forgotten: string[] = []
  const tokens = {
    token: async ({ signal }: { signal?: AbortSignal | undefined } = {}) => {
      signal?.throwIfAborted()
      if (forgotten.length >= given.length) throw new Error('no more tokens')
      return given[forgotten.length]!
    },
    forget: (token: string) => void forgotten.push(token),
  }
  return { service, forgotten, call: fetchWithToken(tokens, { fetch: service.fetch, ...options }) }
}

const authorizations = ({ requests }: { requests: Request[] }) =>
  requests.map((request) => request.headers.get('authorization'))

/** Accepts the second token and later ones. */
const refusesFirst = (_: Request, count: number) =>
  new Response(`answer ${count}`, { status: count === 1 ? 401 : 200 })

test('an origin that is none is refused when the function is made', () => {
  const source = { token: async () => 't', forget: () => {} }
  expect(() => fetchWithToken(source, { origins: ['api.example.com'] })).toThrow(ConfigurationError)
  expect(() => fetchWithToken(source, { origins: ['api.example.com:443'] })).toThrow(ConfigurationError)
})

describe('fetchWithToken', () => {
  test('sends the token beside everything else', async () => {
    const { service, call } = arrange(() => new Response('ok'))
    await call('https://api.example/a', {
      method: 'PUT',
      headers: { 'x-a': '1', authorization: 'Basic x' },
      body: 'b',
    })
    const [request] = service.requests
    expect([request!.method, request!.url, service.bodies[0]]).toEqual(['PUT', 'https://api.example/a', 'b'])
    expect([request!.headers.get('x-a'), request!.headers.get('authorization')]).toEqual(['1', 'Bearer t1'])
  })

  test('takes a URL and a Request, whose headers stay', async () => {
    const { service, call } = arrange(() => new Response('ok'))
    await call(new URL('https://api.example/b'))
    await call(new Request('https://api.example/c', { method: 'POST', headers: { 'x-a': '1' }, body: 'c' }))
    expect(service.requests.map((request) => request.url)).toEqual([
      'https://api.example/b',
      'https://api.example/c',
    ])
    expect(service.requests[1]!.headers.get('x-a')).toBe('1')
    expect(service.bodies[1]).toBe('c')
    expect(authorizations(service)).toEqual(['Bearer t1', 'Bearer t1'])
  })

  test.each<[string, BodyInit | undefined]>([
    ['no body', undefined],
    ['a text', 'text'],
    ['a form', new URLSearchParams({ a: 'b' })],
    ['bytes', new Uint8Array([1, 2])],
    ['a buffer', new ArrayBuffer(2)],
    ['a blob', new Blob(['x'])],
  ])('after a 401 a call with %s is made once more, with a new token', async (_, body) => {
    const { service, forgotten, call } = arrange(refusesFirst)
    const response = await call('https://api.example', {
      method: body === undefined ? 'GET' : 'POST',
      body: body ?? null,
    })
    expect(await response.text()).toBe('answer 2')
    expect(authorizations(service)).toEqual(['Bearer t1', 'Bearer t2'])
    expect(service.bodies[1]).toBe(service.bodies[0])
    expect(forgotten).toEqual(['t1'])
  })

  test('a second 401 is the answer', async () => {
    const { service, call } = arrange(() => new Response('', { status: 401 }))
    expect((await call('https://api.example')).status).toBe(401)
    expect(service.requests).toHaveLength(2)
  })

  test.each<[string, () => [RequestInfo, RequestInit?]]>([
    [
      'a stream',
      () => [
        'https://api.example',
        { method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' } as RequestInit,
      ],
    ],
    ['a Request with a body', () => [new Request('https://api.example', { method: 'POST', body: 'x' })]],
  ])('%s is not sent twice, but the token is dropped', async (_, made) => {
    const { service, forgotten, call } = arrange(refusesFirst)
    expect((await call(...made())).status).toBe(401)
    expect(service.requests).toHaveLength(1)
    expect(forgotten).toEqual(['t1'])
  })

  test('without another token, the 401 is the answer and can be read', async () => {
    for (const given of [['t1', 't1'], ['t1']]) {
      const { service, call } = arrange(refusesFirst, { given })
      const response = await call('https://api.example')
      expect([response.status, await response.text()]).toEqual([401, 'answer 1'])
      expect(service.requests).toHaveLength(1)
    }
  })

  test('403 and other answers are left alone', async () => {
    const { service, call } = arrange(() => new Response('', { status: 403 }))
    expect((await call('https://api.example')).status).toBe(403)
    expect(service.requests).toHaveLength(1)
  })

  test('another origin gets no token', async () => {
    const { service, call } = arrange(() => new Response('ok'), { origins: ['https://api.example'] })
    await call('https://api.example/x')
    for (const url of [
      'https://evil.example/',
      'http://api.example/',
      'https://api.example:444/',
      'https://api.example@evil.example',
    ]) {
      expect(await failure(call(url))).toMatchObject({ name: 'ConfigurationError', option: 'origins' })
    }
    expect(service.requests).toHaveLength(1)
  })

  test('the signal of a call, or of its Request, ends the wait for a token', async () => {
    const { service, call } = arrange(() => new Response('ok'))
    const signal = AbortSignal.abort(new Error('enough'))
    expect((await failure(call('https://api.example', { signal }))).message).toBe('enough')
    expect((await failure(call(new Request('https://api.example', { signal })))).message).toBe('enough')
    expect(service.requests).toHaveLength(0)
  })
})
