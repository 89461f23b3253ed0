//! `POST /v1/m2m/clients/search`: limits, cursors, pages.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::answer::Answer;

async fn search(app: &TestApp, body: Value) -> Answer {
    app.backend().post("/v1/m2m/clients/search", body).await
}

/// A project of `count` clients, every second of which holds the scope `even`.
async fn app_of(count: usize) -> TestApp {
    let app = TestApp::new().await;
    for number in 0..count {
        let scopes: &[&str] = if number % 2 == 0 { &["even"] } else { &[] };
        app.create_client(json!({ "client_id": format!("c{number:02}"), "scopes": scopes }))
            .await;
    }
    app
}

fn ids(body: &Value) -> Vec<&str> {
    let clients = body["m2m_clients"].as_array().unwrap().iter();
    clients
        .map(|client| client["client_id"].as_str().unwrap())
        .collect()
}

fn cursor(body: &Value) -> &Value {
    &body["results_metadata"]["next_cursor"]
}

/// All pages of a search, one after the other.
async fn walk(app: &TestApp, query: &Value, limit: usize) -> Vec<Value> {
    let mut pages = vec![search(app, json!({ "query": query, "limit": limit })).await.ok()];
    while let Some(next) = cursor(pages.last().unwrap()).as_str() {
        let next = json!({ "query": query, "limit": limit, "cursor": next });
        pages.push(search(app, next).await.ok());
    }
    pages
}

// ## Pages

#[tokio::test]
async fn pages_hold_everyone_once_whatever_their_size() {
    let app = app_of(10).await;
    let even =
        json!({ "operator": "AND", "operands": [{ "filter_name": "scopes", "filter_value": ["even"] }] });
    for (query, count) in [(Value::Null, 10), (even, 5)] {
        for limit in [1, 2, 3, 5, 9, 10, 11, 1000] {
            let pages = walk(&app, &query, limit).await;
            assert_eq!(
                pages.len(),
                usize::div_ceil(count, limit),
                "no empty page at the end of {limit}"
            );
            let seen: Vec<_> = pages.iter().flat_map(ids).collect();
            assert!(
                seen.len() == count && seen.is_sorted() && seen.windows(2).all(|pair| pair[0] != pair[1])
            );
            assert!(
                pages
                    .iter()
                    .all(|page| page["results_metadata"]["total"] == count)
            );
        }
    }
}

#[tokio::test]
async fn a_hundred_is_the_default_and_a_thousand_the_most() {
    let app = TestApp::new().await;
    for chunk in 0..5 {
        let made =
            (0..21).map(|number| app.create_client(json!({ "client_id": format!("c{chunk}-{number}") })));
        futures_util::future::join_all(made).await;
    }
    for (limit, shown) in [
        (Value::Null, 100),
        (json!(0), 100),
        (json!(1000), 105),
        (json!(104), 104),
    ] {
        let body = search(&app, json!({ "limit": limit })).await.ok();
        assert_eq!(ids(&body).len(), shown, "{limit}");
        assert_eq!(body["results_metadata"]["total"], 105);
        assert_eq!(cursor(&body).is_null(), shown == 105);
    }
    for bad in [
        json!(1001),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!("10"),
        json!(1.5),
        json!([1]),
        json!(true),
    ] {
        search(&app, json!({ "limit": bad }))
            .await
            .problem(400, "invalid_request_value");
    }
}

#[tokio::test]
async fn the_limit_may_change_from_page_to_page() {
    let app = app_of(6).await;
    let first = search(&app, json!({ "limit": 1 })).await.ok();
    let second = search(&app, json!({ "limit": 4, "cursor": cursor(&first) }))
        .await
        .ok();
    assert_eq!(ids(&second), ["c01", "c02", "c03", "c04"]);
    let third = search(&app, json!({ "cursor": cursor(&second) })).await.ok();
    assert_eq!((ids(&third), cursor(&third)), (vec!["c05"], &Value::Null));
}

