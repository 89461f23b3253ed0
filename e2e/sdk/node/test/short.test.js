// The server whose tokens live a minute. A file of its own: node runs files side by side, so the wait costs nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { decodeJwt } from "jose";
import { make, short, tokenOf } from "./surroundings.js";

test("an expired token", async () => {
  const sdk = short.sdk();
  const { access_token, expires_in } = await tokenOf(sdk, await make(sdk));
  const { iat, exp } = decodeJwt(access_token);
  assert.deepEqual([expires_in, exp - iat], [60, 60]);
  await sdk.m2m.authenticateToken({ access_token });
  await sleep(exp * 1000 - Date.now());
  // This very SDK object took it while it lived.
  await assert.rejects(sdk.m2m.authenticateToken({ access_token }), (error) => {
    assert.deepEqual([error.code, error.cause.code], ["jwt_invalid", "ERR_JWT_EXPIRED"]);
    return true;
  });
});
