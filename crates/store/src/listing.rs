//! Lists: pages by keyset, never by offset, so the last page costs what the first does.

use countersign_core::client::ClientStatus;

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The ordinal of the last row already seen; 0 for the first page.
    pub after: i64,
    /// At most so many rows.
    pub limit: u32,
}

/// A row of a list and its place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<T> {
    /// Its place, for [`Page::after`].
    pub ordinal: i64,
    /// What it holds.
    pub value: T,
}

/// Which clients the console's list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientListing {
    /// Name or id contains this, whatever the case of ASCII letters.
    pub contains: Option<String>,
    /// Of this status alone.
    pub status: Option<ClientStatus>,
}
