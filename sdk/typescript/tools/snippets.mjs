// Takes every ```ts block out of documents and out of the doc comments of sources, checks its types strictly and runs it:
//
//   node sdk/typescript/tools/snippets.mjs [FILE…]
//
// Without files: the package's page, the guide's page about SDKs, and the sources of both packages. The snippets run against the server that COUNTERSIGN_URL, COUNTERSIGN_PROJECT_ID and
// COUNTERSIGN_PROJECT_SECRET name; a client is made for them unless COUNTERSIGN_CLIENT_ID names one. The packages must be built.
// A block that cannot be run says why: ```ts no-run: there is no such service
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const work = join(root, 'target', 'snippets', String(process.pid))
const TIMEOUT = 30_000
const AT_ONCE = 2

/** A block, and where it stands. */
function snippetsOf(path) {
  const text = readFileSync(path, 'utf8')
  const lines = path.endsWith('.md') ? text.split('\n') : commented(text.split('\n'))
  const found = []
  for (let at = 0; at < lines.length; at++) {
    const opening = /^```ts(?: (.*))?$/.exec(lines[at].trim())
    if (!opening) continue
    const start = at + 1
    while (lines[++at] !== undefined && lines[at].trim() !== '```');
    const place = `${relative(root, path)}:${start}`
    const reason = /^no-run: (\S.*)$/.exec(opening[1] ?? '')?.[1]
    if (opening[1] && !reason) throw new Error(`${place}: "${opening[1]}" is neither nothing nor "no-run: a reason"`)
    found.push({ place, reason, code: lines.slice(start, at).join('\n') })
  }
  return found
}

/** The lines of doc comments, the others empty, so that numbers stay. */
const commented = (lines) => lines.map((line) => /^\s*\* ?(.*)$/.exec(line)?.[1] ?? '')

function sourcesIn(folder) {
  if (!existsSync(folder)) return []
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return files.filter((name) => name.endsWith('.ts') && !name.includes('generated')).map((name) => join(folder, name))
}

function defaults() {
  const documents = ['sdk/typescript/README.md', 'docs/guide/sdks.md'].map((name) => join(root, name))
  return [...documents, ...sourcesIn(join(root, 'sdk/typescript/src')), ...sourcesIn(join(root, 'sdk/toolkit/src'))]
}

function write(snippets) {
  mkdirSync(work, { recursive: true })
  const options = {
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: {
      isolatedDeclarations: false,
      declaration: false,
      // Whoever pastes a snippet has the type of what is there, not the rules of this house.
      noPropertyAccessFromIndexSignature: false,
      exactOptionalPropertyTypes: false,
      types: ['node'],
      outDir: 'out',
      rootDir: '.',
    },
    include: ['*.ts'],
  }
  writeFileSync(join(work, 'tsconfig.json'), JSON.stringify(options))
  writeFileSync(join(work, 'package.json'), '{ "type": "module" }')
  snippets.forEach((snippet, index) => {
    snippet.name = `${index}-${basename(snippet.place).replace(/\W/g, '-')}`
    // Each is a module, also one without an import.
    writeFileSync(join(work, `${snippet.name}.ts`), `${snippet.code}\nexport {}\n`)
  })
}

/** Errors of types by the name of the snippet. */
function typeErrors() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '--project', work, '--pretty', 'false'], { encoding: 'utf8', cwd: work })
  const errors = new Map()
  for (const line of stdout.split('\n')) {
    const [, name, rest] = /^([\w-]+)\.ts(.*)$/.exec(line) ?? []
    if (name) errors.set(name, [...(errors.get(name) ?? []), rest])
    else if (/^error/.test(line)) throw new Error(line)
  }
  return errors
}

/** Runs a snippet in a process of its own; answers what went wrong. */
function run({ name }, environment) {
  return new Promise((done) => {
    let said = ''
    const child = spawn(process.execPath, [join(work, 'out', `${name}.js`)], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT,
      killSignal: 'SIGKILL',
    })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data))
    child.on('close', (code, signal) => {
      if (code === 0) done(undefined)
      else done(`${signal ? `not done after ${TIMEOUT / 1000} s` : `ended with ${code}`}\n${said}`)
    })
  })
}

/** The client of the snippets, and how to take it away again. */
async function client() {
  if (process.env.COUNTERSIGN_CLIENT_ID) return { environment: {}, remove: async () => {} }
  const { COUNTERSIGN_URL: url, COUNTERSIGN_PROJECT_ID: id, COUNTERSIGN_PROJECT_SECRET: secret } = process.env
  for (const [name, value] of Object.entries({ URL: url, PROJECT_ID: id, PROJECT_SECRET: secret })) {
    if (!value) throw new Error(`the snippets need COUNTERSIGN_${name}`)
  }
  const headers = {
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
    'content-type': 'application/json',
  }
  const body = JSON.stringify({ client_name: 'snippets', scopes: ['read:users', 'write:users'] })
  const answer = await fetch(`${url}/v1/m2m/clients`, { method: 'POST', headers, body })
  if (answer.status !== 200) throw new Error(`no client for the snippets: HTTP ${answer.status}`)
  const { client_id, client_secret } = (await answer.json()).m2m_client
  return {
    environment: { COUNTERSIGN_CLIENT_ID: client_id, COUNTERSIGN_CLIENT_SECRET: client_secret },
    remove: () => fetch(`${url}/v1/m2m/clients/${client_id}`, { method: 'DELETE', headers }),
  }
}

const files = process.argv.slice(2).map((path) => resolve(path))
const snippets = (files.length ? files : defaults()).flatMap(snippetsOf)
if (!snippets.length) throw new Error('there is no snippet in these files')
let failed = 0
const { environment, remove } = await client()
try {
  write(snippets)
  const errors = typeErrors()
  const waiting = [...snippets]
  const worker = async () => {
    for (let snippet; (snippet = waiting.shift()); ) {
      const wrong = errors.get(snippet.name)
      const problem = wrong ? wrong.join('\n') : snippet.reason ? undefined : await run(snippet, environment)
      if (problem) failed++
      console.log(`${problem ? 'not ok' : 'ok'} ${snippet.place}${snippet.reason ? ` # types only: ${snippet.reason}` : ''}`)
      if (problem) console.log(problem.replace(/^/gm, '    '))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
} finally {
  await remove()
  rmSync(work, { recursive: true, force: true })
}
console.log(`# pass ${snippets.length - failed}\n# fail ${failed}`)
process.exitCode = failed ? 1 : 0
