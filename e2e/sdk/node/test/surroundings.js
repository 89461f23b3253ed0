// Where the suite runs: servers from the environment, and the SDK in every shape it comes in.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe } from "node:test";
import stytch from "stytch";

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`the suite needs the environment variable ${name}`);
  return value;
}

export const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
export const requestId = new RegExp(`^request-id-(test|live)-${uuid}$`);

/** A name no other test, suite or earlier run uses, so that a used server does as well as a fresh one. */
export const unique = (word) => `${word}-${randomUUID()}`;

/** One running server and the keys to one of its projects. */
export class Server {
  constructor({ url, projectId, projectSecret, operatorKey }) {
    Object.assign(this, { url, projectId, projectSecret, operatorKey });
    // `test` or `live`, as it stands in the project id and in every id the server makes.
    this.env = projectId.split("-")[1];
  }

  sdk(Client = stytch.Client, instead = {}) {
    // The SDK takes plain http only as an "env", and https only as a "custom base URL".
    const where = this.url.startsWith("https:") ? "custom_base_url" : "env";
    return new Client({ project_id: this.projectId, secret: this.projectSecret, [where]: this.url, ...instead });
  }

  get tokenEndpoint() {
    return `${this.url}/v1/public/${this.projectId}/oauth2/token`;
  }

  /** A project on this server for one test alone, whose keys it may throw away. */
  async newProject() {
    const { project, project_secret } = await this.#administer("projects", { name: unique("sdk") });
    return new Server({ ...this, projectId: project.project_id, projectSecret: project_secret.secret });
  }

  async rotateKey({ emergency }) {
    await this.#administer(`projects/${this.projectId}/keys/rotate`, { algorithm: "RS256", emergency });
  }

  async #administer(path, body) {
    const answer = await fetch(`${this.url}/admin/v1/${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${this.operatorKey}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const answered = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(answered));
    return answered;
  }
}

const main = {
  projectId: required("COUNTERSIGN_PROJECT_ID"),
  projectSecret: required("COUNTERSIGN_PROJECT_SECRET"),
  operatorKey: required("COUNTERSIGN_OPERATOR_KEY"),
};
export const http = new Server({ ...main, url: required("COUNTERSIGN_HTTP_URL") });
export const https = new Server({ ...main, url: required("COUNTERSIGN_HTTPS_URL") });

/** The server whose tokens live as short as a server allows. */
export const short = new Server({
  url: required("COUNTERSIGN_SHORT_HTTP_URL"),
  projectId: process.env.COUNTERSIGN_SHORT_PROJECT_ID || main.projectId,
  projectSecret: process.env.COUNTERSIGN_SHORT_PROJECT_SECRET || main.projectSecret,
  operatorKey: process.env.COUNTERSIGN_SHORT_OPERATOR_KEY || main.operatorKey,
});

// Node reads this one itself, at its start; without it every https test would fail with a riddle.
required("NODE_EXTRA_CA_CERTS");

/** Declares the same tests over http and https. */
export function overBothTransports(declare) {
  for (const [transport, server] of Object.entries({ http, https })) describe(transport, () => declare(server));
}

/** Declares the same tests over http and https, for the consumer and for the B2B client. */
export function everywhere(declare) {
  overBothTransports((server) => {
    for (const [vertical, Client] of Object.entries({ consumer: stytch.Client, b2b: stytch.B2BClient })) {
      describe(vertical, () => declare({ server, Client, sdk: server.sdk(Client) }));
    }
  });
}

/** Creates a client of the given fields; the answer holds its secret. */
export async function make(sdk, fields = {}) {
  return (await sdk.m2m.clients.create({ scopes: [], ...fields })).m2m_client;
}

/** Asks for a token as that client. */
export function tokenOf(sdk, { client_id, client_secret }, scopes) {
  return sdk.m2m.token({ client_id, client_secret, scopes });
}

/** A success answer: exactly these members beside the envelope. */
export function assertAnswer({ status_code, request_id, ...rest }, expected) {
  assert.equal(status_code, 200);
  assert.match(request_id, requestId);
  assert.deepEqual(rest, expected);
}

/** The call must end in the SDK's typed error, filled in completely, from a body in the API style alone. */
export function apiRefuses(status, errorType, call) {
  return refuses(call, status, errorType, ["error_message", "error_type", "error_url"]);
}

/** The same for the token endpoint: always 400 and the member names of RFC 6749, never both styles. */
export function oauthRefuses(error, call) {
  return refuses(call, 400, error, ["error", "error_description", "error_uri"]);
}

function refuses(call, status, errorType, members) {
  return assert.rejects(call, (error) => {
    assert.deepEqual([error.status_code, error.error_type], [status, errorType]);
    assert.match(error.request_id, requestId);
    assert.ok(error.error_message && error.error_url);
    // The SDK keeps the body it got as the text of the error.
    assert.deepEqual(Object.keys(JSON.parse(error.message)).sort(), [...members, "request_id", "status_code"].sort());
    return true;
  });
}
