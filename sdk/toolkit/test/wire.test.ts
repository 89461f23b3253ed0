// Calls of a generated module, as they arrive.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { document } from './fixture.js'
import { given, imported, type Operations, type Recorder, recorder, written } from './support.js'

let server: Recorder
let api: Operations
let create: (configuration: unknown) => Operations

beforeAll(async () => {
  server = await recorder()
  const { module } = await imported(await written(document), 'acme')
  api = module.operations
  create = module.create
  module.configure({ url: `${server.url}/v1`, apiKey: 'k&1' })
})
afterAll(async () => await server.close())
beforeEach(() => {
  server.requests.length = 0
  server.answer = {}
})

/** The call's request, which has to be the only one. */
async function arrived(call: Promise<unknown>) {
  await call
  expect(server.requests).toHaveLength(1)
  return server.requests[0]!
}

const KEY = 'api%20key=k%261'
const values = { text: 'a b/ü', list: ['x', 'y,z', '&'], color: { R: 100, G: 200 } }

describe('styles', () => {
  const TEXT = 'a%20b%2F%C3%BC'
  test.each([
    ['simple', `/v1/simple/${TEXT}/x,y%2Cz,%26/R,100,G,200`],
    ['simpleExplode', `/v1/simple-explode/${TEXT}/x,y%2Cz,%26/R=100,G=200`],
    ['label', `/v1/label/.${TEXT}/.x,y%2Cz,%26/.R,100,G,200`],
    ['labelExplode', `/v1/label-explode/.${TEXT}/.x.y%2Cz.%26/.R=100.G=200`],
    ['matrix', `/v1/matrix/;text=${TEXT}/;list=x,y%2Cz,%26/;color=R,100,G,200`],
    ['matrixExplode', `/v1/matrix-explode/;text=${TEXT}/;list=x;list=y%2Cz;list=%26/;R=100;G=200`],
  ])('%s in the path', async (operation, path) => {
    expect((await arrived(api[operation]!(values))).line).toBe(`GET ${path}?${KEY}`)
  })

  test.each([
    ['form', '/v1/form', 'list=x,y%2Cz,%26&color=R,100,G,200'],
    ['formExplode', '/v1/form-explode', 'list=x&list=y%2Cz&list=%26&R=100&G=200'],
    ['space', '/v1/space', 'list=x%20y%2Cz%20%26&color=R%20100%20G%20200'],
    ['pipe', '/v1/pipe', 'list=x%7Cy%2Cz%7C%26&color=R%7C100%7CG%7C200'],
  ])('%s in the query', async (operation, path, query) => {
    const { line } = await arrived(api[operation]!(values))
    expect(line).toBe(`GET ${path}?text=${TEXT}&${query}&${KEY}`)
  })

  test('deepObject in the query, with a member of a member', async () => {
    const { line } = await arrived(api['deep']!({ color: { R: 1, G: { in: ['a', 'b'] } } }))
    expect(line).toBe(`GET /v1/deep?color%5BR%5D=1&color%5BG%5D%5Bin%5D=a&color%5BG%5D%5Bin%5D=b&${KEY}`)
  })

  test('headers carry text as it is, cookies percent-encoded', async () => {
    const { headers } = await arrived(api['header']!({ ...values, text: 'a b/ü' }))
    expect(headers['text']).toBe('a b/ü')
    expect(headers['list']).toBe('x,y,z,&')
    expect(headers['color']).toBe('R,100,G,200')
    server.requests.length = 0
    expect((await arrived(api['cookie']!(values))).headers['cookie']).toBe(
      `text=${TEXT}; list=x,y%2Cz,%26; color=R,100,G,200`,
    )
  })

  // A URL's query has no quote: the URL Standard encodes it, whoever writes it.
  test('reserved characters stay where the document says so, without ending the value', async () => {
    const { line } = await arrived(
      api['reserved']!({ kept: "a:/?@!$'()*,;=b&c#d+e%f[g]", encoded: 'a:/?', 'as json': { a: ['1'] } }),
    )
    expect(line).toBe(
      `GET /v1/reserved?kept=a:/?@!$%27()*,;=b%26c%23d%2Be%25f%5Bg%5D&encoded=a%3A%2F%3F` +
        `&as%20json=%7B%22a%22%3A%5B%221%22%5D%7D&${KEY}`,
    )
  })

  test('absent, empty and null are no parameter', async () => {
    const { line } = await arrived(api['formExplode']!({ text: undefined, list: [], color: null }))
    expect(line).toBe(`GET /v1/form-explode?${KEY}`)
  })
})

