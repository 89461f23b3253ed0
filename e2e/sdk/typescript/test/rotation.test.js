// Secrets and keys are rotated under load: not one call of anyone may fail.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fetchWithToken } from "@countersign/sdk/fetch-with-token";
import { http, https, overBothTransports, protectedService, refused, standard } from "./surroundings.js";

/** Calls without a pause until it is told to stop; answers how many calls there were. */
function caller(call) {
  let running = true;
  const done = (async () => {
    let calls = 0;
    for (; running; calls++) {
      const answer = await call();
      assert.equal(answer.status, 200, await answer.text());
    }
    return calls;
  })();
  done.catch(() => {}); // It is awaited in the end.
  return () => ((running = false), done);
}

overBothTransports((server) => {
  test("a secret is rotated three times while callers call and renew", async (t) => {
    const client = await server.client();
    const service = await protectedService(server.verifier(), { scopes: ["read:users"] });
    t.after(service.stop);
    let secret = client.client_secret;
    const tokens = server.tokens(client, { clientSecret: async () => secret });
    const call = fetchWithToken(tokens);
    // One calls with what there is; two get a fresh token for each call, so that every moment of a rotation is met.
    const stops = [
      caller(() => call(service.url)),
      ...[1, 2].map(() => caller(() => fetchWithToken(server.tokens(client, { clientSecret: () => secret }))(service.url))),
    ];
    const path = `/${client.client_id}/secrets/rotate`;
    for (let rotation = 0; rotation < 3; rotation++) {
      const { m2m_client } = await server.api("POST", `${path}/start`, {});
      await moment();
      secret = m2m_client.next_client_secret;
      // Whoever read the old secret just now gets to use it.
      await moment();
      await server.api("POST", path, {});
      await moment();
    }
    const counts = await Promise.all(stops.map((stop) => stop()));
    assert.ok(counts.every((count) => count >= 3), `too few calls to show anything: ${counts}`);
    assert.deepEqual([...service.answers.keys()], [200]);
    // The first secret is gone for good.
    await assert.rejects(server.tokens(client).token(), { code: "invalid_client" });
  });
});

for (const [name, server, algorithm, profile] of [
  ["RS256, type JWT", https, "RS256", "stytch"],
  ["ES256, type at+jwt", standard, "ES256", "standard-es256"],
]) {
  test(`a key is rotated while tokens are checked: ${name}`, async (t) => {
    const project = await server.newProject(profile);
    const client = await project.client();
    const service = await protectedService(project.verifier());
    t.after(service.stop);
    const tokens = project.tokens(client);
    const stops = [caller(() => fetchWithToken(tokens)(service.url)), caller(() => fetchWithToken(project.tokens(client))(service.url))];
    await moment();
    await project.rotateKey(algorithm);
    await moment();
    const before = await tokens.token();
    // The key counts as stolen: earlier tokens are worth nothing as soon as a service has seen the new set. Its callers get
    // a 401 then, and fetchWithToken a new token.
    await project.rotateKey(algorithm, true);
    await moment();
    await moment();
    const counts = await Promise.all(stops.map((stop) => stop()));
    assert.ok(counts.every((count) => count >= 3), `too few calls to show anything: ${counts}`);
    assert.notEqual(await tokens.token(), before);
    await refused(project.verifier().verify(before), "unknown_key");
  });
}

test("the first project's keys are untouched by all that", async () => {
  await http.verifier().verify(await http.tokens(await http.client()).token());
});

/** Long enough for some calls of everyone. */
function moment() {
  return new Promise((resolve) => setTimeout(resolve, 150));
}
