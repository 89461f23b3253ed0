//! Search of the wire, compared with a plain look at everything.

use countersign_core::client::{Client, ClientDraft};
use countersign_core::search::{Filter, MAX_CLIENT_IDS, MAX_WALKS, Operator, Search};
use countersign_store::Page;
use rand::RngExt;

use crate::world::{ALL, World, values};

fn matches(client: &Client, filter: &Filter) -> bool {
    match filter {
        Filter::ClientId(ids) => ids.iter().any(|id| id == client.client_id.as_str()),
        Filter::ClientName(names) => names.contains(&client.name),
        Filter::Scope(scopes) => client
            .scopes
            .iter()
            .any(|held| scopes.iter().any(|scope| scope == held.as_str())),
    }
}

fn plain_look(clients: &[Client], search: &Search) -> Vec<Client> {
    let found = |client: &&Client| match search.operator {
        _ if search.filters.is_empty() => true,
        Operator::And => search.filters.iter().all(|filter| matches(client, filter)),
        Operator::Or => search.filters.iter().any(|filter| matches(client, filter)),
    };
    clients.iter().filter(found).cloned().collect()
}

async fn all_pages(world: &World, search: &Search, limit: u32) -> Vec<Client> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let rows = world
            .store
            .search_clients(&world.project.id, search, Page { after, limit })
            .await
            .unwrap();
        assert!(rows.len() <= limit as usize);
        let Some(last) = rows.last() else { return found };
        assert!(rows[0].ordinal > after && rows.is_sorted_by_key(|row| row.ordinal));
        after = last.ordinal;
        found.extend(values(rows));
    }
}

/// Few names and scopes, so that filters meet many clients and each other.
async fn populate(world: &mut World, count: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for number in 0..count {
        let scopes: Vec<String> = (0..6)
            .filter(|_| world.chance.random_ratio(1, 3))
            .map(|scope| format!("s:{scope}"))
            .collect();
        let name = format!("n{}", world.chance.random_range(0..8));
        let client = world.client_of(ClientDraft {
            client_id: Some(format!("c{number}")),
            name,
            scopes,
            ..ClientDraft::default()
        });
        world.insert(&client).await.unwrap();
        clients.push(client);
    }
    clients
}

fn random_search(world: &mut World, count: usize) -> Search {
    let chance = &mut world.chance;
    let operator = if chance.random() {
        Operator::And
    } else {
        Operator::Or
    };
    let filters = (0..chance.random_range(0..4)).map(|_| {
        // Some values that no client has, some repeated.
        let many = chance.random_range(0..4);
        match chance.random_range(0..3) {
            0 => Filter::ClientId(
                (0..many * 9)
                    .map(|_| format!("c{}", chance.random_range(0..count + 9)))
                    .collect(),
            ),
            1 => Filter::ClientName(
                (0..many)
                    .map(|_| format!("n{}", chance.random_range(0..10)))
                    .collect(),
            ),
            _ => Filter::Scope(
                (0..many)
                    .map(|_| format!("s:{}", chance.random_range(0..8)))
                    .collect(),
            ),
        }
    });
    Search {
        operator,
        filters: filters.collect(),
    }
}

pub(crate) async fn every_search_answers_as_a_plain_look_does(mut world: World) {
    let mut clients = populate(&mut world, 120).await;
    // Holes in the order, and rows rewritten after others.
    for position in [100, 60, 59, 3] {
        let gone = clients.remove(position);
        world.delete(&gone).await.unwrap();
    }
    for round in 0..250 {
        let search = random_search(&mut world, 120);
        let expected = plain_look(&clients, &search);
        let limit = [1, 2, 7, 50, 1000][round % 5];
        assert_eq!(
            all_pages(&world, &search, limit).await,
            expected,
            "{search:?} by {limit}"
        );
        let count = world
            .store
            .count_clients(&world.project.id, &search)
            .await
            .unwrap();
        assert_eq!(count, expected.len() as i64, "{search:?}");
    }
}

pub(crate) async fn paging_is_stable_while_clients_come_and_go(mut world: World) {
    let before = populate(&mut world, 40).await;
    let search = Search {
        operator: Operator::And,
        filters: vec![Filter::Scope(vec!["s:1".into(), "s:2".into()])],
    };
    let expected = plain_look(&before, &search);
    let (mut found, mut after) = (Vec::new(), 0);
    for _ in 0..expected.len().div_ceil(3) {
        let rows = world
            .store
            .search_clients(&world.project.id, &search, Page { after, limit: 3 })
            .await
            .unwrap();
        after = rows.last().unwrap().ordinal;
        found.extend(values(rows));
        // Newcomers stand at the end; a row already shown vanishes.
        world.kept_client("newcomer", &["s:1"]).await;
        world.delete(found.last().unwrap()).await.unwrap();
    }
    assert_eq!(found[..expected.len()], expected);
}

pub(crate) async fn nothing_of_another_project_is_found(mut world: World) {
    populate(&mut world, 20).await;
    let other = world.new_project();
    world.keep_project(&other).await;
    let filters = vec![
        Filter::ClientId(vec!["c1".into()]),
        Filter::ClientName((0..8).map(|n| format!("n{n}")).collect()),
        Filter::Scope((0..6).map(|s| format!("s:{s}")).collect()),
    ];
    for operator in [Operator::And, Operator::Or] {
        for filters in [
            filters.clone(),
            filters[..1].to_vec(),
            filters[1..2].to_vec(),
            filters[2..].to_vec(),
            vec![],
        ] {
            let search = Search { operator, filters };
            let found = world.store.search_clients(&other.id, &search, ALL).await.unwrap();
            assert!(found.is_empty(), "{search:?}");
            assert_eq!(
                world.store.count_clients(&other.id, &search).await.unwrap(),
                0,
                "{search:?}"
            );
        }
    }
}

pub(crate) async fn texts_are_compared_exactly(mut world: World) {
    for name in [
        "a",
        "A",
        "ä",
        "a\u{308}",
        "a ",
        "\"a\"",
        "'; DROP TABLE client; --",
        "123",
        "日本\\n",
    ] {
        world.kept_client(name, &[]).await;
    }
    for text in [
        "a",
        "A",
        "ä",
        "a ",
        "\"a\"",
        "'; DROP TABLE client; --",
        "123",
        "日本\\n",
        "a\0",
        "a\0b",
        "0x7b",
        "",
    ] {
        let search = Search {
            operator: Operator::And,
            filters: vec![Filter::ClientName(vec![text.into()])],
        };
        let names: Vec<_> = all_pages(&world, &search, 10)
            .await
            .into_iter()
            .map(|client| client.name)
            .collect();
        let expected: &[&str] = if ["a\0", "a\0b", "0x7b", ""].contains(&text) {
            &[]
        } else {
            &[text]
        };
        assert_eq!(names, expected);
    }
}

pub(crate) async fn the_widest_query_is_answered(mut world: World) {
    let clients = populate(&mut world, 30).await;
    let ids = (0..MAX_CLIENT_IDS).map(|n| format!("c{n}")).collect();
    let names = (0..MAX_WALKS / 2).map(|n| format!("n{n}")).collect();
    let scopes = (0..MAX_WALKS / 2).map(|n| format!("s:{n}")).collect();
    let filters = vec![
        Filter::ClientId(ids),
        Filter::ClientName(names),
        Filter::Scope(scopes),
    ];
    for operator in [Operator::And, Operator::Or] {
        let search = Search {
            operator,
            filters: filters.clone(),
        };
        assert_eq!(
            all_pages(&world, &search, 1000).await,
            plain_look(&clients, &search)
        );
    }
}
