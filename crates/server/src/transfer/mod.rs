//! An installation as a file, to be moved to another engine, another machine, another master key.
//!
//! The file is JSON Lines, in this order:
//!
//! | line | holds |
//! |---|---|
//! | first | [`line::Header`]: format, version, schema, and how a key is derived from the passphrase |
//! | one for each row | `{"table":"client","row":{…}}`, table by table as [`countersign_store::TABLES`] has them, in the order of their keys |
//! | last but one | [`line::End`]: how many rows of each table, and the checksum of the content |
//! | last | [`line::Seal`]: an HMAC-SHA-256 over every byte before it |
//!
//! What is sealed in the database is sealed in the file under a key of the passphrase, bound to the same row. The rest stands
//! in the open, as in a backup; but nobody without the passphrase can change or add a row, because of the last line.
//!
//! The content's checksum ([`content`]) knows no keys: it is equal for two databases, and for a file, that hold the same.
//!
//! | to learn | read |
//! |---|---|
//! | what lines look like | [`mod@line`] |
//! | how a file is made | [`export`] |
//! | how a file is checked before anything is believed | [`checked`] |
//! | how it is written to a database, and interrupted | [`import`] |

pub mod checked;
pub mod content;
pub mod export;
pub mod import;
pub mod line;
pub mod progress;

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The checksum of the content: SHA-256 in hex.
    pub content: String,
    /// The tables and how many rows of each.
    pub rows: Vec<(String, i64)>,
}

/// Why a file is not imported. In every case nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The passphrase opens nothing.
    #[error("the passphrase is not that of the export")]
    WrongPassphrase,
    /// Something is there that the import would mix with.
    #[error("the database holds an installation already: import into an empty one")]
    NotEmpty,
    /// Another file was begun and not ended.
    #[error(
        "another export is half imported here (content sha256:{0}): go on with that file, or begin anew with an empty database"
    )]
    AnotherUnderWay(String),
    /// The file is not what its maker wrote.
    #[error("line {line} of the export: {what}")]
    Damaged {
        /// Where, counted from 1.
        line: u64,
        /// What is wrong there.
        what: String,
    },
}
