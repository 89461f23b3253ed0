// A document with every style, every content type, and names that get in each other's way.

const text = { type: 'string' }
const list = { type: 'array', items: { type: 'string' } }
const color = { type: 'object', properties: { R: { type: 'integer' }, G: { type: 'integer' } } }
const done = {
  200: { description: 'Done.', content: { 'application/json': { schema: { type: 'object' } } } },
}
const json = (schema: object, required = true) => ({ required, content: { 'application/json': { schema } } })
const parameter = (name: string, where: string, schema: object, more: object = {}) => ({
  name,
  in: where,
  schema,
  required: where === 'path',
  ...more,
})
const styled = (operationId: string, where: string, style: string, explode: boolean) => ({
  operationId,
  parameters: [
    parameter('text', where, text, { style, explode }),
    parameter('list', where, list, { style, explode }),
    parameter('color', where, color, { style, explode }),
  ],
  responses: done,
})

export const document = {
  openapi: '3.1.0',
  info: { title: 'All of it */ console.log("escaped")', version: '1' },
  servers: [{ url: 'https://{region}.example.com/v1/', variables: { region: { default: 'eu' } } }],
  security: [{ key: [] }],
  paths: {
    '/simple/{text}/{list}/{color}': { get: styled('simple', 'path', 'simple', false) },
    '/simple-explode/{text}/{list}/{color}': { get: styled('simpleExplode', 'path', 'simple', true) },
    '/label/{text}/{list}/{color}': { get: styled('label', 'path', 'label', false) },
    '/label-explode/{text}/{list}/{color}': { get: styled('labelExplode', 'path', 'label', true) },
    '/matrix/{text}/{list}/{color}': { get: styled('matrix', 'path', 'matrix', false) },
    '/matrix-explode/{text}/{list}/{color}': { get: styled('matrixExplode', 'path', 'matrix', true) },
    '/form': { get: styled('form', 'query', 'form', false) },
    '/form-explode': { get: styled('formExplode', 'query', 'form', true) },
    '/space': { get: styled('space', 'query', 'spaceDelimited', false) },
    '/pipe': { get: styled('pipe', 'query', 'pipeDelimited', false) },
    '/deep': { get: styled('deep', 'query', 'deepObject', true) },
    '/header': { get: styled('header', 'header', 'simple', false) },
    '/cookie': { get: styled('cookie', 'cookie', 'form', false) },
    '/reserved': {
      get: {
        operationId: 'reserved',
        parameters: [
          parameter('kept', 'query', text, { allowReserved: true }),
          parameter('encoded', 'query', text),
          {
            name: 'as json',
            in: 'query',
            content: { 'application/json': { schema: { type: 'object', properties: { a: list } } } },
          },
        ],
        responses: done,
      },
    },
    '/collide/{id}': {
      parameters: [parameter('id', 'path', text), parameter('note', 'query', { type: 'integer' })],
      post: {
        operationId: 'collide',
        deprecated: true,
        summary: 'All */ collide',
        parameters: [
          parameter('id', 'query', { type: 'integer' }),
          parameter('id', 'header', text),
          parameter('path_id', 'query', text),
          parameter('note', 'query', text),
          parameter('Authorization', 'header', text),
        ],
        requestBody: json({
          allOf: [
            { $ref: '#/components/schemas/Base' },
            { type: 'object', required: ['id'], properties: { id: text, __proto__x: text } },
          ],
        }),
        responses: done,
      },
    },
    '/whole/{body}': {
      put: {
        operationId: 'whole',
        parameters: [parameter('body', 'path', text)],
        requestBody: json(list),
        responses: done,
      },
    },
    '/choice': {
      post: {
        operationId: 'choice',
        requestBody: json({ oneOf: [{ $ref: '#/components/schemas/Base' }, list] }),
        responses: done,
      },
    },
    '/map': {
      post: {
        operationId: 'map',
        requestBody: json({ type: 'object', additionalProperties: text }),
        responses: done,
      },
    },
    '/maybe': {
      post: {
        operationId: 'maybe',
        requestBody: json({ $ref: '#/components/schemas/Base' }, false),
        responses: done,
      },
    },
    '/urlencoded': {
      post: {
        operationId: 'urlencoded',
        requestBody: {
          content: {
            'application/x-www-form-urlencoded': {
              schema: { type: 'object', properties: { name: text, tags: list, plain: color, deep: color } },
              encoding: { deep: { style: 'deepObject', explode: true } },
            },
          },
        },
        responses: done,
      },
    },
    '/multipart': {
      post: {
        operationId: 'multipart',
        requestBody: {
          content: {
            'multipart/form-data': {
              schema: {
                type: 'object',
                properties: { file: { type: 'string', format: 'binary' }, tags: list, color },
              },
            },
          },
        },
        responses: done,
      },
    },
    '/plain': {
      post: {
        operationId: 'plain',
        requestBody: { content: { 'text/plain': { schema: text } } },
        responses: { 200: { description: 'Text.', content: { 'text/plain': { schema: text } } } },
      },
    },
    '/bytes': {
      post: {
        operationId: 'bytes',
        requestBody: {
          content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
        },
        responses: {
          200: {
            description: 'Bytes.',
            content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
          },
        },
      },
    },
    '/nothing': {
      delete: { operationId: 'delete', responses: { 204: { description: 'Nothing.' } } },
      get: { operationId: 'configure', security: [{}], responses: done },
      put: { operationId: 'create', security: [{ user: [] }, { token: [] }], responses: done },
      post: { operationId: 'api', security: [{}, { token: [] }], responses: done },
      patch: { operationId: 'call.options', security: [{ user: [], key: [] }], responses: done },
    },
    '/nameless/{id}/of': {
      get: { parameters: [parameter('id', 'path', text)], security: [{}], responses: done },
    },
    '/twice': {
      get: { operationId: 'same_name', security: [{}], responses: done },
      post: { operationId: 'same-name', security: [{}], responses: done },
    },
    '/elsewhere': {
      servers: [{ url: 'https://other.example.com' }],
      get: { operationId: 'elsewhere', responses: done },
    },
  },
  components: {
    schemas: {
      Base: { type: 'object', required: ['title'], properties: { title: text, note: text } },
      Bound: { type: 'object', properties: { a: text } },
      Configuration: { type: 'object', properties: { a: text } },
      MapArguments: { type: 'object', properties: { a: text } },
    },
    securitySchemes: {
      key: { type: 'apiKey', in: 'query', name: 'api key' },
      user: { type: 'http', scheme: 'basic' },
      token: { type: 'http', scheme: 'bearer' },
    },
  },
} as const
