// What is refused, and how folders are written.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { run } from '../src/command.js'
import { bodyMembers, argumentNames } from '../src/flat.js'
import { generate } from '../src/index.js'
import { securitySchemes, settingsOf } from '../src/security.js'
import { document } from './fixture.js'
import { temporary, wire, written } from './support.js'

const small = (more: object = {}) => ({
  openapi: '3.0.3',
  info: { title: 't', version: '1' },
  paths: { '/a': { get: { operationId: 'a', responses: { 200: { description: 'x' } } } } },
  ...more,
})
const withRef = ($ref: string) => small({ components: { schemas: { A: { properties: { b: { $ref } } } } } })

async function codeOf(input: string): Promise<unknown> {
  const out = join(await temporary(), 'out')
  return await generate({ input, out }).then(
    () => 'generated',
    (error: { code?: unknown }) => error.code,
  )
}

describe('documents', () => {
  test.each<[string, unknown, string]>([
    ['text', 'hello: [', 'not_openapi'],
    ['an array', '[]', 'not_openapi'],
    ['nothing', '', 'not_openapi'],
    ['Swagger 2', { swagger: '2.0', paths: {} }, 'not_openapi'],
    ['OpenAPI 3.2', small({ openapi: '3.2.0' }), 'not_openapi'],
    ['no paths', { openapi: '3.1.0', info: {} }, 'not_openapi'],
    ['no operations', small({ paths: {} }), 'invalid_document'],
    ['a reference to a file', withRef('./other.json#/A'), 'external_reference'],
    ['a reference to a file of the system', withRef('file:///etc/passwd'), 'external_reference'],
    ['a reference to a URL', withRef('https://example.com/a.json'), 'external_reference'],
    ['a reference in an example', small({ 'x-example': [{ $ref: 'other.json' }] }), 'external_reference'],
    ['a reference to nothing', withRef('#/components/schemas/B'), 'broken_reference'],
    ['a reference to an inherited thing', withRef('#/constructor'), 'broken_reference'],
    [
      'a bomb of aliases',
      `a0: &a0 [x,x]\n${Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n')}`,
      'not_openapi',
    ],
    [
      'a path parameter that is not described',
      small({ paths: { '/{x}': { get: { responses: {} } } } }),
      'invalid_document',
    ],
  ])('%s', async (_, content, code) => {
    expect(await codeOf(await written(content))).toBe(code)
  })

  test.each([
    '\\u002a/;export const evil = 1;\\u002f*',
    '*\\u002f;export const evil = 1;/\\u002A',
    '*/ evil',
  ])('a text does not become code: %s', async (text) => {
    const schema = {
      type: 'object',
      title: text,
      description: text,
      properties: { x: { description: text } },
    }
    const out = join(await temporary(), 'out')
    const content = { 200: { description: text, content: { 'application/json': { schema } } } }
    const get = { operationId: 'a', description: text, summary: text, responses: content }
    await generate({ input: await written(small({ paths: { '/a': { get } } })), out })
    for (const name of await readdir(out)) {
      const code = (await readFile(join(out, name), 'utf8')).replace(/\/\*[^]*?\*\//g, '')
      expect(code, name).not.toContain('evil')
    }
  })

  test('an operation that would be called when the module is imported', async () => {
    const get = { operationId: 'then', responses: { 200: { description: 'x' } } }
    expect(await codeOf(await written(small({ paths: { '/a': { get } } })))).toBe('invalid_document')
  })

  test('schemes whose names differ in signs alone have settings of their own', () => {
    const key = (name: string) => ({ type: 'apiKey', in: 'header', name })
    const root = { components: { securitySchemes: { 'admin-key': key('A'), admin_key: key('B') } } }
    const settings = Object.values(securitySchemes(root, {})).flatMap(settingsOf)
    expect(settings.map(({ setting }) => setting)).toEqual(['adminKeyApiKey', 'adminKey2ApiKey'])
  })

  test('parts that are named twice at each depth are walked once', () => {
    const schemas: Record<string, object> = { S0: { type: 'object', properties: { x: {} } } }
    for (let depth = 1; depth <= 60; depth++) {
      const part = { $ref: `#/components/schemas/S${depth - 1}` }
      schemas[`S${depth}`] = { allOf: [part, part] }
    }
    const found = bodyMembers({ components: { schemas } }, { $ref: '#/components/schemas/S60' })
    expect([...(found ?? [])]).toEqual([['x', { required: false }]])
  })

  test('a file that is not there', async () => {
    expect(await codeOf('/nowhere/at/all.json')).toBe('unreadable')
  })

  test('JSON and YAML give the same bytes, and twice the same', async () => {
    const { stringify } = await import('yaml')
    const folder = await temporary()
    const yaml = await written(stringify(document, { aliasDuplicateObjects: false }), 'openapi.yml')
    const json = await written(document)
    for (const [input, out] of [
      [json, 'a'],
      [json, 'b'],
      [yaml, 'c'],
    ] as const) {
      await generate({ input, out: join(folder, out), name: 'acme' })
    }
    for (const file of await readdir(join(folder, 'a'))) {
      const [a, b, c] = await Promise.all(
        ['a', 'b', 'c'].map((out) => readFile(join(folder, out, file), 'utf8')),
      )
      expect(b).toBe(a)
      expect(c).toBe(a)
    }
  })

  test('a configuration of hey-api in the current folder has no say', async () => {
    const folder = await temporary()
    const config = `export default { parser: { filters: { operations: { include: ['GET /x'] } } } }`
    await writeFile(join(folder, 'openapi-ts.config.mjs'), config)
    const there = vi.spyOn(process, 'cwd').mockReturnValue(folder)
    const { operations } = await generate({ input: wire, out: join(folder, 'out') })
    there.mockRestore()
    expect(operations.length).toBeGreaterThan(10)
  })

  test('nothing of a document becomes code', async () => {
    const evil = `x' + alert(1) + '*/ alert(2) /*\u2028\${alert(3)}\``
    const responses = {
      200: { description: evil, content: { 'application/json': { schema: { type: 'string' } } } },
    }
    const parameters = [{ name: evil, in: 'query', description: evil, schema: { type: 'string' } }]
    const scheme = { type: 'apiKey', in: 'header', name: evil }
    const hostile = small({
      servers: [{ url: `https://example.com/'+alert(4)+'` }],
      components: { securitySchemes: { [evil]: scheme } },
      security: [{ [evil]: [] }],
      paths: {
        [`/${evil.replace('${alert(3)}', '')}`]: {
          get: { operationId: 'a', summary: evil, description: evil, parameters, responses },
        },
      },
    })
    const folder = await temporary()
    await generate({ input: await written(hostile), out: join(folder, 'evil') })
    const { default: ts } = await import('typescript')
    for (const file of (await readdir(join(folder, 'evil'))).filter((name) => name.endsWith('.ts'))) {
      const source = ts.createSourceFile(
        file,
        await readFile(join(folder, 'evil', file), 'utf8'),
        ts.ScriptTarget.Latest,
      )
      const calls: string[] = []
      const visit = (node: import('typescript').Node): void => {
        if (ts.isCallExpression(node)) calls.push(node.expression.getText(source))
        node.forEachChild(visit)
      }
      visit(source)
      expect((source as unknown as { parseDiagnostics: unknown[] }).parseDiagnostics).toEqual([])
      expect(
        calls.filter((call) => !['api.call', 'apiModule', 'api.configure', 'api.bind'].includes(call)),
      ).toEqual([])
    }
  })
})

describe('the flat rule', () => {
  const slots = (text: string) =>
    text.split(' ').map((slot) => {
      const [place, name] = slot.split(':') as ['path', string]
      return { place, name }
    })

  test.each([
    ['path:id query:q body:b', 'id q b'],
    ['path:id body:id', 'path_id body_id'],
    ['path:id body:id query:path_id', 'path_id body_id query_path_id'],
    [
      'path:id body:id query:path_id cookie:query_path_id',
      'path_id body_id query_path_id cookie_query_path_id',
    ],
    ['path:body body:body', 'path_body body_body'],
  ])('%s → %s', (given, names) => {
    expect(argumentNames(slots(given)).join(' ')).toBe(names)
  })

  const A = { type: 'object', properties: { a: {} } }
  const doc = { components: { A, loop: { allOf: [{ $ref: '#/components/loop' }] } } }
  test.each<[string, object, string[] | undefined]>([
    ['properties', A, ['a']],
    ['a reference', { $ref: '#/components/A' }, ['a']],
    [
      'allOf',
      { allOf: [{ $ref: '#/components/A' }, { properties: { b: {} } }, { required: ['a'] }] },
      ['a', 'b'],
    ],
    ['object or null', { ...A, type: ['object', 'null'] }, ['a']],
    ['no more properties', { ...A, additionalProperties: false }, ['a']],
    ['empty properties', { type: 'object', properties: {} }, []],
    ['no properties', { type: 'object' }, undefined],
    ['more properties', { ...A, additionalProperties: {} }, undefined],
    ['patterns', { ...A, patternProperties: {} }, undefined],
    ['oneOf', { ...A, oneOf: [] }, undefined],
    ['anyOf inside', { allOf: [A, { anyOf: [] }] }, undefined],
    ['an array', { type: 'array' }, undefined],
    ['object or string', { ...A, type: ['object', 'string'] }, undefined],
    ['anything', {}, undefined],
    ['a circle', { $ref: '#/components/loop' }, undefined],
  ])('members: %s', (_, schema, members) => {
    const found = bodyMembers(doc, schema)
    expect(found && [...found.keys()]).toEqual(members)
  })
})

describe('folders', () => {
  const files = [
    '.countersign-toolkit.json',
    'api.ts',
    'bound.ts',
    'index.ts',
    'module.ts',
    'operations.ts',
    'types.gen.ts',
  ]

  test('a new, an empty and our own folder are written; a file of ours that is no more is removed', async () => {
    const out = join(await temporary(), 'a', 'out')
    await generate({ input: wire, out })
    expect((await readdir(out)).sort()).toEqual(files)
    const marker = JSON.parse(await readFile(join(out, files[0]!), 'utf8')) as { files: string[] }
    marker.files.push('old.ts', '../../outside.ts')
    await writeFile(join(out, files[0]!), JSON.stringify(marker))
    await writeFile(join(out, 'old.ts'), '')
    await writeFile(join(out, '../../outside.ts'), 'stays')
    await writeFile(join(out, 'mine.ts'), 'stays')
    await generate({ input: wire, out })
    expect((await readdir(out)).sort()).toEqual([...files, 'mine.ts'].sort())
    expect(await readFile(join(out, '../../outside.ts'), 'utf8')).toBe('stays')
  })

  test('a folder with other files is refused, unless forced, and then they stay', async () => {
    const out = await temporary()
    await writeFile(join(out, 'index.ts'), 'mine')
    await writeFile(join(out, 'notes.txt'), 'mine')
    await expect(generate({ input: wire, out, name: 'x' })).rejects.toMatchObject({ code: 'foreign_folder' })
    expect(await readFile(join(out, 'index.ts'), 'utf8')).toBe('mine')
    await generate({ input: wire, out, name: 'x', force: true })
    expect(await readFile(join(out, 'notes.txt'), 'utf8')).toBe('mine')
  })

  test('a file of another in our folder is not overwritten, and a link is not followed', async () => {
    const out = join(await temporary(), 'out')
    await mkdir(out)
    await writeFile(
      join(out, '.countersign-toolkit.json'),
      '{"generatedBy":"@countersign/toolkit","files":["api.ts"]}',
    )
    await writeFile(join(out, 'index.ts'), 'mine')
    await expect(generate({ input: wire, out })).rejects.toMatchObject({ code: 'foreign_folder' })
    await rm(join(out, 'index.ts'))
    await writeFile(join(out, '../target.ts'), 'mine')
    await symlink('../target.ts', join(out, 'api.ts'))
    await generate({ input: wire, out })
    expect(await readFile(join(out, '../target.ts'), 'utf8')).toBe('mine')
  })

  test('a file in place of the folder', async () => {
    await expect(generate({ input: wire, out: await written(''), name: 'x' })).rejects.toMatchObject({
      code: 'foreign_folder',
    })
  })
})

describe('the command', () => {
  let out = ''
  let errors = ''
  async function command(...args: string[]): Promise<number> {
    out = errors = ''
    return await run(args, { out: (text) => (out += text), error: (text) => (errors += text) })
  }

  test('generates and says how much', async () => {
    const folder = join(await temporary(), 'stytch')
    expect(await command('generate', wire, '--out', folder)).toBe(0)
    expect(out).toMatch(/stytch: 14 operations\n$/)
    expect(await readFile(join(folder, 'api.ts'), 'utf8')).toContain(`provider: 'stytch'`)
  })

  test.each([
    [[], 2, 'Usage'],
    [['generate'], 2, 'Usage'],
    [['generate', 'a', 'b', '--out', 'c'], 2, 'Usage'],
    [['destroy', 'a', '--out', 'c'], 2, 'Usage'],
    [['generate', 'a', '--out', 'c', '--wrong'], 2, '--wrong'],
    [
      ['generate', '/nowhere.json', '--out', '/nowhere/out'],
      1,
      'error: /nowhere.json cannot be read (ENOENT)\n',
    ],
    [['generate', wire, '--out', '/nowhere/1 x'], 1, '--name'],
  ])('%j', async (args, status, text) => {
    expect(await command(...args)).toBe(status)
    expect(errors).toContain(text)
  })

  test('--help', async () => {
    expect(await command('--help')).toBe(0)
    expect(out).toContain('Usage')
  })

  describe('from a URL', () => {
    const server = createServer((request, response) => {
      if (request.url?.startsWith('/openapi.json'))
        response.end(JSON.stringify(small({ servers: [{ url: '/v2' }] })))
      else response.writeHead(404).end()
    })
    let url = ''
    beforeAll(async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    })
    afterAll(() => {
      server.closeAllConnections()
      server.close()
    })

    test('a relative server is relative to it', async () => {
      const folder = join(await temporary(), 'acme')
      expect(await command('generate', `${url}/openapi.json`, '--out', folder)).toBe(0)
      expect(await readFile(join(folder, 'api.ts'), 'utf8')).toContain(`servers: ['${url}/v2']`)
    })

    test('no answer, a refusal and credentials are told without the query', async () => {
      const folder = join(await temporary(), 'acme')
      expect(await command('generate', `${url}/missing?token=t0ken`, '--out', folder)).toBe(1)
      expect(errors).toBe(`error: ${url}/missing answers HTTP 404\n`)
      expect(await command('generate', 'http://127.0.0.1:1/x?token=t0ken', '--out', folder)).toBe(1)
      expect(errors).toMatch(/^error: http:\/\/127\.0\.0\.1:1\/x cannot be read \(.*\)\n$/)
      expect(await command('generate', url.replace('//', '//user:pa55@'), '--out', folder)).toBe(1)
      expect(errors).not.toContain('pa55')
    })
  })
})
