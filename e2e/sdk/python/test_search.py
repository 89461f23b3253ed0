"""Search: paging, the three filters, both operators, and the errors of bad operands."""

import pytest
from surroundings import REQUEST_ID, api_refuses, unique


@pytest.fixture
def family(make):
    """Five clients that share a scope nobody else has; each has a name and a scope of its own."""
    shared = unique("shared")
    return [make(client_name=unique("member"), scopes=[shared, unique("own")]) for _ in range(5)]


def operand(name, *values):
    return {"filter_name": name, "filter_value": list(values)}


def found(sdk, operator, *operands):
    """The ids a search finds; every search must also count them rightly."""
    answer = sdk.m2m.clients.search(query={"operator": operator, "operands": list(operands)})
    assert answer.status_code == 200 and REQUEST_ID.fullmatch(answer.request_id)
    ids = [client.client_id for client in answer.m2m_clients]
    assert answer.results_metadata.model_dump() == {"total": len(ids), "next_cursor": None}
    return sorted(ids)


def ids(*clients):
    return sorted(client.client_id for client in clients)


def test_pages(sdk, family):
    query = {"operator": "AND", "operands": [operand("scopes", family[0].scopes[0])]}
    cursor, pages = None, []
    while True:
        answer = sdk.m2m.clients.search(query=query, limit=2, cursor=cursor)
        assert answer.results_metadata.total == 5
        pages.append(answer.m2m_clients)
        cursor = answer.results_metadata.next_cursor
        if cursor is None:
            break
    assert [len(page) for page in pages] == [2, 2, 1]
    assert ids(*sum(pages, [])) == ids(*family)


def test_a_result_is_the_whole_client(sdk, family):
    query = {"operator": "AND", "operands": [operand("client_id", family[0].client_id)]}
    answer = sdk.m2m.clients.search(query=query)
    assert answer.m2m_clients == [sdk.m2m.clients.get(client_id=family[0].client_id).m2m_client]


def test_each_filter(sdk, family):
    one, two, *_ = family
    assert found(sdk, "AND", operand("client_id", one.client_id, two.client_id)) == ids(one, two)
    assert found(sdk, "AND", operand("client_name", one.client_name, two.client_name)) == ids(one, two)
    # One of the listed scopes is enough.
    assert found(sdk, "AND", operand("scopes", one.scopes[1], two.scopes[1])) == ids(one, two)
    assert found(sdk, "AND", operand("scopes", one.scopes[0])) == ids(*family)


def test_operators(sdk, family):
    one, two, *_ = family
    by_name, by_id = operand("client_name", one.client_name), operand("client_id", two.client_id)
    assert found(sdk, "OR", by_name, by_id) == ids(one, two)
    assert found(sdk, "AND", by_name, by_id) == []
    assert found(sdk, "AND", by_name, operand("scopes", one.scopes[0])) == ids(one)


def test_names_match_exactly(sdk, family):
    assert found(sdk, "AND", operand("client_name", family[0].client_name[:-1])) == []


@pytest.mark.parametrize("query", [None, {"operator": "OR", "operands": []}], ids=["no query", "no operands"])
def test_no_filter_finds_everything(sdk, family, query):
    answer = sdk.m2m.clients.search(query=query, limit=1)
    assert answer.results_metadata.total >= len(family)
    assert len(answer.m2m_clients) == 1 and answer.results_metadata.next_cursor


@pytest.mark.parametrize(
    "bad, error_type",
    [
        (operand("favourite_colour", "red"), "m2m_search_filter_name_not_recognized"),
        ({"filter_name": 7, "filter_value": ["a"]}, "m2m_search_filter_name_must_be_string"),
        ({"filter_value": ["a"]}, "m2m_search_missing_filter_name"),
        ({"filter_name": "scopes"}, "m2m_search_missing_filter_value"),
        ({"filter_name": "scopes", "filter_value": "a"}, "m2m_search_expected_array_of_strings"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_operands(sdk, bad, error_type):
    with api_refuses(400, error_type):
        sdk.m2m.clients.search(query={"operator": "AND", "operands": [bad]})
