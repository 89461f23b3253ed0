// The middlewares in the real frameworks, over real sockets: what left the building counts.
import { request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import express5, { type Express } from 'express'
// @ts-expect-error The types are those of version 5; what is used of 4 is the same.
import express4 from 'express4'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterEach, describe, expect, test } from 'vitest'
import * as ofExpress from '../src/express.js'
import * as ofFastify from '../src/fastify.js'
import * as ofHono from '../src/hono.js'
import { Refusal } from '../src/refusal.js'
import { type Verifier, verifier } from '../src/verifier.js'
import { ConfigurationError } from '../src/configuration-error.js'
import { PROJECT, NOW, Signer, URL_, testClock } from './support.js'

const signer = new Signer('jwk-1')
const good: Verifier = verifier({
  url: URL_,
  projectId: PROJECT,
  keys: { keys: [signer.jwk] },
  clock: testClock(),
})

/** Starts an app with the routes below, and `/bare`, which has no protection. */
type Start = (verifier: Verifier) => Promise<{ url: string; stop: () => Promise<unknown> }>

/** What the log of the service was told. */
const told: { refusal: Refusal; request: object }[] = []

const ROUTES = {
  open: {},
  read: { scopes: ['read:users'] },
  admin: { scopes: ['read:users', 'admin:all'] },
  logged: { onRefusal: (refusal: Refusal, request: object) => told.push({ refusal, request }) },
  broken: { onRefusal: () => Promise.reject(new Error('the log is full')) },
}

async function listening(server: Server) {
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, stop: () => new Promise((resolve) => server.close(resolve)) }
}

const startExpress =
  (express: () => Express): Start =>
  async (verifier) => {
    const app = express()
    for (const [path, options] of Object.entries(ROUTES)) {
      app.all(`/${path}`, ofExpress.authenticated(verifier, options), (request, response) => {
        response.json({ caller: ofExpress.identity(request).clientId })
      })
    }
    app.get('/bare', (request, response) => void response.json(ofExpress.identity(request)))
    app.use((error: Error, _: unknown, response: ofExpress.ExpressResponse, next: unknown) => {
      void next // Express knows an error handler by its four arguments.
      response.statusCode = 500
      response.end(error.message)
    })
    return listening(app.listen(0, '127.0.0.1'))
  }

const startFastify: Start = async (verifier) => {
  const app = fastify()
  for (const [path, options] of Object.entries(ROUTES)) {
    app.all(`/${path}`, { onRequest: ofFastify.authenticated(verifier, options) }, async (request) => ({
      caller: ofFastify.identity(request).clientId,
    }))
  }
  app.get('/bare', async (request) => ofFastify.identity(request))
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), stop: () => app.close() }
}

const startHono: Start = async (verifier) => {
  const app = new Hono()
  for (const [path, options] of Object.entries(ROUTES)) {
    app.all(`/${path}`, ofHono.authenticated(verifier, options), (context) =>
      context.json({ caller: ofHono.identity(context).clientId }),
    )
  }
  app.get('/bare', (context) => context.json(ofHono.identity(context)))
  app.onError((error, context) => context.text(error.message, 500))
  return listening(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server)
}

