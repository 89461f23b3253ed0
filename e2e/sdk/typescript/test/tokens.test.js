// A token is got and checked: both transports, both profiles, every algorithm.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeProtectedHeader } from "jose";
import { http, overBothTransports, refused, standard } from "./surroundings.js";

const PROFILES = {
  stytch: { typ: "JWT", alg: "RS256" },
  "standard-rs256": { typ: "at+jwt", alg: "RS256" },
  "standard-es256": { typ: "at+jwt", alg: "ES256" },
  "standard-eddsa": { typ: "at+jwt", alg: "EdDSA" },
};

overBothTransports((server) => {
  for (const [profile, expected] of Object.entries(PROFILES)) {
    test(`a project of the profile ${profile}`, async () => {
      const project = await server.newProject(profile);
      const client = await project.client();
      const token = await project.tokens(client).token();
      const { typ, alg } = decodeProtectedHeader(token);
      assert.deepEqual({ typ, alg }, expected);

      const { claims, expiresAt, issuedAt, tokenId, ...caller } = await project.verifier().verify(token);
      assert.deepEqual(caller, {
        clientId: client.client_id,
        subject: client.client_id,
        scopes: ["read:users", "write:*"],
        issuer: profile === "stytch" ? `stytch.com/${project.projectId}` : `${project.url}/v1/public/${project.projectId}`,
        audience: [project.projectId],
      });
      assert.equal(expiresAt - issuedAt, 3600);
      assert.equal(typeof tokenId, profile === "stytch" ? "undefined" : "string");
      assert.equal(claims.scope, "read:users write:*");

      const narrow = project.verifier({ profiles: [profile.split("-")[0]] });
      await narrow.verify(token, { scopes: ["read:users", "write:anything"] });
    });
  }

  test("a client with a profile of its own", async () => {
    const client = await server.client();
    const path = `/${server.projectId}/clients/${client.client_id}`;
    const verifier = server.verifier();
    assert.equal((await verifier.verify(await server.tokens(client).token())).issuer, `stytch.com/${server.projectId}`);
    await server.admin("PUT", path, { token_profile: "standard-rs256" });
    const caller = await verifier.verify(await server.tokens(client).token());
    assert.equal(caller.issuer, `${server.url}/v1/public/${server.projectId}`);
    await server.admin("PUT", path, { token_profile: null });
    await verifier.verify(await server.tokens(client).token());
  });

  test("some of the scopes, and a token for the gateway", async () => {
    const client = await server.client(["read:users", "write:users", "gateway:countersign"]);
    const some = await server.tokens(client, { scopes: ["write:users"] }).token();
    assert.deepEqual((await server.verifier().verify(some)).scopes, ["write:users"]);

    const gateway = `${server.url}/gateway`;
    const token = await server.tokens(client, { resource: gateway, scopes: ["gateway:countersign"] }).token();
    assert.deepEqual((await server.verifier({ audience: gateway }).verify(token)).audience, [gateway]);
    await refused(server.verifier().verify(token), "wrong_audience");
  });
});

describe("the standard project of the installation", () => {
  test("its tokens are checked by any verifier of RFC 9068", async () => {
    const token = await standard.tokens(await standard.client()).token();
    const issuer = `${standard.url}/v1/public/${standard.projectId}`;
    const foreign = http.verifier({ issuer, jwksUrl: `${issuer}/jwks.json`, audience: standard.projectId });
    assert.equal((await foreign.verify(token)).issuer, issuer);
  });
});
