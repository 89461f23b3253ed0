// Whether a process that has nothing more to do can end. Its exit is what is asserted, and how often it asked until then.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

/** Runs a program in a Node of its own. Its `server` gives out a token, fails, or says what `answers` have. */
async function run(program: string) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
  try {
    const file = join(folder, 'program.mjs')
    const contents = `
      import { tokenSource } from '../src/token-source.js'
      let asked = 0
      process.on('exit', () => console.log('asked ' + asked))
      const issued = () => Response.json({ access_token: 't' + asked, token_type: 'bearer', expires_in: 3600 })
      const away = () => { throw new TypeError('fetch failed') }
      const source = (...answers) => tokenSource({
        url: 'https://auth.example.com', projectId: 'p', clientId: 'c', clientSecret: 'csk_secret',
        fetch: async () => (answers[asked++] ?? away)(),
      })
      ${program}`
    await build({
      stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile: file,
    })
    // The retries would last for thirty seconds.
    const { stdout, stderr, status, signal } = spawnSync(process.execPath, [file], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    return { said: stdout.trim().split('\n'), stderr, status, signal }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('a renewal that nobody waits for does not keep a process alive', { timeout: 30_000 }, async () => {
  const outcome = await run(`
    const tokens = source(issued)
    await tokens.token()
    const now = Date.now
    Date.now = () => now() + 3_500_000
    console.log(await tokens.token())`)
  expect(outcome).toEqual({ said: ['t1', 'asked 2'], stderr: '', status: 0, signal: null })
})

test('a caller who waits keeps it alive until there is a token', { timeout: 30_000 }, async () => {
  const outcome = await run(`console.log(await source(away, away, issued).token())`)
  expect(outcome).toEqual({ said: ['t3', 'asked 3'], stderr: '', status: 0, signal: null })
})
