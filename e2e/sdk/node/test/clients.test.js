// The life of a client, from create to delete, through the official SDK.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { apiRefuses, assertAnswer, everywhere, make, oauthRefuses, tokenOf, unique, uuid } from "./surroundings.js";

/** The fields every answer about a client shares, without the secret that only one answer holds. */
function plain({ client_secret, next_client_secret, ...client }) {
  return client;
}

everywhere(({ server, Client, sdk }) => {
  const { clients } = sdk.m2m;
  const unknown = { client_id: unique("nobody") };

  test("whoami", async () => {
    const { name, ...answer } = await sdk.debug.whoami();
    assertAnswer(answer, { project_id: server.projectId });
    assert.ok(name);
  });

  for (const [field, shape] of [["secret", "secret"], ["project_id", "project"]]) {
    test(`wrong ${field} of the project`, async () => {
      const stranger = server.sdk(Client, { [field]: unique(`${shape}-${server.env}`) });
      await apiRefuses(401, "unauthorized_credentials", stranger.debug.whoami());
      await apiRefuses(401, "unauthorized_credentials", stranger.m2m.clients.create({ scopes: [] }));
    });
  }

  test("create with every field", async () => {
    const fields = {
      client_id: unique("imported"),
      client_name: unique("Überbringer"),
      client_description: 'brings "parcels" \u{1F4E6} home',
      scopes: ["read:users", "write:*", "admin"],
      trusted_metadata: { org_id: "o-1", limits: { rate: 2.5, tags: ["a", null, true] } },
    };
    const client_secret = randomBytes(30).toString("base64url");
    const expected = {
      ...fields,
      status: "active",
      client_secret_last_four: client_secret.slice(-4),
      next_client_secret_last_four: null,
    };
    const created = await clients.create({ ...fields, client_secret });
    assertAnswer(created, { m2m_client: { ...expected, client_secret } });
    assertAnswer(await clients.get({ client_id: fields.client_id }), { m2m_client: expected });
    assert.equal((await tokenOf(sdk, created.m2m_client)).status_code, 200);
  });

  test("create with nothing", async () => {
    const client = await make(sdk);
    assert.match(client.client_id, new RegExp(`^m2m-client-${server.env}-${uuid}$`));
    assert.match(client.client_secret, /^csk_[0-9A-Za-z]{49}$/);
    assert.deepEqual(plain(client), {
      client_id: client.client_id,
      client_name: "",
      client_description: "",
      status: "active",
      scopes: [],
      client_secret_last_four: client.client_secret.slice(-4),
      trusted_metadata: {},
      next_client_secret_last_four: null,
    });
  });

  test("create with a used id", async () => {
    const { client_id } = await make(sdk, { client_id: unique("taken") });
    await apiRefuses(400, "duplicate_m2m_client_id", make(sdk, { client_id }));
  });

  test("create with a weak secret", () =>
    apiRefuses(400, "insecure_m2m_client_secret", make(sdk, { client_secret: "password1" })));

  for (const change of [
    { client_name: "renamed" },
    { client_description: "described anew" },
    { client_name: "" },
    { scopes: ["write:users", "read:users"] },
    { scopes: [] },
    { status: "inactive" },
    { trusted_metadata: { plan: "free" } },
  ]) {
    test(`update changes one field only: ${JSON.stringify(change)}`, async () => {
      const client = await make(sdk, {
        client_name: "before",
        client_description: "as created",
        scopes: ["read:users"],
        trusted_metadata: { plan: "paid" },
      });
      const { client_id } = client;
      const expected = { m2m_client: { ...plain(client), ...change } };
      assertAnswer(await clients.update({ client_id, ...change }), expected);
      assertAnswer(await clients.get({ client_id }), expected);
    });
  }

  test("metadata merges at the top level only", async () => {
    const { client_id } = await make(sdk, { trusted_metadata: { kept: 1, gone: 2, nested: { a: 1, b: 2 } } });
    const trusted_metadata = { gone: null, nested: { c: null }, new: [1] };
    const { m2m_client } = await clients.update({ client_id, trusted_metadata });
    assert.deepEqual(m2m_client.trusted_metadata, { kept: 1, nested: { c: null }, new: [1] });
  });

  test("an inactive client gets no token", async () => {
    const client = await make(sdk);
    const { client_id } = client;
    const { access_token } = await tokenOf(sdk, client);
    await clients.update({ client_id, status: "inactive" });
    await oauthRefuses("invalid_client", tokenOf(sdk, client));
    // A token is checked offline: it outlives the change, as the API says.
    assert.equal((await sdk.m2m.authenticateToken({ access_token })).client_id, client_id);
    await clients.update({ client_id, status: "active" });
    assert.equal((await tokenOf(sdk, client)).status_code, 200);
  });

  test("delete", async () => {
    const client = await make(sdk);
    const { client_id } = client;
    assertAnswer(await clients.delete({ client_id }), { client_id });
    await apiRefuses(404, "m2m_client_not_found", clients.get({ client_id }));
    await apiRefuses(404, "m2m_client_not_found", clients.delete({ client_id }));
    await oauthRefuses("invalid_client", tokenOf(sdk, client));
  });

  test("rotation", async () => {
    const client = await make(sdk);
    const { client_id } = client;
    const getsToken = async (client_secret) =>
      assert.equal((await tokenOf(sdk, { client_id, client_secret })).status_code, 200);
    const isDead = (client_secret) => oauthRefuses("invalid_client", tokenOf(sdk, { client_id, client_secret }));

    const started = await clients.secrets.rotateStart({ client_id });
    const second = started.m2m_client.next_client_secret;
    assert.notEqual(second, client.client_secret);
    const rotating = { ...plain(client), next_client_secret_last_four: second.slice(-4) };
    assertAnswer(started, { m2m_client: { ...rotating, next_client_secret: second } });
    assertAnswer(await clients.get({ client_id }), { m2m_client: rotating });
    await getsToken(client.client_secret);
    await getsToken(second);
    await apiRefuses(400, "m2m_client_already_rotating_secret", clients.secrets.rotateStart({ client_id }));

    const completed = { m2m_client: { ...plain(client), client_secret_last_four: second.slice(-4) } };
    assertAnswer(await clients.secrets.rotate({ client_id }), completed);
    await getsToken(second);
    await isDead(client.client_secret);

    const third = (await clients.secrets.rotateStart({ client_id })).m2m_client.next_client_secret;
    await getsToken(third);
    assertAnswer(await clients.secrets.rotateCancel({ client_id }), completed);
    await getsToken(second);
    await isDead(third);
  });

  for (const move of ["rotate", "rotateCancel"]) {
    test(`${move} of a rotation that was not started`, async () => {
      const { client_id } = await make(sdk);
      await apiRefuses(400, "m2m_client_not_rotating_secret", clients.secrets[move]({ client_id }));
    });
  }

  for (const [name, call] of Object.entries({
    get: () => clients.get(unknown),
    update: () => clients.update({ ...unknown, client_name: "anyone" }),
    rotateStart: () => clients.secrets.rotateStart(unknown),
    rotate: () => clients.secrets.rotate(unknown),
    rotateCancel: () => clients.secrets.rotateCancel(unknown),
  })) {
    test(`${name} of an unknown client`, () => apiRefuses(404, "m2m_client_not_found", call()));
  }
});
