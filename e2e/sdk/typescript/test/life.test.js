// The whole life of a client, by the functions that are made from api/openapi.json.
import assert from "node:assert/strict";
import { test } from "node:test";
import countersign from "@countersign/sdk";
import { overBothTransports, refused } from "./surroundings.js";

overBothTransports((server) => {
  test("a client is made, found, changed, rotated, used and deleted", async () => {
    // The project's id and secret are in the environment already; only the servers differ.
    process.env.COUNTERSIGN_URL = server.url;
    const made = await countersign.apiM2mV1M2mClientsCreate({ client_name: "life", scopes: ["read:users"] });
    const { client_id, client_secret } = made.m2m_client;
    assert.match(made.request_id, /^request-id-/);

    const read = await countersign.apiM2mV1M2mClientsGet({ client_id });
    assert.deepEqual([read.m2m_client.client_name, read.m2m_client.status], ["life", "active"]);

    const found = await countersign.apiM2mV1M2mClientsSearch({
      query: { operator: "AND", operands: [{ filter_name: "client_id", filter_value: [client_id] }] },
    });
    assert.deepEqual(found.m2m_clients.map((client) => client.client_id), [client_id]);

    const scopes = ["read:users", "write:users"];
    const changed = await countersign.apiM2mV1M2mClientsUpdate({ client_id, client_name: "life, later", scopes });
    assert.deepEqual(changed.m2m_client.scopes, scopes);
    const verifier = server.verifier();
    await verifier.verify(await server.tokens({ client_id, client_secret }).token(), { scopes });

    const started = await countersign.apiM2mV1M2mClientsSecretsRotateStart({ client_id });
    const next = { client_id, client_secret: started.m2m_client.next_client_secret };
    await countersign.apiM2mV1M2mClientsSecretsRotateCancel({ client_id });
    await assert.rejects(server.tokens(next).token(), { code: "invalid_client" });
    const again = await countersign.apiM2mV1M2mClientsSecretsRotateStart({ client_id });
    await countersign.apiM2mV1M2mClientsSecretsRotate({ client_id });
    await assert.rejects(server.tokens({ client_id, client_secret }).token(), { code: "invalid_client" });
    const latest = { client_id, client_secret: again.m2m_client.next_client_secret };
    const token = await server.tokens(latest).token();
    await refused(verifier.verify(token, { scopes: ["delete:users"] }), "missing_scope");

    await countersign.apiM2mV1M2mClientsUpdate({ client_id, status: "inactive" });
    await assert.rejects(server.tokens(latest).token(), { code: "invalid_client" });
    await countersign.apiM2mV1M2mClientsDelete({ client_id });
    await assert.rejects(countersign.apiM2mV1M2mClientsGet({ client_id }), (error) => {
      assert.deepEqual([error.code, error.status], ["m2m_client_not_found", 404]);
      return true;
    });
  });
});
