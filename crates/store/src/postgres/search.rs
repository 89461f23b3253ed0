//! Search of the wire: exact filters as index walks, each from where the last page ended.

use async_trait::async_trait;
use countersign_core::client::Client;
use countersign_core::ids::ProjectId;
use countersign_core::search::Search;
use serde_json::json;
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;

use super::search_sql as sql;
use super::{PostgresStore, all, writer};
use crate::rows::ClientRow;
use crate::search_plan::{Chosen, SIZED_FOR_COUNT, SIZED_FOR_PAGE, Sizer, Values, Walk, Walked, choose};
use crate::{Page, Result, Row};

pub(super) async fn page(
    store: &PostgresStore,
    project_id: &ProjectId,
    search: &Search,
    page: Page,
) -> Result<Vec<Row<Client>>> {
    let Some(chosen) = choose(search, &(store, project_id), SIZED_FOR_PAGE).await? else {
        return Ok(Vec::new());
    };
    let question = (project_id, &chosen, page);
    let rows: Vec<ClientRow> = writer::repeat(
        &store.servers,
        question,
        |connection, (project_id, chosen, page)| {
            Box::pin(async move {
                let arguments = arguments(project_id, *page, chosen)?;
                let found = sqlx::query_as_with(sql::page_of(&chosen.walked), arguments);
                Ok(found.fetch_all(connection).await?)
            })
        },
    )
    .await?;
    all(rows)
}

pub(super) async fn count(store: &PostgresStore, project_id: &ProjectId, search: &Search) -> Result<i64> {
    let Some(chosen) = choose(search, &(store, project_id), SIZED_FOR_COUNT).await? else {
        return Ok(0);
    };
    writer::repeat(
        &store.servers,
        (project_id, &chosen),
        |connection, (project_id, chosen)| {
            Box::pin(async move {
                // From the beginning; no count has a limit.
                let everything = Page { after: 0, limit: 0 };
                let arguments = arguments(project_id, everything, chosen)?;
                let count = sqlx::query_scalar_with(sql::count_of(&chosen.walked), arguments);
                Ok(count.fetch_one(connection).await?)
            })
        },
    )
    .await
}

/// What is bound to every statement of a search; null where nothing is required.
fn arguments(project_id: &ProjectId, page: Page, chosen: &Chosen) -> sqlx::Result<PgArguments> {
    let (mut ids, mut names, mut scopes) = (None, None, None);
    match &chosen.walked {
        Walked::Everything => {}
        Walked::Ids(walked) => ids = Some(list(walked)),
        Walked::One(Walk::Names(walked)) => names = Some(list(walked)),
        Walked::One(Walk::Scopes(walked)) => scopes = Some(list(walked)),
        Walked::Any {
            ids: walked_ids,
            names: walked_names,
            scopes: walked_scopes,
        } => {
            (ids, names, scopes) = (
                Some(list(walked_ids)),
                Some(list(walked_names)),
                Some(list(walked_scopes)),
            );
        }
    }
    let conditions = &chosen.conditions;
    let required_scopes = (!conditions.scopes.is_empty()).then(|| json!(conditions.scopes).to_string());
    let mut arguments = PgArguments::default();
    let bind = || -> std::result::Result<(), sqlx::error::BoxDynError> {
        arguments.add(project_id.as_str())?;
        arguments.add(page.after)?;
        arguments.add(i64::from(page.limit))?;
        arguments.add(ids)?;
        arguments.add(names)?;
        arguments.add(scopes)?;
        arguments.add(conditions.names.as_ref().map(list))?;
        arguments.add(required_scopes)
    };
    bind().map_err(sqlx::Error::Encode)?;
    Ok(arguments)
}

fn list(values: &Values) -> Vec<String> {
    values.iter().cloned().collect()
}

#[async_trait]
impl Sizer for (&PostgresStore, &ProjectId) {
    async fn size(&self, walk: &Walk, bound: i64) -> Result<i64> {
        let (store, project_id) = *self;
        writer::repeat(
            &store.servers,
            (project_id, walk, bound),
            |connection, (project_id, walk, bound)| {
                Box::pin(async move {
                    let (statement, values) = match walk {
                        Walk::Names(names) => (sql::SIZE_OF_NAMES, names),
                        Walk::Scopes(scopes) => (sql::SIZE_OF_SCOPES, scopes),
                    };
                    let size = sqlx::query_scalar(statement)
                        .bind(project_id.as_str())
                        .bind(list(values))
                        .bind(bound);
                    Ok(size.fetch_one(connection).await?)
                })
            },
        )
        .await
    }
}
