// A service that answers whoever has a token with the scope read:reports. It checks tokens offline.
//
// Reads COUNTERSIGN_URL, COUNTERSIGN_PROJECT_ID and LISTEN.
import type { AddressInfo } from 'node:net'
import { authenticated, identity } from '@countersign/sdk/express'
import { verifier } from '@countersign/sdk/verifier'
import express from 'express'

const tokens = verifier()
const app = express()

app.get('/reports', authenticated(tokens, { scopes: ['read:reports'] }), (request, response) => {
  const { clientId, scopes } = identity(request)
  response.json({ caller: clientId, scopes })
})

const [host = '127.0.0.1', port = '4100'] = (process.env.LISTEN ?? '127.0.0.1:4100').split(':')
const server = app.listen(Number(port), host, () => {
  const address = server.address() as AddressInfo
  console.log(`listening on http://${address.address}:${address.port}`)
})
