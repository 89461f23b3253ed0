// The gateway's tools through the official SDK of the Model Context Protocol.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { LATEST_PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
import { make, overBothTransports, tokenOf, unique } from "./surroundings.js";

const operation = "apiM2mV1M2mClientsCreate";
const previous = SUPPORTED_PROTOCOL_VERSIONS[SUPPORTED_PROTOCOL_VERSIONS.indexOf(LATEST_PROTOCOL_VERSION) + 1];

/** Proposes another version than the newest that the SDK knows. */
class Proposing extends Client {
  constructor(version) {
    super({ name: "suite", version: "1" });
    this.version = version;
  }

  request(request, ...rest) {
    const proposed = request.method === "initialize" ? { params: { ...request.params, protocolVersion: this.version } } : {};
    return super.request({ ...request, ...proposed }, ...rest);
  }
}

overBothTransports((server) => {
  const sdk = server.sdk();

  async function connected(version, scopes) {
    const { access_token } = await tokenOf(sdk, await make(sdk, { scopes }), scopes);
    const client = new Proposing(version);
    const headers = { Authorization: `Bearer ${access_token}` };
    const transport = new StreamableHTTPClientTransport(new URL(`${server.url}/gateway/mcp`), { requestInit: { headers } });
    await client.connect(transport);
    assert.equal(transport.protocolVersion, version);
    return client;
  }

  for (const version of [LATEST_PROTOCOL_VERSION, previous]) {
    test(`protocol ${version}: lists, searches and calls`, async () => {
      const client = await connected(version, ["gateway:countersign"]);
      const { tools } = await client.listTools();
      assert.ok(tools.some(({ name }) => name === `countersign_${operation}`));

      const found = await client.callTool({ name: "search_operations", arguments: { query: "create a client" } });
      assert.equal(found.structuredContent.operations[0].operation, operation);

      const client_name = unique("tool");
      const call = { provider: "countersign", operation, arguments: { client_name } };
      const made = await client.callTool({ name: "call_operation", arguments: call });
      const { client_id } = made.structuredContent.m2m_client;
      const { m2m_client } = await sdk.m2m.clients.get({ client_id });
      assert.equal(m2m_client.client_name, client_name);
      await client.close();
    });
  }

  test("a refusal is a result that names the scope", async () => {
    const client = await connected(LATEST_PROTOCOL_VERSION, ["gateway-read:countersign"]);
    const refused = await client.callTool({ name: `countersign_${operation}`, arguments: {} });
    assert.equal(refused.isError, true);
    assert.equal(refused.structuredContent.needed_scope, `gateway:countersign/${operation}`);
    await client.close();
  });

  test("without a token nothing is said", async () => {
    const client = new Client({ name: "suite", version: "1" });
    const transport = new StreamableHTTPClientTransport(new URL(`${server.url}/gateway/mcp`));
    await assert.rejects(client.connect(transport), /401|Unauthorized|missing_token/);
  });
});
