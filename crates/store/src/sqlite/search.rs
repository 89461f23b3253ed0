//! Search of the wire: exact filters as index walks, each from where the last page ended.

use async_trait::async_trait;
use countersign_core::client::Client;
use countersign_core::ids::ProjectId;
use countersign_core::search::Search;
use serde_json::json;

use super::search_sql as sql;
use super::{SqliteStore, all};
use crate::rows::ClientRow;
use crate::search_plan::{Chosen, SIZED_FOR_COUNT, SIZED_FOR_PAGE, Sizer, Values, Walk, Walked, choose};
use crate::{Page, Result, Row};

pub(super) async fn page(
    store: &SqliteStore,
    project_id: &ProjectId,
    search: &Search,
    page: Page,
) -> Result<Vec<Row<Client>>> {
    let Some(chosen) = choose(search, &(store, project_id), SIZED_FOR_PAGE).await? else {
        return Ok(Vec::new());
    };
    let lists = Lists::of(&chosen);
    let rows: Vec<ClientRow> = sqlx::query_as(sql::page_of(&chosen.walked))
        .bind(project_id.as_str())
        .bind(page.after)
        .bind(page.limit)
        .bind(lists.ids)
        .bind(lists.names)
        .bind(lists.scopes)
        .bind(lists.required_names)
        .bind(lists.required_scopes)
        .fetch_all(&store.readers)
        .await?;
    all(rows)
}

pub(super) async fn count(store: &SqliteStore, project_id: &ProjectId, search: &Search) -> Result<i64> {
    let Some(chosen) = choose(search, &(store, project_id), SIZED_FOR_COUNT).await? else {
        return Ok(0);
    };
    let lists = Lists::of(&chosen);
    let count = sqlx::query_scalar(sql::count_of(&chosen.walked))
        .bind(project_id.as_str())
        // From the beginning, without a limit.
        .bind(0)
        .bind(-1)
        .bind(lists.ids)
        .bind(lists.names)
        .bind(lists.scopes)
        .bind(lists.required_names)
        .bind(lists.required_scopes)
        .fetch_one(&store.readers)
        .await?;
    Ok(count)
}

/// What is bound to every statement of a search, `?4` to `?8`: each a JSON list; null where nothing is required.
#[derive(Default)]
struct Lists {
    ids: Option<String>,
    names: Option<String>,
    scopes: Option<String>,
    required_names: Option<String>,
    required_scopes: Option<String>,
}

impl Lists {
    fn of(chosen: &Chosen) -> Self {
        let conditions = &chosen.conditions;
        let required = Self {
            required_names: conditions.names.as_ref().map(list),
            required_scopes: (!conditions.scopes.is_empty()).then(|| json!(conditions.scopes).to_string()),
            ..Self::default()
        };
        match &chosen.walked {
            Walked::Everything => required,
            Walked::Ids(ids) => Self {
                ids: Some(list(ids)),
                ..required
            },
            Walked::One(Walk::Names(names)) => Self {
                names: Some(list(names)),
                ..required
            },
            Walked::One(Walk::Scopes(scopes)) => Self {
                scopes: Some(list(scopes)),
                ..required
            },
            Walked::Any { ids, names, scopes } => Self {
                ids: Some(list(ids)),
                names: Some(list(names)),
                scopes: Some(list(scopes)),
                ..required
            },
        }
    }
}

fn list(values: &Values) -> String {
    json!(values).to_string()
}

#[async_trait]
impl Sizer for (&SqliteStore, &ProjectId) {
    async fn size(&self, walk: &Walk, bound: i64) -> Result<i64> {
        let (store, project_id) = self;
        let (statement, values) = match walk {
            Walk::Names(names) => (sql::SIZE_OF_NAMES, names),
            Walk::Scopes(scopes) => (sql::SIZE_OF_SCOPES, scopes),
        };
        let size = sqlx::query_scalar(statement)
            .bind(project_id.as_str())
            .bind(list(values))
            .bind(bound)
            .fetch_one(&store.readers)
            .await?;
        Ok(size)
    }
}
