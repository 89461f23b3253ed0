//! Search: paging, the three filters, both operators, and the errors of bad operands.

use serde_json::{Value, json};
use stytch::consumer::m2m::{M2MClientWithClientSecret, M2MSearchQuery, M2MSearchQueryOperator};
use stytch::consumer::m2m_clients::{CreateRequest, GetRequest, SearchRequest, SearchResponse};

use crate::surroundings::{Sdk, assert_refused, assert_request_id, plain, unique};

everywhere!(
    pages,
    a_result_is_the_whole_client,
    each_filter,
    operators,
    names_match_exactly,
    no_filter_finds_everything,
    bad_operands,
);

/// Five clients that share a scope nobody else has; each has a name and a scope of its own.
async fn family(sdk: &Sdk) -> Vec<M2MClientWithClientSecret> {
    let shared = unique("shared");
    let mut family = Vec::new();
    for _ in 0..5 {
        let scopes = vec![shared.clone(), unique("own")];
        let client_name = Some(unique("member"));
        family.push(
            sdk.make(CreateRequest {
                scopes,
                client_name,
                ..Default::default()
            })
            .await,
        );
    }
    family
}

fn operand(name: &str, values: &[&String]) -> Value {
    json!({ "filter_name": name, "filter_value": values })
}

async fn search(
    sdk: &Sdk,
    operator: M2MSearchQueryOperator,
    operands: Vec<Value>,
) -> stytch::Result<SearchResponse> {
    let query = Some(M2MSearchQuery { operator, operands });
    sdk.m2m
        .clients
        .search(SearchRequest {
            query,
            ..Default::default()
        })
        .await
}

/// The search must find exactly these, and count them rightly.
async fn assert_found(
    sdk: &Sdk,
    operator: M2MSearchQueryOperator,
    operands: &[&Value],
    expected: &[&M2MClientWithClientSecret],
) {
    let answer = search(
        sdk,
        operator,
        operands.iter().map(|&value| value.clone()).collect(),
    )
    .await
    .expect("a page");
    assert_eq!(answer.status_code.as_u16(), 200);
    assert_request_id(&answer.request_id);
    let mut found: Vec<_> = answer
        .m2m_clients
        .iter()
        .map(|client| &client.client_id)
        .collect();
    let mut wanted: Vec<_> = expected.iter().map(|client| &client.client_id).collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(usize::try_from(answer.results_metadata.total), Ok(expected.len()));
    assert_eq!(answer.results_metadata.next_cursor, None);
}

async fn pages(sdk: Sdk) {
    let family = family(&sdk).await;
    let (mut sizes, mut found, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let operands = vec![operand("scopes", &[&family[0].scopes[0]])];
        let query = Some(M2MSearchQuery {
            operator: M2MSearchQueryOperator::AND,
            operands,
        });
        let page = SearchRequest {
            query,
            cursor,
            limit: Some(2),
        };
        let answer = sdk.m2m.clients.search(page).await.expect("a page");
        assert_eq!(answer.results_metadata.total, 5);
        sizes.push(answer.m2m_clients.len());
        found.extend(answer.m2m_clients.into_iter().map(|client| client.client_id));
        cursor = answer.results_metadata.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
    let mut wanted: Vec<_> = family.into_iter().map(|client| client.client_id).collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

async fn a_result_is_the_whole_client(sdk: Sdk) {
    let client_id = family(&sdk).await.swap_remove(0).client_id;
    let operands = vec![operand("client_id", &[&client_id])];
    let [found] = <[_; 1]>::try_from(
        search(&sdk, M2MSearchQueryOperator::AND, operands)
            .await
            .expect("a page")
            .m2m_clients,
    )
    .expect("one client");
    let client = sdk
        .m2m
        .clients
        .get(GetRequest { client_id })
        .await
        .expect("the client")
        .m2m_client;
    assert_eq!(plain(found), plain(client));
}

async fn each_filter(sdk: Sdk) {
    let family = family(&sdk).await;
    let (one, two) = (&family[0], &family[1]);
    for both in [
        operand("client_id", &[&one.client_id, &two.client_id]),
        operand("client_name", &[&one.client_name, &two.client_name]),
        // One of the listed scopes is enough.
        operand("scopes", &[&one.scopes[1], &two.scopes[1]]),
    ] {
        assert_found(&sdk, M2MSearchQueryOperator::AND, &[&both], &[one, two]).await;
    }
    let everyone: Vec<_> = family.iter().collect();
    let shared = operand("scopes", &[&one.scopes[0]]);
    assert_found(&sdk, M2MSearchQueryOperator::AND, &[&shared], &everyone).await;
}

async fn operators(sdk: Sdk) {
    let family = family(&sdk).await;
    let (one, two) = (&family[0], &family[1]);
    let by_name = operand("client_name", &[&one.client_name]);
    let by_id = operand("client_id", &[&two.client_id]);
    let shared = operand("scopes", &[&one.scopes[0]]);
    assert_found(&sdk, M2MSearchQueryOperator::OR, &[&by_name, &by_id], &[one, two]).await;
    assert_found(&sdk, M2MSearchQueryOperator::AND, &[&by_name, &by_id], &[]).await;
    assert_found(&sdk, M2MSearchQueryOperator::AND, &[&by_name, &shared], &[one]).await;
}

async fn names_match_exactly(sdk: Sdk) {
    let mut name = family(&sdk).await.swap_remove(0).client_name;
    name.pop();
    assert_found(
        &sdk,
        M2MSearchQueryOperator::AND,
        &[&operand("client_name", &[&name])],
        &[],
    )
    .await;
}

async fn no_filter_finds_everything(sdk: Sdk) {
    family(&sdk).await;
    for query in [None, Some(M2MSearchQuery::default())] {
        let search = SearchRequest {
            query,
            limit: Some(1),
            cursor: None,
        };
        let answer = sdk.m2m.clients.search(search).await.expect("a page");
        assert!(answer.results_metadata.total >= 5);
        assert_eq!(answer.m2m_clients.len(), 1);
        assert!(answer.results_metadata.next_cursor.is_some());
    }
}

async fn bad_operands(sdk: Sdk) {
    for (bad, error_type) in [
        (
            json!({ "filter_name": "favourite_colour", "filter_value": ["red"] }),
            "m2m_search_filter_name_not_recognized",
        ),
        (
            json!({ "filter_name": 7, "filter_value": ["a"] }),
            "m2m_search_filter_name_must_be_string",
        ),
        (json!({ "filter_value": ["a"] }), "m2m_search_missing_filter_name"),
        (
            json!({ "filter_name": "scopes" }),
            "m2m_search_missing_filter_value",
        ),
        (
            json!({ "filter_name": "scopes", "filter_value": "a" }),
            "m2m_search_expected_array_of_strings",
        ),
    ] {
        assert_refused(
            search(&sdk, M2MSearchQueryOperator::AND, vec![bad]).await,
            400,
            error_type,
        );
    }
}
