//! Rows as both engines hand them over, and what they mean.
//!
//! A row is a struct of the plainest types, named like its columns; turning it into a core type is where stored text is
//! judged. A contradiction names table, column and row instead of passing for an empty value.

mod audit;
mod client;
mod installation;
mod operator;
mod project;
mod provider;
mod usage;

use std::fmt::Display;
use std::str::FromStr;

use countersign_core::Timestamp;
use countersign_core::digest::Digest;
use countersign_core::secret::StoredSecret;

pub(crate) use audit::{AuditRow, ChangeRow, FeedRow};
pub(crate) use client::ClientRow;
pub(crate) use installation::{PepperRow, SealedRow, installation};
pub(crate) use operator::OperatorRow;
pub(crate) use project::{KeyRow, ProjectIdRow, ProjectRow, ProjectSecretRow, project_id};
pub(crate) use provider::{CredentialRow, DocumentRow, ProviderRow, document};
pub(crate) use usage::{MinuteRow, SecretUseRow};

use crate::{Result, StoreError};

/// A struct whose fields are columns of the same names, read from a row of any engine. (The derive of the same purpose
/// would compile the database driver a second time, for the compiler's own use.)
macro_rules! row {
    ($(#[$doc:meta])* $name:ident { $($column:ident: $type:ty),+ $(,)? }) => {
        $(#[$doc])*
        pub(crate) struct $name {
            $(pub(crate) $column: $type),+
        }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $name
        where
            &'static str: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>),+
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                Ok(Self { $($column: row.try_get(stringify!($column))?),+ })
            }
        }
    };
}
use row;

/// Where a value lies, for the error that says it makes no sense.
#[derive(Clone, Copy)]
struct Place<'a> {
    table: &'static str,
    row: &'a dyn Display,
}

impl Place<'_> {
    fn inconsistent(self, column: &'static str) -> StoreError {
        StoreError::Inconsistent {
            table: self.table,
            column,
            row: self.row.to_string(),
        }
    }

    fn parse<T: FromStr>(self, column: &'static str, text: &str) -> Result<T> {
        text.parse().map_err(|_| self.inconsistent(column))
    }

    fn parse_some<T: FromStr>(self, column: &'static str, text: Option<&str>) -> Result<Option<T>> {
        text.map(|text| self.parse(column, text)).transpose()
    }

    fn time(self, column: &'static str, milliseconds: i64) -> Result<Timestamp> {
        Timestamp::from_millisecond(milliseconds).map_err(|_| self.inconsistent(column))
    }

    fn time_some(self, column: &'static str, milliseconds: Option<i64>) -> Result<Option<Timestamp>> {
        milliseconds
            .map(|milliseconds| self.time(column, milliseconds))
            .transpose()
    }

    fn json<T: serde::de::DeserializeOwned>(self, column: &'static str, text: &str) -> Result<T> {
        serde_json::from_str(text).map_err(|_| self.inconsistent(column))
    }

    /// A secret from its four columns; `column` names the digest's.
    fn secret(
        self,
        column: &'static str,
        number: i64,
        digest: &str,
        last_four: String,
        created_at: i64,
    ) -> Result<StoredSecret> {
        let digest: Digest = self.parse(column, digest)?;
        Ok(StoredSecret {
            number,
            digest,
            last_four,
            created_at: self.time(column, created_at)?,
        })
    }
}
