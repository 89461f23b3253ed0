// Where flat arguments go. The gateway, which takes the same arguments, is held to the same file.
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ArgumentError } from '../src/api-error.js'
import { place } from '../src/lib/place.js'
import type { Arguments, Operation } from '../src/operation.js'

interface Case {
  name: string
  operation: Omit<Operation, 'name' | 'method'>
  arguments: Arguments
  expected?: unknown
}

const file = new URL('../../vectors/placing.json', import.meta.url)
const corpus = JSON.parse(readFileSync(file, 'utf8')) as { about: string; cases: Case[] }

function placed({ operation, arguments: args }: Case): unknown {
  try {
    const { body, ...parts } = place({ name: 'operation', method: 'POST', ...operation }, args)
    return body ? { ...parts, body: { type: body.type, content: body.content } } : parts
  } catch (error) {
    const { code, argument } = error as ArgumentError
    return { code, argument }
  }
}

if (process.env['COUNTERSIGN_UPDATE_VECTORS']) {
  for (const one of corpus.cases) one.expected = placed(one)
  writeFileSync(file, `${JSON.stringify(corpus, null, 2)}\n`)
}

describe('arguments', () => {
  test.each(corpus.cases)('$name', (one) => {
    expect(placed(one)).toEqual(one.expected)
  })
})