/// Counted on the first page and carried along; clients made meanwhile show up at the end, deleted ones are left out.
#[tokio::test]
async fn a_walk_is_stable_while_clients_come_and_go() {
    let app = app_of(6).await;
    let first = search(&app, json!({ "limit": 2 })).await.ok();
    app.backend().delete("/v1/m2m/clients/c01").await.ok();
    app.backend().delete("/v1/m2m/clients/c03").await.ok();
    app.create_client(json!({ "client_id": "new" })).await;
    let second = search(&app, json!({ "limit": 2, "cursor": cursor(&first) }))
        .await
        .ok();
    let third = search(&app, json!({ "limit": 2, "cursor": cursor(&second) }))
        .await
        .ok();
    assert_eq!(
        (ids(&second), ids(&third)),
        (vec!["c02", "c04"], vec!["c05", "new"])
    );
    for page in [&first, &second, &third] {
        assert_eq!(page["results_metadata"]["total"], 6);
    }
    assert_eq!(search(&app, json!({})).await.ok()["results_metadata"]["total"], 5);
}

// ## Cursors that are none

#[tokio::test]
async fn a_cursor_continues_only_the_search_it_came_from() {
    let app = app_of(4).await;
    let even =
        json!({ "operator": "AND", "operands": [{ "filter_name": "scopes", "filter_value": ["even"] }] });
    let odd =
        json!({ "operator": "OR", "operands": [{ "filter_name": "scopes", "filter_value": ["even"] }] });
    let first = search(&app, json!({ "query": even, "limit": 1 })).await.ok();
    search(&app, json!({ "query": even, "cursor": cursor(&first) }))
        .await
        .ok();
    for query in [Value::Null, odd] {
        let answer = search(&app, json!({ "query": query, "cursor": cursor(&first) })).await;
        answer.problem(400, "invalid_cursor");
    }
}

#[tokio::test]
async fn another_projects_cursor_is_no_cursor() {
    let app = app_of(3).await;
    app.create_other_client(json!({})).await;
    let first = search(&app, json!({ "limit": 1 })).await.ok();
    let foreign = json!({ "cursor": cursor(&first) });
    app.other_backend()
        .post("/v1/m2m/clients/search", foreign)
        .await
        .problem(400, "invalid_cursor");
}

#[tokio::test]
async fn forged_cursors_are_refused_without_a_search() {
    let app = app_of(3).await;
    let first = search(&app, json!({ "limit": 1 })).await.ok();
    let right = cursor(&first).as_str().unwrap().to_owned();
    let mut forged: Vec<String> = (0..right.len())
        .map(|at| {
            let mut altered = right.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(altered).unwrap()
        })
        .collect();
    forged.extend(["0", "x", "AAAA", "\0", "c00", "{}", "=", "ü", " "].map(str::to_owned));
    forged.extend([
        right[1..].to_owned(),
        format!("{right}A"),
        format!("{right}="),
        format!(" {right}"),
        "A".repeat(100_000),
    ]);
    for cursor in forged {
        let (answer, asked) = app
            .store
            .asked_during(search(&app, json!({ "cursor": cursor })))
            .await;
        answer.problem(400, "invalid_cursor");
        assert!(asked.is_empty(), "{asked:?}");
    }
    for cursor in [json!(7), json!(["x"]), json!({})] {
        search(&app, json!({ "cursor": cursor }))
            .await
            .problem(400, "invalid_request_value");
    }
}

/// A cursor is signed under a key of the installation.
#[tokio::test]
async fn another_installations_cursor_is_no_cursor() {
    let (one, two) = (app_of(2).await, app_of(2).await);
    let first = search(&one, json!({ "limit": 1 })).await.ok();
    search(&two, json!({ "cursor": cursor(&first) }))
        .await
        .problem(400, "invalid_cursor");
}