describe('collisions', () => {
  test('names that are used twice have their place in front, and so has a name that was made', async () => {
    const args = {
      path_id: 'p',
      query_id: 1,
      header_id: 'h',
      query_path_id: 'qp',
      query_note: 'n',
      body_note: 'bn',
      title: 't',
      body_id: 'b',
    }
    const { line, headers, body } = await arrived(api['collide']!(args))
    expect(line).toBe(`POST /v1/collide/p?note=n&id=1&path_id=qp&${KEY}`)
    expect(headers['id']).toBe('h')
    expect(headers['authorization']).toBeUndefined()
    expect(JSON.parse(body)).toEqual({ note: 'bn', title: 't', id: 'b' })
  })

  test('a whole body is the argument `body`, or `body_body` beside a parameter of this name', async () => {
    const { line, body } = await arrived(api['whole']!({ path_body: 'x', body_body: ['a'] }))
    expect([line, body]).toEqual([`PUT /v1/whole/x?${KEY}`, '["a"]'])
  })

  test('a member that no schema names goes along, `__proto__` too', async () => {
    const args = JSON.parse('{"title":"t","__proto__":{"polluted":true},"more":1}') as object
    const { body } = await arrived(api['maybe']!(args))
    expect(body).toBe('{"title":"t","__proto__":{"polluted":true},"more":1}')
  })
})

describe('bodies', () => {
  test('a body that may be left out is left out when no member is given', async () => {
    const { headers, body } = await arrived(api['maybe']!())
    expect([headers['content-type'], body]).toEqual([undefined, ''])
  })

  test.each([
    ['choice', { body: ['a'] }, '["a"]'],
    ['map', { body: { a: 'b' } }, '{"a":"b"}'],
  ])('%s is one argument', async (operation, args, expected) => {
    const { headers, body } = await arrived(api[operation]!(args))
    expect([headers['content-type'], body]).toEqual(['application/json', expected])
  })

  test('x-www-form-urlencoded', async () => {
    const { headers, body } = await arrived(
      api['urlencoded']!({ name: 'a b&c', tags: ['x', 'y'], plain: { R: 1 }, deep: { R: 2 } }),
    )
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(body).toBe('name=a%20b%26c&tags=x&tags=y&plain=%7B%22R%22%3A1%7D&deep%5BR%5D=2')
  })

  test('multipart', async () => {
    const file = new File(['content'], 'f.txt', { type: 'text/csv' })
    const { headers, body } = await arrived(api['multipart']!({ file, tags: ['x', 'y'], color: { R: 1 } }))
    const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(headers['content-type'] ?? '')?.[1]
    expect(body.replaceAll(boundary!, 'B')).toBe(
      [
        '--B\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\nContent-Type: text/csv\r\n\r\ncontent',
        '--B\r\nContent-Disposition: form-data; name="tags"\r\n\r\nx',
        '--B\r\nContent-Disposition: form-data; name="tags"\r\n\r\ny',
        '--B\r\nContent-Disposition: form-data; name="color"; filename="blob"\r\n' +
          'Content-Type: application/json\r\n\r\n{"R":1}',
        '--B--\r\n',
      ].join('\r\n'),
    )
  })

  test('text both ways', async () => {
    server.answer = { headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'grüße' }
    await expect(api['plain']!({ body: 'hällo' })).resolves.toBe('grüße')
    expect(server.requests[0]).toMatchObject({ body: 'hällo', headers: { 'content-type': 'text/plain' } })
  })

  test('bytes both ways', async () => {
    server.answer = { headers: { 'content-type': 'application/octet-stream' }, body: new Uint8Array([1, 2]) }
    const answer = await api['bytes']!({ body: new Blob(['bytes']) })
    expect([...new Uint8Array(await (answer as Blob).arrayBuffer())]).toEqual([1, 2])
    expect(server.requests[0]).toMatchObject({
      body: 'bytes',
      headers: { 'content-type': 'application/octet-stream' },
    })
  })

  test('no content is undefined', async () => {
    server.answer = { status: 204 }
    await expect(api['delete_']!()).resolves.toBeUndefined()
  })
})

