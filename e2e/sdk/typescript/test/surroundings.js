// Where the suite runs: servers from the environment, clients of them, a service that checks tokens, and a way to cut the wire.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import http_ from "node:http";
import net from "node:net";
import { describe } from "node:test";
import { authenticated, identity } from "@countersign/sdk/express";
import { tokenSource } from "@countersign/sdk/token-source";
import { verifier } from "@countersign/sdk/verifier";

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`the suite needs the environment variable ${name}`);
  return value;
}

/** One running server and the keys to one of its projects. */
export class Server {
  constructor({ url, projectId, projectSecret, operatorKey }) {
    Object.assign(this, { url, projectId, projectSecret, operatorKey });
  }

  /** Asks the API as the project's backend. */
  async api(method, path, body) {
    const basic = Buffer.from(`${this.projectId}:${this.projectSecret}`).toString("base64");
    return await ask(method, `${this.url}/v1/m2m/clients${path}`, `Basic ${basic}`, body);
  }

  async admin(method, path, body) {
    return await ask(method, `${this.url}/admin/v1/projects${path}`, `Bearer ${this.operatorKey}`, body);
  }

  /** A new client, with its secret. */
  async client(scopes = ["read:users", "write:*"]) {
    return (await this.api("POST", "", { client_name: `sdk-${randomUUID()}`, scopes })).m2m_client;
  }

  /** A project on this server for one test alone, whose keys it may throw away. */
  async newProject(profile) {
    const made = await this.admin("POST", "", { name: `sdk-${randomUUID()}`, token_profile: profile });
    return new Server({ ...this, projectId: made.project.project_id, projectSecret: made.project_secret.secret });
  }

  async rotateKey(algorithm, emergency = false) {
    await this.admin("POST", `/${this.projectId}/keys/rotate`, { algorithm, emergency });
  }

  /** What every part of the SDK is told. */
  get settings() {
    return { url: this.url, projectId: this.projectId };
  }

  tokens({ client_id, client_secret }, options = {}) {
    return tokenSource({ ...this.settings, clientId: client_id, clientSecret: client_secret, ...options });
  }

  verifier(options = {}) {
    return verifier({ ...this.settings, ...options });
  }
}

async function ask(method, url, authorization, body) {
  const answer = await fetch(url, {
    method,
    headers: { authorization, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const answered = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(answered));
  return answered;
}

const operatorKey = required("COUNTERSIGN_OPERATOR_KEY");
const main = {
  projectId: required("COUNTERSIGN_PROJECT_ID"),
  projectSecret: required("COUNTERSIGN_PROJECT_SECRET"),
  operatorKey,
};
export const http = new Server({ ...main, url: required("COUNTERSIGN_HTTP_URL") });
export const https = new Server({ ...main, url: required("COUNTERSIGN_HTTPS_URL") });

/** A project whose tokens are those of RFC 9068. */
export const standard = new Server({
  url: http.url,
  projectId: required("COUNTERSIGN_STANDARD_PROJECT_ID"),
  projectSecret: required("COUNTERSIGN_STANDARD_PROJECT_SECRET"),
  operatorKey,
});

// Node reads this one itself, at its start; without it every https test would fail with a riddle.
required("NODE_EXTRA_CA_CERTS");

/** Declares the same tests over http and https. */
export function overBothTransports(declare) {
  for (const [transport, server] of Object.entries({ http, https })) describe(transport, () => declare(server));
}

/** A clock that is wrong by so many milliseconds. */
export const clockWrongBy = (milliseconds) => ({
  now: () => Date.now() + milliseconds,
  random: Math.random,
  sleep: (wait) => new Promise((resolve) => setTimeout(resolve, wait)),
});

/** A service on a free port that lets in who has a good token with these scopes, and counts how it answered. */
export async function protectedService(verifier, options) {
  const admit = authenticated(verifier, options);
  const answers = new Map();
  const server = http_.createServer((request, response) => {
    response.on("finish", () => answers.set(response.statusCode, (answers.get(response.statusCode) ?? 0) + 1));
    void admit(request, response, (error) => {
      response.statusCode = error ? 500 : 200;
      response.end(error ? String(error) : JSON.stringify({ caller: identity(request).clientId }));
    });
  });
  const url = await listen(server);
  return { url, answers, stop: () => stop(server) };
}

/** A wire to a server that can be cut and mended. */
export async function wireTo({ url }) {
  const target = new URL(url);
  const open = new Set();
  let isCut = false;
  const server = net.createServer((near) => {
    if (isCut) return near.destroy();
    const far = net.connect(Number(target.port), target.hostname);
    for (const [one, other] of [[near, far], [far, near]]) {
      open.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => (open.delete(one), other.destroy()));
      one.pipe(other);
    }
  });
  return {
    url: await listen(server, target.protocol),
    cut() {
      isCut = true;
      for (const socket of open) socket.destroy();
    },
    mend() {
      isCut = false;
    },
    stop() {
      this.cut();
      return stop(server);
    },
  };
}

export async function listen(server, protocol = "http:") {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `${protocol}//127.0.0.1:${server.address().port}`;
}

export function stop(server) {
  server.closeAllConnections?.();
  return new Promise((resolve) => server.close(resolve));
}

/** The call must end in an error of this name and code. */
export function fails(call, name, code, more = {}) {
  return assert.rejects(call, (error) => {
    assert.deepEqual([error.name, error.code], [name, code], error);
    for (const [member, value] of Object.entries(more)) assert.deepEqual(error[member], value, member);
    return true;
  });
}

export const refused = (call, code, more) => fails(call, "Refusal", code, more);
