// The names of operations are those of a real, plain run of hey-api.
import { describe, expect, test } from 'vitest'
import { join } from 'node:path'
import { document } from './fixture.js'
import { exportedValues, given, heyApiNames, imported, wire, written } from './support.js'

const OURS = ['configure', 'configure_', 'create', 'create_', 'default']

async function compareNames(path: string): Promise<number> {
  const { folder, module } = await imported(path, 'names')
  const names = await heyApiNames(path)
  expect(exportedValues(join(folder, 'operations.ts'))).toEqual(names)
  const taken = (name: string) => names.includes(name)
  const ours = (name: string) => OURS.includes(name) && !taken(name)
  expect(
    Object.keys(module.operations)
      .filter((name) => !ours(name))
      .sort(),
  ).toEqual(names)
  expect(
    Object.keys(module.default)
      .filter((name) => !ours(name))
      .sort(),
  ).toEqual(names)
  return names.length
}

describe('exported operations are those of hey-api', () => {
  test('of the wire', async () => {
    expect(await compareNames(wire)).toBeGreaterThan(10)
  })

  test('of a document with names that fight', async () => {
    const names = await compareNames(await written(document))
    expect(names).toBe(
      Object.values(document.paths)
        .flatMap((item) => Object.keys(item))
        .filter((key) => key !== 'parameters' && key !== 'servers').length,
    )
  })

  test.skipIf(given === undefined)(
    `of the document that COUNTERSIGN_TEST_OPENAPI names${given ? '' : ' (SKIPPED: it names none)'}`,
    { timeout: 120_000 },
    async () => {
      expect(await compareNames(given as string)).toBeGreaterThan(0)
    },
  )
})
