//! Cursors: where a list goes on. Opaque to callers and authenticated, so that a forged one, one of another project or
//! one of another query is refused instead of answered with somebody's rows.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::pepper::{Peppers, Purpose};

/// Where a list goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The ordinal of the last row shown.
    pub after: i64,
    /// How many rows the whole list has, counted on its first page.
    pub total: i64,
}

/// What a cursor belongs to: a list in a tenancy, with its filters.
#[derive(Debug, Clone, Copy)]
pub struct ListIdentity<'a> {
    /// The project id, or another name for whose rows these are.
    pub owner: &'a str,
    /// Which list.
    pub list: &'static str,
    /// Stands for the filters.
    pub query: &'a [u8],
}

/// Not a cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor does not belong to this list")]
pub struct InvalidCursor;

const MAC_BYTES: usize = 16;
const POSITION_BYTES: usize = 16;

/// The cursor for a position.
pub fn encode(position: Position, list: ListIdentity<'_>, peppers: &Peppers) -> String {
    let mut bytes = position.to_bytes().to_vec();
    if let Some(mac) = mac(&bytes, list, peppers, peppers.newest()) {
        bytes.extend_from_slice(&mac);
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position a cursor of this list stands for.
pub fn decode(cursor: &str, list: ListIdentity<'_>, peppers: &Peppers) -> Result<Position, InvalidCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidCursor)?;
    let (position, presented) = bytes.split_at_checked(POSITION_BYTES).ok_or(InvalidCursor)?;
    let authentic = peppers.ids().any(|pepper| {
        mac(position, list, peppers, pepper)
            .is_some_and(|mac| verify_slices_are_equal(&mac, presented).is_ok())
    });
    if authentic {
        Position::from_bytes(position)
    } else {
        Err(InvalidCursor)
    }
}

fn mac(
    position: &[u8],
    list: ListIdentity<'_>,
    peppers: &Peppers,
    pepper: &crate::pepper::PepperId,
) -> Option<[u8; MAC_BYTES]> {
    // NUL separates: ids and list names have none, and what follows the last one has a fixed length.
    let mut message = [
        list.owner.as_bytes(),
        b"\0",
        list.list.as_bytes(),
        b"\0",
        list.query,
    ]
    .concat();
    message.extend_from_slice(position);
    let tag = peppers.mac(pepper, Purpose::Cursor, &message)?;
    tag.as_ref().first_chunk().copied()
}

impl Position {
    fn to_bytes(self) -> [u8; POSITION_BYTES] {
        let mut bytes = [0; POSITION_BYTES];
        bytes[..8].copy_from_slice(&self.after.to_be_bytes());
        bytes[8..].copy_from_slice(&self.total.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidCursor> {
        let after = bytes.first_chunk().ok_or(InvalidCursor)?;
        let total = bytes.last_chunk().ok_or(InvalidCursor)?;
        Ok(Self {
            after: i64::from_be_bytes(*after),
            total: i64::from_be_bytes(*total),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::tests::peppers;

    const LIST: ListIdentity<'static> = ListIdentity {
        owner: "project-test-1",
        list: "clients",
        query: b"q",
    };

    #[test]
    fn a_cursor_of_another_project_list_or_query_is_refused() {
        let cursor = encode(Position { after: 7, total: 9 }, LIST, &peppers());
        for other in [
            ListIdentity {
                owner: "project-test-2",
                ..LIST
            },
            ListIdentity {
                list: "audit",
                ..LIST
            },
            ListIdentity {
                query: b"other",
                ..LIST
            },
        ] {
            assert_eq!(decode(&cursor, other, &peppers()), Err(InvalidCursor));
        }
        let foreign = Peppers::new(crate::pepper::PepperId::from_stored("p"), &[8; 32]);
        assert_eq!(decode(&cursor, LIST, &foreign), Err(InvalidCursor));
    }

    proptest! {
        #[test]
        fn a_cursor_returns_its_position(after in any::<i64>(), total in any::<i64>()) {
            let position = Position { after, total };
            prop_assert_eq!(decode(&encode(position, LIST, &peppers()), LIST, &peppers()), Ok(position));
        }

        #[test]
        fn any_altered_byte_is_refused(after in any::<i64>(), at in 0usize..32, by in 1u8..=255) {
            let cursor = encode(Position { after, total: 3 }, LIST, &peppers());
            let mut bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap();
            bytes[at] ^= by;
            prop_assert_eq!(decode(&URL_SAFE_NO_PAD.encode(bytes), LIST, &peppers()), Err(InvalidCursor));
        }

        #[test]
        fn noise_is_refused(noise in ".{0,80}") {
            prop_assert_eq!(decode(&noise, LIST, &peppers()), Err(InvalidCursor));
        }
    }
}
