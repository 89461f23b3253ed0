//! Rows of `provider`, each with its rules, and of `credential`.

use countersign_core::credential::StoredCredential;
use countersign_core::provider::{DocumentInfo, Provider, ProviderDocument, ProviderSettings};
use countersign_core::seal::Sealed;

use super::{Place, row};
use crate::{Result, Row, StoreError};

row! {
    /// A provider; `rules` is a JSON list of objects in their order.
    ProviderRow {
        ordinal: i64,
        project_id: String,
        name: String,
        version: i64,
        base_url: String,
        allowed_cidrs: String,
        further_hosts: String,
        rules: String,
        limits: String,
        keep_cookies: bool,
        path_parameters: bool,
        document_sha256: String,
        document_media_type: String,
        document_bytes: i64,
        created_at: i64,
        updated_at: i64,
    }
}

impl TryFrom<ProviderRow> for Provider {
    type Error = StoreError;

    fn try_from(row: ProviderRow) -> Result<Self> {
        let place = Place {
            table: "provider",
            row: &row.name,
        };
        Ok(Self {
            project_id: place.parse("project_id", &row.project_id)?,
            version: row.version,
            settings: ProviderSettings {
                allowed_cidrs: place.json("allowed_cidrs", &row.allowed_cidrs)?,
                further_hosts: place.json("further_hosts", &row.further_hosts)?,
                rules: place.json("rules", &row.rules)?,
                limits: place.json("limits", &row.limits)?,
                keep_cookies: row.keep_cookies,
                path_parameters: row.path_parameters,
                base_url: row.base_url,
            },
            document: DocumentInfo {
                sha256: row.document_sha256,
                media_type: row.document_media_type,
                bytes: row.document_bytes,
            },
            created_at: place.time("created_at", row.created_at)?,
            updated_at: place.time("updated_at", row.updated_at)?,
            name: row.name,
        })
    }
}

impl TryFrom<ProviderRow> for Row<Provider> {
    type Error = StoreError;

    fn try_from(row: ProviderRow) -> Result<Self> {
        Ok(Self {
            ordinal: row.ordinal,
            value: row.try_into()?,
        })
    }
}

row! {
    /// What is known of a document beside its parts.
    DocumentRow {
        ordinal: i64,
        name: String,
        document_sha256: String,
        document_media_type: String,
    }
}

/// A document from its parts, if they are those that were kept.
pub(crate) fn document(row: DocumentRow, parts: &[Vec<u8>]) -> Result<ProviderDocument> {
    let place = Place {
        table: "provider_document",
        row: &row.name,
    };
    let document = ProviderDocument::new(&row.document_media_type, parts.concat())
        .map_err(|_| place.inconsistent("part"))?;
    if document.info().sha256 != row.document_sha256 {
        return Err(place.inconsistent("part"));
    }
    Ok(document)
}

row! {
    /// A credential.
    CredentialRow {
        id: String,
        project_id: String,
        provider: String,
        name: String,
        version: i64,
        kind: String,
        hosts: String,
        fingerprint: String,
        sealed: String,
        created_at: i64,
        created_by: String,
        updated_at: i64,
        last_used_at: Option<i64>,
    }
}

impl TryFrom<CredentialRow> for StoredCredential {
    type Error = StoreError;

    fn try_from(row: CredentialRow) -> Result<Self> {
        let place = Place {
            table: "credential",
            row: &row.id,
        };
        Ok(Self {
            project_id: place.parse("project_id", &row.project_id)?,
            provider: row.provider,
            name: row.name,
            version: row.version,
            kind: row.kind,
            hosts: place.json("hosts", &row.hosts)?,
            fingerprint: row.fingerprint,
            sealed: Sealed::from_stored(row.sealed),
            created_at: place.time("created_at", row.created_at)?,
            created_by: row.created_by,
            updated_at: place.time("updated_at", row.updated_at)?,
            last_used_at: place.time_some("last_used_at", row.last_used_at)?,
            id: row.id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules are decided by the document; another one than was judged is none.
    #[test]
    fn parts_that_are_not_those_that_were_kept_are_no_document() {
        let kept = ProviderDocument::new("application/json", b"{\"a\": 1}".as_slice()).unwrap();
        let row = || DocumentRow {
            ordinal: 1,
            name: "acme".into(),
            document_sha256: kept.info().sha256.clone(),
            document_media_type: kept.info().media_type.clone(),
        };
        let parts = |parts: [&[u8]; 2]| document(row(), &parts.map(<[u8]>::to_vec));
        assert_eq!(parts([b"{\"a\":", b" 1}"]).unwrap(), kept);
        for altered in [[b"{\"a\":".as_slice(), b" 2}"], [b" 1}", b"{\"a\":"], [b"", b""]] {
            let refused = parts(altered).unwrap_err().to_string();
            assert!(refused.contains("acme"), "{refused}");
        }
    }
}
