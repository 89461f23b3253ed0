// Calls a protected service as a client of the project. The SDK gets the token, keeps it, and renews it before it expires.
//
// Reads COUNTERSIGN_URL, COUNTERSIGN_PROJECT_ID, COUNTERSIGN_CLIENT_ID, COUNTERSIGN_CLIENT_SECRET and SERVICE_URL.
import { fetchWithToken } from '@countersign/sdk/fetch-with-token'
import { tokenSource } from '@countersign/sdk/token-source'

const service = process.env.SERVICE_URL ?? 'http://127.0.0.1:4100'
const call = fetchWithToken(tokenSource({ scopes: ['read:reports'] }))

const response = await call(`${service}/reports`)
console.log(response.status, await response.text())
process.exitCode = response.ok ? 0 : 1
