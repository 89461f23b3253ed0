// Search: paging, the three filters, both operators, and the errors of bad operands.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { apiRefuses, assertAnswer, everywhere, make, unique } from "./surroundings.js";

const operand = (filter_name, ...filter_value) => ({ filter_name, filter_value });
const ids = (clients) => clients.map((client) => client.client_id).sort();

everywhere(({ sdk }) => {
  const search = (query, page = {}) => sdk.m2m.clients.search({ query, ...page });

  // Five clients that share a scope nobody else has; each has a name and a scope of its own.
  const family = [];
  const shared = unique("shared");
  before(async () => {
    for (let i = 0; i < 5; i += 1) {
      family.push(await make(sdk, { client_name: unique("member"), scopes: [shared, unique("own")] }));
    }
  });

  /** The search must find exactly these, and count them rightly. */
  async function assertFound(operator, operands, clients) {
    const answer = await search({ operator, operands });
    assert.deepEqual(ids(answer.m2m_clients), ids(clients));
    assert.deepEqual(answer.results_metadata, { total: clients.length, next_cursor: null });
  }

  test("pages", async () => {
    const pages = [];
    let cursor;
    do {
      const answer = await search({ operator: "AND", operands: [operand("scopes", shared)] }, { limit: 2, cursor });
      assert.equal(answer.results_metadata.total, 5);
      pages.push(answer.m2m_clients);
      cursor = answer.results_metadata.next_cursor;
    } while (cursor !== null);
    assert.deepEqual(pages.map((page) => page.length), [2, 2, 1]);
    assert.deepEqual(ids(pages.flat()), ids(family));
  });

  test("a result is the whole client", async () => {
    const { client_id } = family[0];
    const { m2m_client } = await sdk.m2m.clients.get({ client_id });
    const answer = await search({ operator: "AND", operands: [operand("client_id", client_id)] });
    assertAnswer(answer, { m2m_clients: [m2m_client], results_metadata: { total: 1, next_cursor: null } });
  });

  test("each filter", async () => {
    const [one, two] = family;
    await assertFound("AND", [operand("client_id", one.client_id, two.client_id)], [one, two]);
    await assertFound("AND", [operand("client_name", one.client_name, two.client_name)], [one, two]);
    // One of the listed scopes is enough.
    await assertFound("AND", [operand("scopes", one.scopes[1], two.scopes[1])], [one, two]);
    await assertFound("AND", [operand("scopes", shared)], family);
  });

  test("operators", async () => {
    const [one, two] = family;
    const operands = [operand("client_name", one.client_name), operand("client_id", two.client_id)];
    await assertFound("OR", operands, [one, two]);
    await assertFound("AND", operands, []);
    await assertFound("AND", [operands[0], operand("scopes", shared)], [one]);
  });

  test("names match exactly", () =>
    assertFound("AND", [operand("client_name", family[0].client_name.slice(0, -1))], []));

  for (const query of [undefined, { operator: "OR", operands: [] }]) {
    test(`${query ? "no operands" : "no query"} finds everything`, async () => {
      const answer = await search(query, { limit: 1 });
      assert.ok(answer.results_metadata.total >= family.length);
      assert.equal(answer.m2m_clients.length, 1);
      assert.ok(answer.results_metadata.next_cursor);
    });
  }

  for (const [errorType, bad] of Object.entries({
    m2m_search_filter_name_not_recognized: operand("favourite_colour", "red"),
    m2m_search_filter_name_must_be_string: operand(7, "a"),
    m2m_search_missing_filter_name: { filter_value: ["a"] },
    m2m_search_missing_filter_value: { filter_name: "scopes" },
    m2m_search_expected_array_of_strings: { filter_name: "scopes", filter_value: "a" },
  })) {
    test(errorType, () => apiRefuses(400, errorType, search({ operator: "AND", operands: [bad] })));
  }
});
