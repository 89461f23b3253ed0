// src/generated is what the toolkit makes of api/openapi.json. When this fails: npm run generate -w sdk/typescript
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, expectTypeOf, test } from 'vitest'
import countersign, { ApiError, apiM2mV1M2mClientsCreate, type CreateClient } from '../../src/index.js'
import type { GatewayTransportOptions } from '../../src/gateway-transport.js'
import type { TokenSource } from '../../src/token-source.js'
import { generateModule, readOpenApi } from '../../../toolkit/src/index.js'

test('the generated module is up to date', { timeout: 60_000 }, async () => {
  const path = '../../generate.js'
  const { options } = (await import(path)) as { options: { input: string; out: string; name: string } }
  const { files } = await generateModule(await readOpenApi(options.input), options)
  const committed = (await readdir(options.out)).filter((name) => name.endsWith('.ts')).sort()
  expect(committed).toEqual([...files.keys()].sort())
  for (const [name, content] of files) {
    expect(
      await readFile(`${fileURLToPath(new URL('../../src/generated/', import.meta.url))}${name}`, 'utf8'),
    ).toBe(content)
  }
})

test('types', () => {
  expectTypeOf(apiM2mV1M2mClientsCreate).parameter(0).toExtend<CreateClient | undefined>()
  expectTypeOf(countersign.apiM2mV1M2mClientsCreate).toEqualTypeOf(apiM2mV1M2mClientsCreate)
  expectTypeOf<
    Awaited<ReturnType<typeof apiM2mV1M2mClientsCreate>>['m2m_client']['client_secret']
  >().toEqualTypeOf<string>()
  expectTypeOf<ApiError['code']>().toEqualTypeOf<string>()
  expectTypeOf<GatewayTransportOptions['tokenSource']>().toEqualTypeOf<TokenSource>()
  // @ts-expect-error an argument that does not exist
  void (() => countersign.apiM2mV1M2mClientsCreate({ scope: ['read:users'] }))
  // @ts-expect-error an argument that is missing
  void (() => countersign.apiM2mV1M2mClientsGet())
  // @ts-expect-error an argument of another type
  void (() => countersign.apiM2mV1M2mClientsGet({ client_id: 1 }))
})