describe('credentials', () => {
  test('none where the document says none, though there are some', async () => {
    const { line, headers } = await arrived(api['configure']!())
    expect([line, headers['authorization']]).toEqual(['GET /v1/nothing', undefined])
  })

  test('the first set that is complete; where they may be left out, they are sent if they are there', async () => {
    const client = create({ url: server.url, token: () => 'tok' })
    expect((await arrived(client['create']!())).headers['authorization']).toBe('Bearer tok')
    server.requests.length = 0
    expect((await arrived(client['api']!())).headers['authorization']).toBe('Bearer tok')
    server.requests.length = 0
    expect((await arrived(api['api']!())).headers['authorization']).toBeUndefined()
  })

  test('a set is sent whole', async () => {
    const client = create({ url: server.url, username: 'u', password: 'p:ä', apiKey: 'k' })
    const { line, headers } = await arrived(client['callOptions']!())
    expect(line).toBe('PATCH /nothing?api%20key=k')
    expect(headers['authorization']).toBe(`Basic ${Buffer.from('u:p:ä').toString('base64')}`)
  })

  test('an operation with a server of its own does not go to another one', async () => {
    await expect(api['elsewhere']!()).rejects.toMatchObject({
      code: 'missing_configuration',
      option: 'servers',
    })
    const servers = { 'https://other.example.com': `${server.url}/other` }
    const client = create({ url: server.url, servers, apiKey: 'k' })
    expect((await arrived(client['elsewhere']!())).line).toBe('GET /other/elsewhere?api%20key=k')
  })
})

describe('arguments that fit nowhere', () => {
  test.each([
    ['simple', { list: ['a'], color: { R: 1 } }, 'missing_argument', 'text'],
    ['simple', { ...values, more: 1 }, 'unknown_argument', 'more'],
    ['simple', { ...values, text: '' }, 'unusable_argument', 'text'],
    ['simple', { ...values, text: '.' }, 'unusable_argument', 'text'],
    ['simple', { ...values, text: '..' }, 'unusable_argument', 'text'],
    ['simple', { ...values, text: '\ud800' }, 'unusable_argument', 'text'],
    ['simple', { ...values, list: [] }, 'unusable_argument', 'list'],
    ['simple', { ...values, color: { R: { deep: 1 } } }, 'unusable_argument', 'color'],
    ['label', { ...values, list: [''] }, 'unusable_argument', 'list'],
    ['form', { text: Number.NaN }, 'unusable_argument', 'text'],
    ['header', { text: 'a\r\nX-Injected: 1' }, 'unusable_argument', 'text'],
    ['header', { text: '☃' }, 'unusable_argument', 'text'],
    ['maybe', { title: 1n }, 'unusable_argument', 'body'],
    ['bytes', { body: { not: 'bytes' } }, 'unusable_argument', 'body'],
  ])('%s %o', async (operation, args, code, argument) => {
    await expect(api[operation]!(args)).rejects.toMatchObject({
      name: 'ArgumentError',
      code,
      argument,
      operation,
    })
    expect(server.requests).toHaveLength(0)
  })
})