describe.each<[string, Start]>([
  ['express 5', startExpress(express5)],
  ['express 4', startExpress(express4 as unknown as () => Express)],
  ['fastify', startFastify],
  ['hono', startHono],
])('%s', (_, start) => {
  let running: Awaited<ReturnType<Start>> | undefined
  afterEach(() => running?.stop())

  const arrange = async (verifier: Verifier = good) => {
    const app = await start(verifier)
    running = app
    return async (path: string, authorization?: string, init: RequestInit = {}) => {
      const headers = authorization === undefined ? {} : { authorization }
      const response = await fetch(app.url + path, { ...init, headers })
      const text = await response.text()
      const header = (name: string) => response.headers.get(name)
      return {
        status: response.status,
        text,
        challenge: header('www-authenticate'),
        type: header('content-type')?.split(';')[0],
        retryAfter: header('retry-after'),
      }
    }
  }

  test('lets in a good token, in any spelling of the scheme, and says who it is', async () => {
    const call = await arrange()
    for (const scheme of ['Bearer', 'bearer', 'BEARER ']) {
      const answer = await call('/read', `${scheme} ${signer.token()}`)
      expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { caller: 'm2m-client-test-1' }])
    }
    expect(
      (await call('/open', `Bearer ${signer.token({ scope: '' })}`, { method: 'POST', body: 'x' })).status,
    ).toBe(200)
  })

  test('takes no token of two', async () => {
    await arrange()
    const token = `Bearer ${signer.token()}`
    for (const pair of [
      [token, token],
      [token, 'Bearer other'],
      ['Bearer other', token],
    ]) {
      const status = await new Promise((resolve, reject) => {
        const headers = pair.flatMap((value) => ['Authorization', value])
        const host = new URL(running!.url).host
        request(`${running!.url}/read`, { headers: ['Host', host, ...headers] as never }, (response) => {
          resolve(response.resume().statusCode)
        })
          .on('error', reject)
          .end()
      })
      expect(status).toBe(401)
    }
  })

  test.each([undefined, 'Basic dXNlcjpwYXNz', 'Bearer', 'Bearer ', 'Bearertoken'])(
    '%j shows no token',
    async (authorization) => {
      const call = await arrange()
      expect(await call('/open', authorization)).toEqual({
        status: 401,
        challenge: 'Bearer',
        type: 'application/json',
        retryAfter: null,
        text: '{"error":"invalid_token","reason":"missing_token"}',
      })
    },
  )

  test.each([
    ['malformed', 'x'],
    ['malformed', `${signer.token()}, Bearer ${signer.token()}`],
    ['expired', signer.token({ exp: NOW })],
    ['bad_signature', signer.token().replace(/.{8}$/, 'AAAAAAAA')],
    ['wrong_audience', signer.token({ aud: 'other' })],
  ])('a token is refused as %s', async (reason, token) => {
    const call = await arrange()
    expect(await call('/read', `Bearer ${token}`)).toEqual({
      status: 401,
      challenge: 'Bearer error="invalid_token"',
      type: 'application/json',
      retryAfter: null,
      text: JSON.stringify({ error: 'invalid_token', reason }),
    })
  })

  test('a token without a scope is forbidden and told which', async () => {
    const call = await arrange()
    expect(await call('/admin', `Bearer ${signer.token()}`)).toEqual({
      status: 403,
      challenge: 'Bearer error="insufficient_scope", scope="read:users admin:all"',
      type: 'application/json',
      retryAfter: null,
      text: '{"error":"insufficient_scope","reason":"missing_scope"}',
    })
  })

  test('scopes are needed also with a verifier that does not check them', async () => {
    const call = await arrange({ verify: (token) => good.verify(token) })
    expect((await call('/read', `Bearer ${signer.token({ scope: 'read:*' })}`)).status).toBe(200)
    expect(await call('/admin', `Bearer ${signer.token()}`)).toMatchObject({
      status: 403,
      challenge: 'Bearer error="insufficient_scope", scope="read:users admin:all"',
    })
    expect((await call('/read', `Bearer ${signer.token({ scope: '' })}`)).status).toBe(403)
  })

  test('keys that cannot be had are not the token’s fault', async () => {
    const call = await arrange({
      verify: () => Promise.reject(new Refusal('keys_unavailable', { retryAfter: 7 })),
    })
    expect(await call('/open', 'Bearer x')).toEqual({
      status: 503,
      challenge: null,
      type: 'application/json',
      retryAfter: '7',
      text: '{"error":"temporarily_unavailable","reason":"keys_unavailable"}',
    })
  })

  test('a log is told of each refusal, with its request, and of nothing else', async () => {
    told.length = 0
    const call = await arrange()
    expect((await call('/logged', `Bearer ${signer.token()}`)).status).toBe(200)
    expect(told).toEqual([])
    expect((await call('/logged', `Bearer ${signer.token({ exp: NOW })}`)).status).toBe(401)
    expect((await call('/logged')).status).toBe(401)
    expect(told.map(({ refusal }) => refusal.code)).toEqual(['expired', 'missing_token'])
    for (const { request } of told) {
      const { req = request } = request as { req?: object }
      expect((req as { url: string }).url).toMatch(/\/logged$/)
      expect((req as { method: string }).method).toBe('GET')
    }
  })

  test('a log that fails opens no door', async () => {
    const call = await arrange()
    expect((await call('/broken', 'Bearer x')).status).toBe(500)
    expect((await call('/broken', `Bearer ${signer.token()}`)).status).toBe(200)
  })

  test('what is no refusal is an error of the service, not an open door', async () => {
    const call = await arrange({ verify: () => Promise.reject(new TypeError('a bug')) })
    expect((await call('/open', 'Bearer x')).status).toBe(500)
  })

  test('a route without protection cannot ask who is calling', async () => {
    const call = await arrange()
    expect((await call('/bare', `Bearer ${signer.token()}`)).status).toBe(500)
  })
})

test.each([
  ['express', ofExpress],
  ['fastify', ofFastify],
  ['hono', ofHono],
])('%s refuses scopes that are none where the route is made', (_, { authenticated }) => {
  for (const scope of ['', 'read write', 'a"b', 'a\\b', 'ä']) {
    expect(() => authenticated(good, { scopes: [scope] })).toThrow(ConfigurationError)
  }
})
