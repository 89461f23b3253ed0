// The same few steps in every other runtime. One that is not there is a failure, not a skip.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { http, listen, stop } from "./surroundings.js";

const folder = fileURLToPath(new URL("runtimes", import.meta.url));
const packages = fileURLToPath(new URL("../node_modules", import.meta.url));

async function settings() {
  const { client_id, client_secret } = await http.client();
  return { ...http.settings, clientId: client_id, clientSecret: client_secret };
}

const expected = ({ clientId }) => ({ caller: clientId, isShared: true, refusal: "bad_signature" });

/** Runs a program that reads the settings and prints what it found. */
async function run(program, args) {
  assert.ok(existsSync(program), `${program} is not installed: it comes for Linux on x64 only`);
  const given = await settings();
  const child = spawn(program, args, { cwd: folder, timeout: 30_000, env: { HOME: tmpdir(), NO_COLOR: "1" } });
  let said = "";
  let complaints = "";
  child.stdout.on("data", (data) => (said += data));
  child.stderr.on("data", (data) => (complaints += data));
  child.stdin.end(JSON.stringify(given));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 0, complaints);
  assert.deepEqual(JSON.parse(said), expected(given));
}

test("Deno, with the right to the network and to nothing else", async () => {
  const rights = ["--no-prompt", "--no-config", "--no-lock", "--cached-only", "--node-modules-dir=manual", "--allow-net=127.0.0.1"];
  await run(join(packages, "@deno/linux-x64-glibc/deno"), ["run", ...rights, "deno.js"]);
});

test("Bun", async () => {
  await run(join(packages, "@oven/bun-linux-x64/bin/bun"), ["run", "--no-install", "bun.js"]);
});

test("workerd, where a request does not wait for what another began", async (t) => {
  await bundle("worker");
  const program = join(packages, "@cloudflare/workerd-linux-64/bin/workerd");
  assert.ok(existsSync(program), `${program} is not installed: it comes for Linux on x64 only`);
  const child = spawn(program, ["serve", "workerd.capnp", "--control-fd=3"], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  t.after(() => child.kill());
  const port = await new Promise((resolve, reject) => {
    child.on("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
    createInterface({ input: child.stdio[3] }).on("line", (line) => resolve(JSON.parse(line).port));
  });
  // The first call for a token is never answered, and its caller goes away: what it began ends with it.
  let asked;
  const firstAsked = new Promise((resolve) => (asked = resolve));
  let calls = 0;
  const front = createServer((request, response) => {
    if (calls++ === 0) asked();
    else void passOn(request, response);
  });
  const given = { ...(await settings()), url: await listen(front) };
  t.after(() => stop(front));
  const ask = async (givenUp = new AbortController().signal) => {
    // Sooner than the SDK itself would give the first call up.
    const limit = AbortSignal.any([givenUp, AbortSignal.timeout(5_000)]);
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: JSON.stringify(given), signal: limit });
    assert.equal(answer.status, 200, await answer.clone().text());
    const { isShared, ...found } = await answer.json();
    return found;
  };
  const gone = new AbortController();
  const first = assert.rejects(ask(gone.signal), { name: "AbortError" });
  await firstAsked;
  const others = Promise.all(Array.from({ length: 8 }, () => ask()));
  gone.abort();
  await first;
  const { isShared, ...found } = expected(given);
  assert.deepEqual(await others, Array(8).fill(found));
});

test("Chromium", async (t) => {
  const page = await bundle("page");
  // The server has no CORS, so the page's own origin passes its calls on.
  const site = createServer(async (request, response) => {
    if (request.url === "/page.js") return response.setHeader("content-type", "text/javascript").end(page);
    if (!request.url.startsWith("/v1/")) {
      return response.setHeader("content-type", "text/html").end('<script type="module" src="/page.js"></script>');
    }
    await passOn(request, response);
  });
  const url = (await listen(site)).replace("127.0.0.1", "localhost");
  t.after(() => stop(site));

  const profile = mkdtempSync(join(tmpdir(), "countersign-sdk-"));
  t.after(() => rmSync(profile, { recursive: true, force: true }));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: browserProgram(),
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  t.after(() => browser.close());
  const tab = await browser.newPage();
  await tab.goto(url);
  await tab.waitForFunction("globalThis.smoke");
  const given = await settings();
  assert.deepEqual(await tab.evaluate((settings) => globalThis.smoke(settings), given), expected(given));
});

/** Lets the server answer. */
async function passOn(request, response) {
  const { method, headers } = request;
  const body = method === "POST" ? request : undefined;
  const type = headers["content-type"] ?? "";
  const answer = await fetch(http.url + request.url, { method, headers: { "content-type": type }, body, duplex: "half" });
  response.statusCode = answer.status;
  response.setHeader("content-type", answer.headers.get("content-type")).end(await answer.text());
}

/** One file of everything, as such a runtime is given it. */
async function bundle(name) {
  const { outputFiles } = await build({
    entryPoints: [join(folder, `${name}.js`)],
    outfile: join(folder, `${name}.bundle.js`),
    bundle: true,
    format: "esm",
    platform: "browser",
    write: name === "worker",
    logLevel: "error",
  });
  return outputFiles?.[0].text;
}

function browserProgram() {
  const names = ["chromium", "chromium-browser", "google-chrome"].map((name) => `/usr/bin/${name}`);
  const found = [process.env.COUNTERSIGN_CHROMIUM, ...names].find((path) => path && existsSync(path));
  assert.ok(found, "there is no Chromium: install it, or name it in COUNTERSIGN_CHROMIUM");
  return found;
}
