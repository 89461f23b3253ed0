//! Lists of the admin API: a limit, a cursor, the next cursor.

use countersign_core::cursor::{self, ListIdentity, Position};
use countersign_core::search::page_limit;
use countersign_store::{Page, Row};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::problem::Problem;

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Where to go on: `next_cursor` of the page before, with the same filters.
    cursor: Option<String>,
    /// Rows on a page, at most 1,000; 100 when absent.
    limit: Option<i64>,
}

/// Where to go on.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListMetadata {
    /// Send it as `cursor` with the same filters to get the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// A page that was asked for.
pub struct AskedPage<'a> {
    app: &'a App,
    list: ListIdentity<'a>,
    limit: u32,
    after: i64,
}

impl ListQuery {
    /// The page this asks for, of the given list.
    pub fn page<'a>(&self, app: &'a App, list: ListIdentity<'a>) -> Result<AskedPage<'a>, Problem> {
        let limit = page_limit(self.limit)?;
        let after = match self.cursor.as_deref() {
            None | Some("") => 0,
            Some(cursor) => cursor::decode(cursor, list, &app.peppers)?.after,
        };
        Ok(AskedPage {
            app,
            list,
            limit,
            after,
        })
    }
}

impl AskedPage<'_> {
    /// What to ask the store for: one more than the page holds tells whether there is a next one.
    pub fn of_store(&self) -> Page {
        Page {
            after: self.after,
            limit: self.limit + 1,
        }
    }

    /// The rows of the page, and where to go on.
    pub fn answer<T, A: From<T>>(&self, mut rows: Vec<Row<T>>) -> (Vec<A>, ListMetadata) {
        let more = rows.len() > self.limit as usize;
        rows.truncate(self.limit as usize);
        let next = rows.last().filter(|_| more).map(|last| Position {
            after: last.ordinal,
            total: 0,
        });
        let next_cursor = next.map(|next| cursor::encode(next, self.list, &self.app.peppers));
        (
            rows.into_iter().map(|row| row.value.into()).collect(),
            ListMetadata { next_cursor },
        )
    }
}