describe.skipIf(given === undefined)(
  `the document that COUNTERSIGN_TEST_OPENAPI names${given ? '' : ' (SKIPPED: it names none)'}`,
  () => {
    let stytch: Operations
    beforeAll(async () => {
      const { module } = await imported(given as string, 'stytch')
      stytch = module.operations
      module.configure({ url: server.url, username: 'project-1', password: 'secret-1' })
    }, 120_000)

    const authorization = `Basic ${Buffer.from('project-1:secret-1').toString('base64')}`
    const session = { 'X-Stytch-Member-Session': 'session-token' }

    // Method, path, query, body and a header are written here as the document has them, not as the module does.
    test.each<[string, object, string, object | undefined, Record<string, string>]>([
      [
        'apiM2mV1M2mClientsCreate',
        { scopes: ['read:users'], trusted_metadata: { a: { b: [1, null] } } },
        'POST /v1/m2m/clients',
        { scopes: ['read:users'], trusted_metadata: { a: { b: [1, null] } } },
        {},
      ],
      [
        'apiM2mV1M2mClientsGet',
        { client_id: 'm2m/1 ä' },
        'GET /v1/m2m/clients/m2m%2F1%20%C3%A4',
        undefined,
        {},
      ],
      [
        'apiM2mV1M2mClientsUpdate',
        { client_id: 'c', client_name: 'n', scopes: [] },
        'PUT /v1/m2m/clients/c',
        { client_name: 'n', scopes: [] },
        {},
      ],
      ['apiM2mV1M2mClientsDelete', { client_id: 'c' }, 'DELETE /v1/m2m/clients/c', undefined, {}],
      [
        'apiM2mV1M2mClientsSearch',
        { limit: 5, query: { operator: 'AND', operands: [{ filter_name: 'scopes', filter_value: ['a'] }] } },
        'POST /v1/m2m/clients/search',
        { limit: 5, query: { operator: 'AND', operands: [{ filter_name: 'scopes', filter_value: ['a'] }] } },
        {},
      ],
      [
        'apiM2mV1M2mClientsSecretsRotateStart',
        { client_id: 'c' },
        'POST /v1/m2m/clients/c/secrets/rotate/start',
        {},
        {},
      ],
      [
        'apiUserV1Create',
        { email: 'a@b.c', name: { first_name: 'A' }, attributes: { ip_address: '::1' } },
        'POST /v1/users',
        { email: 'a@b.c', name: { first_name: 'A' }, attributes: { ip_address: '::1' } },
        {},
      ],
      ['apiUserV1Get', { user_id: 'u?x#y' }, 'GET /v1/users/u%3Fx%23y', undefined, {}],
      ['apiSessionV1Get', { user_id: 'u&1' }, 'GET /v1/sessions?user_id=u%261', undefined, {}],
      [
        'apiOrganizationV1Update',
        { organization_id: 'o', organization_name: 'O', email_allowed_domains: ['a', 'b'], ...session },
        'PUT /v1/b2b/organizations/o',
        { organization_name: 'O', email_allowed_domains: ['a', 'b'] },
        { 'x-stytch-member-session': 'session-token' },
      ],
      [
        'apiOrganizationV1OrganizationsMembersDelete',
        { organization_id: 'o', member_id: 'm', ...session },
        'DELETE /v1/b2b/organizations/o/members/m',
        undefined,
        { 'x-stytch-member-session': 'session-token' },
      ],
    ])('%s', async (operation, args, line, body, headers) => {
      const request = await arrived(stytch[operation]!(args))
      expect(request.line).toBe(line)
      expect(request.headers).toMatchObject({ authorization, ...headers })
      expect(request.body).toBe(body ? JSON.stringify(body) : '')
    })
  },
)
