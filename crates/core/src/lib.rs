//! The rules of Countersign, free of I/O.
//!
//! Everything here is a function of its arguments: the time is `now`, chance is a [`Chance`], what is stored
//! comes in as values and goes out as values. So each rule can be tested to the byte, and a reader can trust
//! that nothing else happens. Whoever wants to know *what* Countersign decides reads this crate; *how* it is
//! asked and *where* it is kept is `server` and `store`.
//!
//! | to learn | read |
//! |---|---|
//! | what a client is and how it changes | [`client`], [`rotation`], [`metadata`], [`scope`] |
//! | how secrets are made, judged and kept | [`secret`], [`digest`], [`pepper`], [`seal`], [`passphrase`] |
//! | who may have a token, and what is in it | [`client_auth`], [`grant`], [`project`] |
//! | when a signing key is used | [`key_life`] |
//! | what the gateway calls, and what it shows there | [`provider`], [`credential`] |
//! | how clients are found | [`search`], [`cursor`] |
//! | who administers, and what is written down | [`operator`], [`audit`], [`usage`] |

pub mod audit;
pub mod client;
pub mod client_auth;
pub mod credential;
pub mod cursor;
pub mod digest;
pub mod grant;
pub mod ids;
pub mod key_life;
pub mod master_keys;
pub mod metadata;
pub mod old_service;
pub mod operator;
pub mod passphrase;
pub mod pepper;
pub mod project;
pub mod provider;
pub mod rotation;
pub mod scope;
pub mod seal;
pub mod search;
pub mod secret;
pub mod text;
pub mod usage;

pub use countersign_token::Algorithm;
pub use jiff::Timestamp;

/// The source of randomness, always an argument. Production hands in the operating system's generator, tests
/// a seeded one.
pub type Chance<'a> = &'a mut dyn rand::CryptoRng;
