// Every typed refusal that tokens of a real server can show, and every error of the token endpoint.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { clockWrongBy, fails, http, overBothTransports, protectedService, refused, standard } from "./surroundings.js";

const MINUTE = 60_000;

describe("a token is refused", () => {
  test("by the clock, and let in by tolerance", async () => {
    const token = await http.tokens(await http.client()).token();
    const judged = (milliseconds, options) =>
      http.verifier({ clock: clockWrongBy(milliseconds), ...options }).verify(token);
    await judged(0);
    await refused(judged(-MINUTE), "not_yet_valid");
    await judged(-MINUTE, { clockTolerance: 90 });
    await refused(judged(61 * MINUTE), "expired");
    await judged(61 * MINUTE, { clockTolerance: 120 });
    await refused(judged(30 * MINUTE, { maxAge: 600 }), "too_old");
    await judged(5 * MINUTE, { maxAge: 600 });
  });

  test("for its issuer, audience, type and scopes", async () => {
    const token = await http.tokens(await http.client(["read:users"])).token();
    const at = await standard.tokens(await standard.client()).token();
    await refused(http.verifier({ audience: "someone-else" }).verify(token), "wrong_audience");
    await refused(standard.verifier({ publicUrl: "https://elsewhere.example" }).verify(at), "wrong_issuer");
    await refused(http.verifier({ profiles: ["standard"] }).verify(token), "wrong_type");
    await refused(standard.verifier({ profiles: ["stytch"] }).verify(at), "wrong_type");
    const scopes = ["read:users", "write:users"];
    await refused(http.verifier().verify(token, { scopes }), "missing_scope", { scopes });
  });

  test("for its key and signature", async () => {
    const token = await http.tokens(await http.client()).token();
    const other = await http.newProject("stytch");
    await refused(other.verifier().verify(token), "unknown_key");
    const [header, claims, signature] = token.split(".");
    const verifier = http.verifier();
    await refused(verifier.verify(`${header}.${claims}.${signature.replace(/^.{4}/, "AAAA")}`), "bad_signature");
    const more = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(claims, "base64url")), scope: "admin:*" }));
    await refused(verifier.verify(`${header}.${more.toString("base64url")}.${signature}`), "bad_signature");
    await refused(verifier.verify(`${header}.${claims}.`), "bad_signature");
    const exchanged = (members) =>
      `${Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(header, "base64url")), ...members })).toString("base64url")}.${claims}.${signature}`;
    await refused(verifier.verify(exchanged({ alg: "none" })), "unsupported_algorithm");
    await refused(verifier.verify(exchanged({ alg: "HS256" })), "unsupported_algorithm");
    await refused(verifier.verify(exchanged({ alg: "ES256" })), "algorithm_mismatch");
    await refused(verifier.verify(exchanged({ kid: undefined })), "missing_key_id");
    await refused(verifier.verify(exchanged({ crit: ["exp"] })), "critical_header");
  });

  test("for its form", async () => {
    const token = await http.tokens(await http.client()).token();
    const verifier = http.verifier();
    await refused(verifier.verify(`${token}=`), "malformed");
    await refused(verifier.verify(`Bearer ${token}`), "malformed");
    await refused(verifier.verify(token + "A".repeat(16 * 1024)), "oversize");
  });

  test("by a service, in HTTP", async (t) => {
    const service = await protectedService(http.verifier(), { scopes: ["read:users"] });
    t.after(service.stop);
    const call = async (authorization) => {
      const answer = await fetch(service.url, { headers: authorization ? { authorization } : {} });
      return [answer.status, answer.headers.get("www-authenticate"), (await answer.json()).reason];
    };
    const [held, lacking] = await Promise.all([["read:users"], ["read:books"]].map(async (scopes) =>
      http.tokens(await http.client(scopes)).token()));
    assert.deepEqual(await call(`Bearer ${held}`), [200, null, undefined]);
    assert.deepEqual(await call(), [401, "Bearer", "missing_token"]);
    assert.deepEqual(await call("Bearer x"), [401, 'Bearer error="invalid_token"', "malformed"]);
    assert.deepEqual(await call(`Bearer ${lacking}`), [
      403,
      'Bearer error="insufficient_scope", scope="read:users"',
      "missing_scope",
    ]);
  });
});

overBothTransports((server) => {
  test("the token endpoint refuses", async () => {
    const client = await server.client();
    const wrong = { ...client, client_secret: `${client.client_secret}x` };
    await fails(server.tokens(wrong).token(), "TokenError", "invalid_client", { status: 400, temporary: false });
    await fails(server.tokens({ ...client, client_id: "m2m-client-test-none" }).token(), "TokenError", "invalid_client");
    await fails(server.tokens(client, { scopes: ["delete:users"] }).token(), "TokenError", "invalid_scope");
    await fails(server.tokens(client, { resource: "https://elsewhere.example" }).token(), "TokenError", "invalid_target");
    await server.api("PUT", `/${client.client_id}`, { status: "inactive" });
    await assert.rejects(server.tokens(client).token(), (error) => {
      assert.equal(error.code, "invalid_client");
      assert.match(error.requestId, /^request-id-/);
      assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(client.client_secret));
      return true;
    });
  });
});

test("nobody is at home", async () => {
  const nowhere = { url: "http://127.0.0.1:9", projectId: http.projectId };
  const away = http.tokens(await http.client(), { ...nowhere, retryFor: 500 });
  await fails(away.token(), "TokenError", "unreachable", { temporary: true });
  const token = await http.tokens(await http.client()).token();
  await refused(http.verifier(nowhere).verify(token), "keys_unavailable");
});
