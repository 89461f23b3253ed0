// What the toolkit's tests share: modules made from documents, a server that records, the real hey-api.
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll } from 'vitest'
import { generate, type GenerateOptions } from '../src/index.js'

export const root = fileURLToPath(new URL('../../..', import.meta.url))
export const wire = join(root, 'api/openapi.json')

/** The document that the environment names; tests of it are skipped without. */
export const given = process.env['COUNTERSIGN_TEST_OPENAPI']
  ? join(process.env['COUNTERSIGN_TEST_OPENAPI'])
  : undefined

const run = promisify(execFile)

const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

/** A folder that git, prettier and eslint do not look into, in reach of the packages. */
export async function temporary(): Promise<string> {
  const folder = join(root, 'target/toolkit-test')
  await mkdir(folder, { recursive: true })
  const made = await mkdtemp(join(folder, 'run-'))
  folders.push(made)
  return made
}

/** A module as it is imported. */
export type Operations = Record<string, (args?: object, options?: object) => Promise<unknown>>

/** A module as it is imported; the fixture's operations take the names of ours, which then end in an underscore. */
export interface Module {
  operations: Operations
  default: Record<string, unknown>
  configure: (configuration: object) => void
  create: (configuration: unknown) => Operations
}

/** Makes a module whose runtime is the source of the SDK, and imports it. */
export async function imported(
  input: string,
  name: string,
  options: Partial<GenerateOptions> = {},
): Promise<{ folder: string; module: Module }> {
  const folder = join(await temporary(), name)
  const runtime = relative(folder, join(root, 'sdk/typescript/src/api.js'))
  await generate({ input, out: folder, runtime, ...options })
  const exported = (await import(/* @vite-ignore */ join(folder, 'index.ts'))) as Record<string, never>
  const module = {
    operations: exported,
    default: exported['default'] as never,
    configure: exported['configure_'] ?? exported['configure'],
    create: exported['create_'] ?? exported['create'],
  } as unknown as Module
  return { folder, module }
}

/** Writes a document down. */
export async function written(document: unknown, file = 'openapi.json'): Promise<string> {
  const path = join(await temporary(), file)
  await writeFile(path, typeof document === 'string' ? document : JSON.stringify(document))
  return path
}

/** The functions that a plain run of the real hey-api exports, from its command line and with its defaults. */
export async function heyApiNames(document: string): Promise<string[]> {
  const folder = await temporary()
  const binary = join(root, 'node_modules/@hey-api/openapi-ts/bin/run.js')
  await run(process.execPath, [binary, '-i', document, '-o', join(folder, 'out'), '--silent'], {
    cwd: folder,
  })
  return exportedValues(join(folder, 'out/sdk.gen.ts'))
}

/** The values that a file exports by name. */
export function exportedValues(file: string): string[] {
  const source = ts.createSourceFile(file, ts.sys.readFile(file) ?? '', ts.ScriptTarget.Latest)
  return source.statements
    .filter(ts.isVariableStatement)
    .filter((statement) => statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword))
    .flatMap((statement) =>
      statement.declarationList.declarations.map(({ name }) => (name as ts.Identifier).text),
    )
    .sort()
}

/** What the compiler says about the files, strictly. */
export async function compile(folder: string, options: Record<string, unknown> = {}): Promise<string> {
  const config = {
    compilerOptions: {
      target: 'ES2022',
      lib: ['ES2023', 'DOM', 'DOM.Iterable'],
      module: 'NodeNext',
      moduleResolution: 'NodeNext',
      strict: true,
      noEmit: true,
      types: [],
      paths: { '@countersign/sdk/*': [join(root, 'sdk/typescript/src/*.ts')] },
      ...options,
    },
    include: ['**/*.ts'],
  }
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  try {
    const { stdout } = await run(process.execPath, [tsc, '--project', folder], { cwd: dirname(folder) })
    return stdout
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

/** A request as it arrived. */
export interface Recorded {
  line: string
  headers: Record<string, string>
  body: string
}

/** A server that writes down what arrives. */
export interface Recorder {
  url: string
  requests: Recorded[]
  answer: { status?: number; headers?: Record<string, string>; body?: string | Uint8Array }
  close: () => Promise<void>
}

export async function recorder(): Promise<Recorder> {
  const requests: Recorded[] = []
  const state: Recorder = { url: '', requests, answer: {}, close: async () => {} }
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      )
      requests.push({
        line: `${request.method} ${request.url}`,
        headers,
        body: Buffer.concat(chunks).toString(),
      })
      const {
        status = 200,
        headers: out = { 'content-type': 'application/json' },
        body = '{}',
      } = state.answer
      response.writeHead(status, out).end(status === 204 ? undefined : body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  state.close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return state
}
