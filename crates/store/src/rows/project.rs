//! Rows of `project`, `project_secret` and `signing_key`.

use countersign_core::ids::ProjectId;
use countersign_core::key_life::StoredKey;
use countersign_core::project::{Project, ProjectSecret};
use countersign_core::seal::Sealed;

use super::{Place, row};
use crate::{Result, Row, StoreError};

row! {
    /// A project.
    ProjectRow {
        ordinal: i64,
        id: String,
        version: i64,
        name: String,
        token_profile: String,
        issuer: String,
        created_at: i64,
        updated_at: i64,
    }
}

impl TryFrom<ProjectRow> for Project {
    type Error = StoreError;

    fn try_from(row: ProjectRow) -> Result<Self> {
        let place = Place {
            table: "project",
            row: &row.id,
        };
        Ok(Self {
            id: place.parse("id", &row.id)?,
            version: row.version,
            token_profile: place.parse("token_profile", &row.token_profile)?,
            created_at: place.time("created_at", row.created_at)?,
            updated_at: place.time("updated_at", row.updated_at)?,
            name: row.name,
            issuer: row.issuer,
        })
    }
}

impl TryFrom<ProjectRow> for Row<Project> {
    type Error = StoreError;

    fn try_from(row: ProjectRow) -> Result<Self> {
        Ok(Self {
            ordinal: row.ordinal,
            value: row.try_into()?,
        })
    }
}

row! {
    /// The id of a project.
    ProjectIdRow {
        ordinal: i64,
        id: String,
    }
}

impl TryFrom<ProjectIdRow> for Row<ProjectId> {
    type Error = StoreError;

    fn try_from(row: ProjectIdRow) -> Result<Self> {
        let place = Place {
            table: "project",
            row: &row.id,
        };
        Ok(Self {
            ordinal: row.ordinal,
            value: place.parse("id", &row.id)?,
        })
    }
}

row! {
    /// A project secret.
    ProjectSecretRow {
        id: String,
        project_id: String,
        name: String,
        number: i64,
        digest: String,
        last_four: String,
        created_at: i64,
        last_used_at: Option<i64>,
        revoked_at: Option<i64>,
    }
}

impl TryFrom<ProjectSecretRow> for ProjectSecret {
    type Error = StoreError;

    fn try_from(row: ProjectSecretRow) -> Result<Self> {
        let place = Place {
            table: "project_secret",
            row: &row.id,
        };
        Ok(Self {
            project_id: place.parse("project_id", &row.project_id)?,
            secret: place.secret("digest", row.number, &row.digest, row.last_four, row.created_at)?,
            last_used_at: place.time_some("last_used_at", row.last_used_at)?,
            revoked_at: place.time_some("revoked_at", row.revoked_at)?,
            name: row.name,
            id: row.id,
        })
    }
}

row! {
    /// A signing key.
    KeyRow {
        kid: String,
        project_id: String,
        algorithm: String,
        announced_at: i64,
        activate_at: i64,
        retire_at: Option<i64>,
        drop_at: Option<i64>,
        sealed: String,
        certificate: Option<Vec<u8>>,
    }
}

impl TryFrom<KeyRow> for StoredKey {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self> {
        let place = Place {
            table: "signing_key",
            row: &row.kid,
        };
        Ok(Self {
            project_id: place.parse("project_id", &row.project_id)?,
            algorithm: place.parse("algorithm", &row.algorithm)?,
            announced_at: place.time("announced_at", row.announced_at)?,
            activate_at: place.time("activate_at", row.activate_at)?,
            retire_at: place.time_some("retire_at", row.retire_at)?,
            drop_at: place.time_some("drop_at", row.drop_at)?,
            sealed: Sealed::from_stored(row.sealed),
            certificate: row.certificate,
            kid: row.kid,
        })
    }
}

/// A project id from a column of `signing_key`.
pub(crate) fn project_id(text: &str) -> Result<ProjectId> {
    Place {
        table: "signing_key",
        row: &text,
    }
    .parse("project_id", text)
}
