// The server goes away and comes back. Time is told, so that nobody waits for an hour.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fails, http, overBothTransports, refused, wireTo } from "./surroundings.js";

const MINUTE = 60_000;

overBothTransports((server) => {
  test("callers and services go on while it is away", async () => {
    const wire = await wireTo(server);
    after(() => wire.stop());
    let ahead = 0;
    const clock = {
      now: () => Date.now() + ahead,
      random: () => 0.5,
      sleep: async (milliseconds) => void (ahead += milliseconds),
    };
    const client = await server.client();
    let answers = 0;
    const counting = async (...call) => {
      const response = await fetch(...call);
      answers++;
      return response;
    };
    const through = { url: wire.url, publicUrl: server.url, clock };
    const tokens = server.tokens(client, { ...through, fetch: counting });
    const verifier = server.verifier(through);
    const first = await tokens.token();
    await verifier.verify(first);

    wire.cut();
    ahead = 58 * MINUTE; // Time to renew.
    assert.equal(await tokens.token(), first);
    await verifier.verify(first);
    ahead = 61 * MINUTE; // Too late.
    await fails(tokens.token(), "TokenError", "unreachable", { temporary: true });
    await refused(verifier.verify(first), "expired");

    wire.mend();
    ahead += 2 * MINUTE;
    assert.equal(answers, 1);
    const second = await tokens.token(); // The same text when it was issued in the same second: such tokens have no id.
    assert.equal(answers, 2);
    // Its times are those of the server.
    ahead = 0;
    await verifier.verify(second);
  });
});

test("keys are used for as long as was said, and not longer", async () => {
  const wire = await wireTo(http);
  after(() => wire.stop());
  let ahead = 0;
  const clock = { now: () => Date.now() + ahead, random: () => 0.5 };
  const verifier = http.verifier({ url: wire.url, clock, keysUsableFor: 1800 });
  const token = await http.tokens(await http.client()).token();
  await verifier.verify(token);
  wire.cut();
  for (ahead = MINUTE; ahead < 30 * MINUTE; ahead += MINUTE) await verifier.verify(token);
  ahead = 31 * MINUTE;
  await refused(verifier.verify(token), "keys_unavailable");
  wire.mend();
  ahead += 2 * MINUTE;
  await verifier.verify(token);
});
