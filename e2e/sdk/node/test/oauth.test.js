// A plain OAuth 2.0 library that knows nothing of Stytch: oauth4webapi for the grant, jose for the JWT.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as oauth from "oauth4webapi";
import { http, make, overBothTransports, Server, unique } from "./surroundings.js";

// The library refuses plain http unless told; half of this suite is about plain http.
const plainHttp = { [oauth.allowInsecureRequests]: true };
const methods = { client_secret_basic: oauth.ClientSecretBasic, client_secret_post: oauth.ClientSecretPost };

/** The grant as the library does it; `as` is the metadata of the authorization server. */
async function grant(as, { client_id, client_secret }, method, parameters = {}) {
  const client = { client_id };
  const credentials = methods[method](client_secret);
  const response = await oauth.clientCredentialsGrantRequest(as, client, credentials, parameters, plainHttp);
  const answer = await oauth.processClientCredentialsResponse(as, client, response);
  assert.equal(response.headers.get("cache-control"), "no-store");
  return answer;
}

overBothTransports((server) => {
  const as = { issuer: server.url, token_endpoint: server.tokenEndpoint };
  const issuer = `stytch.com/${server.projectId}`;
  const keys = createRemoteJWKSet(new URL(`/v1/sessions/jwks/${server.projectId}`, server.url));

  let client;
  before(async () => {
    // An imported id with the characters that form encoding changes: the library encodes them in Basic too (RFC 6749 2.3.1).
    client = await make(server.sdk(), { scopes: ["read:users", "admin"], client_id: unique("std.id~1:a@b") });
  });

  for (const method of Object.keys(methods)) {
    describe(method, () => {
      test("a token of some scopes", async () => {
        const answer = await grant(as, client, method, { scope: "read:users" });
        assert.deepEqual([answer.token_type, answer.expires_in], ["bearer", 3600]);

        const expected = { issuer, audience: server.projectId, typ: "JWT" };
        const { payload, protectedHeader } = await jwtVerify(answer.access_token, keys, expected);
        assert.deepEqual(protectedHeader, { alg: "RS256", kid: protectedHeader.kid, typ: "JWT" });
        const { jti, iat, ...claims } = payload;
        assert.deepEqual(claims, {
          sub: client.client_id,
          iss: issuer,
          aud: [server.projectId],
          scope: "read:users",
          nbf: iat,
          exp: iat + 3600,
        });
        await assert.rejects(jwtVerify(answer.access_token, keys, { issuer, audience: unique("project-test") }), {
          code: "ERR_JWT_CLAIM_VALIDATION_FAILED",
          claim: "aud",
        });
      });

      test("a token of all scopes without a wish", async () => {
        const { payload } = await jwtVerify((await grant(as, client, method)).access_token, keys);
        assert.equal(payload.scope, "read:users admin");
      });

      test("a wrong secret", () =>
        assert.rejects(
          grant(as, { ...client, client_secret: "csk_wrong" }, method),
          // RFC 6749 5.2: who tried a scheme of HTTP is told the scheme. No SDK of the wire does, so they get their 400.
          method === "client_secret_basic"
            ? { name: "WWWAuthenticateChallengeError", status: 401 }
            : { name: "ResponseBodyError", status: 400, error: "invalid_client" },
        ));

      test("a scope not held", () =>
        assert.rejects(grant(as, client, method, { scope: "delete:users" }), {
          name: "ResponseBodyError",
          error: "invalid_scope",
          status: 400,
        }));
    });
  }
});

// A project of the "standard" token profile is not there on the first day, so these tests exist only where one is named.
const { COUNTERSIGN_STANDARD_PROJECT_ID: projectId, COUNTERSIGN_STANDARD_PROJECT_SECRET: projectSecret } = process.env;
if (projectId || projectSecret) {
  describe("standard profile", () => {
    assert.ok(projectId && projectSecret, "COUNTERSIGN_STANDARD_PROJECT_ID and _SECRET come together");
    const server = new Server({ url: http.url, projectId, projectSecret });
    const issuer = new URL(`/v1/public/${projectId}`, http.url);

    let as;
    let client;
    before(async () => {
      const response = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...plainHttp });
      assert.equal(response.url, `${http.url}/.well-known/oauth-authorization-server/v1/public/${projectId}`);
      as = await oauth.processDiscoveryResponse(issuer, response);
      client = await make(server.sdk(), { scopes: ["read:users", "admin"] });
    });

    test("metadata", () => {
      assert.equal(as.issuer, issuer.href);
      assert.equal(as.token_endpoint, server.tokenEndpoint);
      assert.equal(as.jwks_uri, `${issuer.href}/jwks.json`);
      assert.ok(as.grant_types_supported.includes("client_credentials"));
      for (const method of Object.keys(methods)) {
        assert.ok(as.token_endpoint_auth_methods_supported.includes(method), method);
      }
    });

    for (const method of Object.keys(methods)) {
      test(`an RFC 9068 token by ${method}`, async () => {
        const { access_token } = await grant(as, client, method, { scope: "read:users" });

        // jose with the published keys …
        const keys = createRemoteJWKSet(new URL(as.jwks_uri));
        const expected = { issuer: issuer.href, audience: projectId, typ: "at+jwt" };
        const { payload } = await jwtVerify(access_token, keys, expected);
        const { sub, client_id, scope, jti } = payload;
        assert.deepEqual([sub, client_id, scope], [client.client_id, client.client_id, "read:users"]);
        assert.ok(jti);

        // … and the library's own check of an incoming request, which wants every claim of RFC 9068.
        const incoming = new Request(http.url, { headers: { Authorization: `Bearer ${access_token}` } });
        assert.deepEqual(await oauth.validateJwtAccessToken(as, incoming, projectId, plainHttp), payload);
      });
    }
  });
}
