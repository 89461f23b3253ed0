// Tokens: what the endpoint grants and refuses, and what the SDK's offline check makes of them.
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import nodeHttp from "node:http";
import nodeHttps from "node:https";
import { before, test } from "node:test";
import { decodeProtectedHeader } from "jose";
import { assertAnswer, everywhere, http, make, oauthRefuses, tokenOf, unique, uuid } from "./surroundings.js";

const held = ["read:users", "write:*", "admin"];

everywhere(({ server, Client, sdk }) => {
  let client;
  before(async () => {
    client = await make(sdk, { scopes: held });
  });
  const grant = async (scopes) => (await tokenOf(sdk, client, scopes)).access_token;
  const authenticate = (access_token, options = {}) => sdk.m2m.authenticateToken({ access_token, ...options });

  test("a token of all scopes", async () => {
    const { access_token, ...answer } = await tokenOf(sdk, client);
    assertAnswer(answer, { token_type: "bearer", expires_in: 3600 });
    assert.deepEqual(await authenticate(access_token), {
      client_id: client.client_id,
      scopes: held,
      custom_claims: {},
    });
  });

  test("a token of some scopes", async () => {
    // In the order of the client, whatever the order of the wish.
    assert.deepEqual((await authenticate(await grant(["admin", "read:users"]))).scopes, ["read:users", "admin"]);
  });

  test("a client without scopes", async () => {
    const { access_token } = await tokenOf(sdk, await make(sdk));
    // The SDK's reading of an empty scope claim.
    assert.deepEqual((await authenticate(access_token)).scopes, [""]);
  });

  test("a scope not held", async () => {
    await oauthRefuses("invalid_scope", grant(["read:users", "delete:users"]));
    // Wildcards are for the one who checks a token, not for the one who grants it.
    await oauthRefuses("invalid_scope", grant(["read:users", "write:users"]));
  });

  test("wrong credentials", async () => {
    const { client_id, client_secret } = client;
    await oauthRefuses("invalid_client", tokenOf(sdk, { client_id, client_secret: "csk_wrong" }));
    await oauthRefuses("invalid_client", tokenOf(sdk, { client_id: unique("nobody"), client_secret }));
  });

  for (const required_scopes of [[], ["read:users"], ["admin", "read:users"], ["write:anything"]]) {
    test(`required scopes that suffice: ${required_scopes}`, async () => {
      assert.equal((await authenticate(await grant(), { required_scopes })).client_id, client.client_id);
    });
  }

  for (const required_scopes of [["read:anything"], ["read:users", "delete:users"]]) {
    test(`required scopes that are missing: ${required_scopes}`, async () => {
      await assert.rejects(authenticate(await grant(), { required_scopes }), { code: "missing_scopes" });
    });
  }

  test("token age", async () => {
    const access_token = await grant();
    assert.equal((await authenticate(access_token, { max_token_age_seconds: 3600 })).client_id, client.client_id);
    await assert.rejects(authenticate(access_token, { max_token_age_seconds: 0 }), { code: "jwt_too_old" });
  });

  test("a forged token", async () => {
    const [head, body, signature] = (await grant()).split(".");
    const forged = [head, body, (signature[0] === "A" ? "B" : "A") + signature.slice(1)].join(".");
    await assert.rejects(authenticate(forged), (error) => {
      assert.deepEqual([error.code, error.cause.code], ["jwt_invalid", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"]);
      return true;
    });
  });

  test("the project next door", async () => {
    const stranger = server.sdk(Client, { project_id: unique(`project-${server.env}`) });
    // No such project, so no keys; oauth.test.js shows a wrong audience with the right keys at hand.
    await assert.rejects(stranger.m2m.authenticateToken({ access_token: await grant() }), (error) => {
      assert.equal(error.code, "jwt_invalid");
      assert.match(error.cause.message, /200 OK/);
      return true;
    });
    // The jose inside the SDK leaves that answer unread, and its open socket would keep this process alive for ever.
    for (const { globalAgent } of [nodeHttp, nodeHttps]) globalAgent.destroy();
  });

  test("the key set", async () => {
    const answer = await sdk.sessions.getJWKS({ project_id: server.projectId });
    assertAnswer({ ...answer, keys: undefined }, { keys: undefined });
    assert.ok(answer.keys.length > 0);
    for (const { kid, n, x5c, x5tS256, ...rest } of answer.keys) {
      assert.match(kid, new RegExp(`^jwk-${server.env}-${uuid}$`));
      assert.deepEqual(rest, { kty: "RSA", use: "sig", key_ops: ["verify"], alg: "RS256", e: "AQAB" });
      assert.equal(Buffer.from(n, "base64url").length, 256);
      assert.equal(x5c.length, 1);
      const certificate = Buffer.from(x5c[0], "base64");
      assert.equal(x5tS256, createHash("sha256").update(certificate).digest("base64"));
      assert.equal(new X509Certificate(certificate).publicKey.export({ format: "jwk" }).n, n);
    }
  });
});

test("new keys while tokens are checked", async () => {
  const server = await http.newProject();
  const sdk = server.sdk();
  const client = await make(sdk, { scopes: held });
  const grant = async () => (await tokenOf(sdk, client)).access_token;
  const kid = (token) => decodeProtectedHeader(token).kid;
  const published = async () =>
    (await sdk.sessions.getJWKS({ project_id: server.projectId })).keys.map((key) => key.kid);
  const assertPasses = async (checker, access_token) =>
    assert.equal((await checker.m2m.authenticateToken({ access_token })).client_id, client.client_id);

  const before = await grant();
  await assertPasses(sdk, before);
  assert.deepEqual(await published(), [kid(before)]);

  await server.rotateKey({ emergency: false });

  // The new key is published but not yet used: an SDK that read the keys a while ago goes on without a hitch.
  const after = await grant();
  assert.equal(kid(after), kid(before));
  const both = await published();
  assert.ok(both.length === 2 && both.includes(kid(before)));
  for (const checker of [sdk, server.sdk()]) {
    for (const token of [before, after]) await assertPasses(checker, token);
  }

  await server.rotateKey({ emergency: true });

  // Every key before this one counts as stolen: what it signed is believed no more. Fresh SDKs, because one with keys in
  // its memory believes them for up to ten minutes.
  const last = await grant();
  assert.deepEqual(await published(), [kid(last)]);
  assert.ok(!both.includes(kid(last)));
  await assertPasses(server.sdk(), last);
  await assert.rejects(server.sdk().m2m.authenticateToken({ access_token: before }), (error) => {
    assert.deepEqual([error.code, error.cause.code], ["jwt_invalid", "ERR_JWKS_NO_MATCHING_KEY"]);
    return true;
  });
});
