/**
 * Writing a module into a folder, without harm to what is there.
 *
 * @module
 */

import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isObject } from './document.js'
import { ToolkitError } from './toolkit-error.js'

/** Marks a folder as ours and lists what we wrote, so that the next run knows what it may replace. */
export const MARKER = '.countersign-toolkit.json'

/** Who wrote the folder. */
const MAKER = '@countersign/toolkit'

/**
 * Writes the files. Files of an earlier run that are not written again are removed.
 *
 * @throws ToolkitError when the folder holds files that are not of an earlier run, unless `force`
 */
export async function writeFolder(
  folder: string,
  files: ReadonlyMap<string, string>,
  force: boolean,
): Promise<void> {
  const present = await namesIn(folder)
  const earlier = present.includes(MARKER) ? await markedFiles(join(folder, MARKER)) : undefined
  const foreign = present.filter((name) => name !== MARKER && !earlier?.includes(name))
  const isOurs = earlier !== undefined && !foreign.some((name) => files.has(name))
  if (!force && present.length > 0 && !isOurs) {
    const what = earlier
      ? `${foreign.find((name) => files.has(name))}, which is not ours`
      : 'files that are not ours'
    throw new ToolkitError('foreign_folder', `${folder} holds ${what}; choose another folder, or say --force`)
  }
  await mkdir(folder, { recursive: true })
  for (const name of earlier ?? []) if (!files.has(name)) await rm(join(folder, name), { force: true })
  const marker = `${JSON.stringify({ generatedBy: MAKER, files: [...files.keys()].sort() }, null, 2)}\n`
  // The marker first: a run that is cut short leaves a folder that the next one may write.
  for (const [name, content] of [[MARKER, marker] as const, ...files])
    await replace(join(folder, name), content)
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    const { code } = Object(error) as { code?: string }
    if (code === 'ENOENT') return []
    throw new ToolkitError('foreign_folder', `${folder} cannot be written (${code ?? 'unknown'})`)
  }
}

/** The files of an earlier run; `undefined` when the marker is not one. */
async function markedFiles(file: string): Promise<string[] | undefined> {
  try {
    const marker = JSON.parse(await readFile(file, 'utf8')) as unknown
    if (!isObject(marker) || marker['generatedBy'] !== MAKER || !Array.isArray(marker['files']))
      return undefined
    // Plain names only: a marker that came with somebody's repository must not have us remove `../../.ssh/config`.
    return marker['files'].filter((name) => typeof name === 'string' && /^[\w.]+\.ts$/.test(name)) as string[]
  } catch {
    return undefined
  }
}

/** Replaces a file at once; a link is replaced and not followed. */
async function replace(file: string, content: string): Promise<void> {
  const status = await lstat(file).catch(() => undefined)
  if (status?.isDirectory()) throw new ToolkitError('foreign_folder', `${file} is a folder`)
  const temporary = `${file}.${process.pid}.tmp`
  // `wx`: what is there under this name is not ours, and may be a link to elsewhere.
  await writeFile(temporary, content, { flag: 'wx' })
  await rename(temporary, file)
}
