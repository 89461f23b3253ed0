//! Tokens that were good before.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use aws_lc_rs::digest;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use serde_json::{Map, Value};

use crate::Identity;

/// What an entry usually weighs, in bytes. From it follows into how many parts the memory is divided.
const USUAL_BYTES: usize = 1024;

/// Tokens that were good before, bounded in bytes.
///
/// The tokens themselves are not kept: whoever reads this memory learns who called and cannot call in their name.
pub(super) struct SeenTokens(Cache<Digest, Seen, Weigh, FromDigest>);

/// SHA-256 of a whole token, signature included. A digest that could be steered into collisions would let one token pass for
/// another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest([u8; digest::SHA256_OUTPUT_LEN]);

#[derive(Clone)]
pub(super) struct Seen {
    pub(super) identity: Arc<Identity>,
    /// By which of the accepted issuers it was judged.
    pub(super) accepted: usize,
    /// With which keys its signature was checked; with others it is not known to be good.
    pub(super) keys: u64,
}

impl Digest {
    pub(super) fn of(token: &str) -> Self {
        let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

impl SeenTokens {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self(Cache::with(
            max_bytes / USUAL_BYTES,
            max_bytes as u64,
            Weigh,
            FromDigest::default(),
            DefaultLifecycle::default(),
        ))
    }

    pub(super) fn find(&self, digest: &Digest) -> Option<Seen> {
        self.0.get(digest)
    }

    pub(super) fn keep(&self, digest: Digest, identity: Arc<Identity>, accepted: usize, keys: u64) {
        self.0.insert(
            digest,
            Seen {
                identity,
                accepted,
                keys,
            },
        );
    }

    pub(super) fn forget(&self, digest: &Digest) {
        self.0.remove(digest);
    }
}

/// The digest is its own hash. Only good tokens are kept, so whoever wanted many with the same first bytes would have to be
/// issued 2^32 of them.
#[derive(Clone, Default)]
struct FromDigest(u64);

impl std::hash::Hash for Digest {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        hasher.write_u64(u64::from_le_bytes(first));
    }
}

impl BuildHasher for FromDigest {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self::default()
    }
}

impl Hasher for FromDigest {
    fn write(&mut self, bytes: &[u8]) {
        // Not used by `Digest`; sound for whatever else might come.
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Counts the bytes of an entry, rather too many than too few.
#[derive(Clone)]
struct Weigh;

impl Weighter<Digest, Seen> for Weigh {
    fn weight(&self, _digest: &Digest, seen: &Seen) -> u64 {
        (ENTRY_BYTES + identity_bytes(&seen.identity)) as u64
    }
}

/// Key, value and what the cache adds to each: two links, a state and a place in a table that is at least half full.
const ENTRY_BYTES: usize = size_of::<Digest>() + size_of::<Seen>() + 64;
/// What an allocator adds to each piece, and to what it rounds it up: short texts weigh far more than their letters.
const PIECE_BYTES: usize = 16;
/// A node of the tree in which the standard library keeps a JSON object: eleven names and values. All but the first are at least
/// half full, so there is one for every five members.
const NODE_BYTES: usize = 11 * (size_of::<String>() + size_of::<Value>()) + 128;
const MEMBERS_PER_NODE: usize = 5;

fn identity_bytes(identity: &Identity) -> usize {
    let claims = identity.claims();
    let texts = [Some(&claims.iss), Some(&claims.sub), Some(&claims.scope)]
        .into_iter()
        .chain([
            claims.jti.as_ref(),
            claims.client_id.as_ref(),
            identity.scopes_elsewhere(),
        ])
        .flatten()
        .map(text_bytes)
        .sum::<usize>();
    let audiences =
        array_bytes::<String>(claims.aud.capacity()) + claims.aud.iter().map(text_bytes).sum::<usize>();
    size_of::<Identity>()
        + 2 * size_of::<usize>()
        + PIECE_BYTES
        + texts
        + audiences
        + object_bytes(&claims.extra)
}

fn text_bytes(text: &String) -> usize {
    piece_bytes(text.capacity())
}

fn array_bytes<T>(capacity: usize) -> usize {
    piece_bytes(capacity * size_of::<T>())
}

fn piece_bytes(bytes: usize) -> usize {
    bytes.next_multiple_of(PIECE_BYTES) + PIECE_BYTES
}

fn object_bytes(members: &Map<String, Value>) -> usize {
    if members.is_empty() {
        return 0;
    }
    let nodes = (members.len() / MEMBERS_PER_NODE + 1) * (NODE_BYTES + PIECE_BYTES);
    let contents = members
        .iter()
        .map(|(name, value)| text_bytes(name) + value_bytes(value))
        .sum::<usize>();
    nodes + contents
}

/// The bytes that a value has elsewhere. (Depth is bounded by the reader of tokens.)
fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text_bytes(text),
        Value::Array(elements) => {
            array_bytes::<Value>(elements.capacity()) + elements.iter().map(value_bytes).sum::<usize>()
        }
        Value::Object(members) => object_bytes(members),
    }
}

#[cfg(test)]
mod tests {
    use countersign_token::Claims;
    use serde_json::json;

    use super::*;

    fn identity(extra: Value) -> Arc<Identity> {
        let Value::Object(extra) = extra else {
            panic!("extra claims are an object")
        };
        Arc::new(Identity::new(Claims {
            sub: "m2m-client-test-1".into(),
            extra,
            ..Claims::default()
        }))
    }

    #[test]
    fn bytes_stay_under_the_bound_however_many_tokens_come() {
        let most = 256 * 1024;
        let seen = SeenTokens::new(most);
        for number in 0..5_000 {
            let identity = identity(json!({ "text": "x".repeat(number % 4_000), "list": [1, 2, 3] }));
            seen.keep(Digest::of(&number.to_string()), identity, 0, 1);
            assert!(seen.0.weight() <= most as u64, "{number}: {}", seen.0.weight());
        }
        assert!(seen.0.weight() > most as u64 / 2, "and the room is used");
    }

    #[test]
    fn one_entry_cannot_fill_what_is_there_for_all() {
        let seen = SeenTokens::new(64 * 1024);
        seen.keep(
            Digest::of("big"),
            identity(json!({"text": "x".repeat(100_000)})),
            0,
            1,
        );
        assert!(seen.find(&Digest::of("big")).is_none());
    }

    #[test]
    fn small_members_weigh_what_their_tree_weighs() {
        let number = |members: usize| {
            let extra: Map<_, _> = (0..members).map(|n| (n.to_string(), json!(n))).collect();
            identity_bytes(&identity(Value::Object(extra)))
        };
        assert!(number(1) - number(0) > NODE_BYTES);
        assert!(number(100) - number(0) > 100 * (size_of::<String>() + size_of::<Value>()));
        let nested = identity_bytes(&identity(json!({"a": {"b": {"c": {}}}})));
        assert!(nested > 3 * NODE_BYTES, "{nested}");
    }

    #[test]
    fn a_token_that_differs_in_one_bit_is_another() {
        assert!(Digest::of("a.b.c") == Digest::of("a.b.c"));
        assert!(Digest::of("a.b.c") != Digest::of("a.b.b"));
    }
}
