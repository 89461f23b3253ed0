//! Which schemas a program runs on, and which programs a schema is for.
//!
//! A program runs on its own schema and on the one before. A schema that has grown still serves the programs that
//! `compatibility.oldest_program` admits. So nodes of two versions run beside each other, and an upgrade goes both ways.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, MigrationType, Migrator};

use crate::{Result, StoreError};

/// A migration: its version, its description, its SQL.
pub(crate) type Migration = (i64, &'static str, &'static str);

/// The schema of a database, beside what this program knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The last migration that was applied; 0 for a database without any.
    pub version: i64,
    /// The last migration that this program knows.
    pub program: i64,
    /// The oldest schema that this program runs on.
    pub oldest_usable: i64,
    /// A program whose last migration is before this one must not use the database.
    pub oldest_program: i64,
    /// The migrations that this program knows and the database lacks, by number and description.
    pub missing: Vec<String>,
}

/// From which schema a database was brought to which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The last migration before.
    pub from: i64,
    /// The last migration now.
    pub to: i64,
}

/// What a database says of itself.
#[derive(Default)]
pub(crate) struct Found {
    /// The migrations that were applied.
    pub(crate) applied: Vec<i64>,
    /// The one row of `compatibility`, where there is that table.
    pub(crate) oldest_program: Option<i64>,
}

/// What the program knew that did not know the last migration yet.
pub(crate) fn before_the_last(known: &[Migration]) -> &[Migration] {
    known.split_last().map_or(known, |(_, before)| before)
}

/// Migrations as the library takes them.
pub(crate) fn migrator(known: &[Migration]) -> Migrator {
    let migration = |(version, description, sql): &Migration| {
        sqlx::migrate::Migration::new(
            *version,
            (*description).into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    };
    Migrator::with_migrations(known.iter().map(migration).collect())
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) => match Self::from(error) {
                outage @ Self::Unavailable(_) => outage,
                other => Self::Migration(other.to_string()),
            },
            other => Self::Migration(other.to_string()),
        }
    }
}

impl Schema {
    /// That of a database that is not there.
    pub(crate) fn none(known: &[Migration]) -> Self {
        Self::of(&Found::default(), known)
    }

    /// Puts what was found beside what is known.
    pub(crate) fn of(found: &Found, known: &[Migration]) -> Self {
        let version_of = |migration: &Migration| migration.0;
        let missing = known
            .iter()
            .filter(|(version, ..)| !found.applied.contains(version))
            .map(|(version, description, _)| format!("{version:04}_{description}"));
        Self {
            version: found.applied.iter().copied().max().unwrap_or(0),
            program: known.last().map_or(0, version_of),
            oldest_usable: before_the_last(known).last().map_or(0, version_of),
            // Before there was the table, every migration added only.
            oldest_program: found.oldest_program.unwrap_or(1),
            missing: missing.collect(),
        }
    }

    /// Refuses a program that is too old for the schema: something that it relies on may be gone.
    pub(crate) fn admit_program(&self) -> Result<()> {
        if self.program < self.oldest_program {
            return Err(StoreError::ProgramTooOld {
                version: self.version,
                program: self.program,
            });
        }
        Ok(())
    }

    /// Refuses a schema that is too old for the program: something that it relies on is not there yet.
    pub(crate) fn suffice(&self) -> Result<()> {
        if self.version < self.oldest_usable {
            return Err(self.too_old());
        }
        Ok(())
    }

    /// The word that it is too old for the program.
    pub(crate) fn too_old(&self) -> StoreError {
        StoreError::SchemaTooOld {
            version: self.version,
            oldest: self.oldest_usable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Migration; 3] = [(1, "one", ""), (2, "two", ""), (5, "five", "")];

    fn schema(applied: &[i64], oldest_program: Option<i64>) -> Schema {
        let found = Found {
            applied: applied.to_vec(),
            oldest_program,
        };
        Schema::of(&found, &KNOWN)
    }

    #[test]
    fn a_program_runs_on_its_own_schema_and_on_the_one_before() {
        for (applied, suffices) in [
            (&[][..], false),
            (&[1], false),
            (&[1, 2], true),
            (&[1, 2, 5], true),
            (&[1, 2, 5, 6], true),
        ] {
            assert_eq!(schema(applied, None).suffice().is_ok(), suffices, "{applied:?}");
        }
        assert_eq!(schema(&[1], None).missing, ["0002_two", "0005_five"]);
    }

    #[test]
    fn a_schema_says_which_programs_may_use_it() {
        for (oldest_program, is_admitted) in
            [(None, true), (Some(1), true), (Some(5), true), (Some(6), false)]
        {
            let schema = schema(&[1, 2, 5, 6], oldest_program);
            assert_eq!(schema.admit_program().is_ok(), is_admitted, "{oldest_program:?}");
        }
    }
}
