// Checks tokens for some seconds and prints how many a second: node bench/verify.mjs ours|jose FILE SECONDS
//
// The file has the tokens, the key set, issuer, audience and time, as bench/src/verify/typescript.rs writes them.
import { readFileSync } from 'node:fs'
import { createLocalJWKSet, jwtVerify } from 'jose'

const [, , contender, file, seconds] = process.argv
const { tokens, jwks, issuer, audience, now } = JSON.parse(readFileSync(file, 'utf8'))

async function contenders() {
  switch (contender) {
    case 'ours': {
      const { verifier } = await import('@countersign/sdk/verifier')
      const clock = { now: () => now * 1000, random: Math.random }
      const ours = verifier({ issuer, audience, keys: jwks, types: ['JWT'], clock })
      return (token) => ours.verify(token)
    }
    case 'jose': {
      const keys = createLocalJWKSet(jwks)
      const options = { issuer, audience, typ: 'JWT', currentDate: new Date(now * 1000) }
      return (token) => jwtVerify(token, keys, options)
    }
  }
  throw new Error(`unknown contender: ${contender}`)
}

const check = await contenders()
// The first calls parse the key and warm the code up.
for (const token of tokens.slice(0, 200)) await check(token)
const end = performance.now() + Number(seconds) * 1000
const start = performance.now()
let checks = 0
while (performance.now() < end) {
  await check(tokens[checks % tokens.length])
  checks += 1
}
console.log(checks / ((performance.now() - start) / 1000))
