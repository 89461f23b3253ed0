//! Client authentication at the token endpoint (RFC 6749 section 2.3).
//!
//! What was presented meets what is registered in one `match`, so the whole matrix of methods is on this screen.
//! A new method is a variant here, a file beside this one with its check, and a reader in the server's `presented.rs`.

mod shared_secret;

use secrecy::SecretString;

use crate::client::Client;
use crate::pepper::Peppers;
use crate::secret::StoredSecret;

pub use shared_secret::SecretCheck;

/// How a caller says who it is.
#[derive(Debug)]
pub enum Presented {
    /// `client_secret_basic`: in the Authorization header.
    Basic(SharedSecret),
    /// `client_secret_post`: in the body, which wins over any header (wire contract 1.1).
    Post(SharedSecret),
}

/// An id and the secret that goes with it.
#[derive(Debug)]
pub struct SharedSecret {
    /// The client id as sent; not known to be one yet.
    pub client_id: String,
    /// Never printed.
    pub secret: SecretString,
}

/// What a client is registered with. Every client today has shared secrets.
#[derive(Debug)]
pub enum Registered<'c> {
    /// One secret, or two while a rotation is open.
    SharedSecrets(Vec<&'c StoredSecret>),
}

impl Presented {
    /// The client id as sent.
    pub fn client_id(&self) -> &str {
        match self {
            Self::Basic(shared) | Self::Post(shared) => &shared.client_id,
        }
    }

    /// Judges what was presented against what the client has.
    pub fn check(&self, client: &Client, peppers: &Peppers) -> SecretCheck {
        match (self, Registered::of(client)) {
            (Self::Basic(shared) | Self::Post(shared), Registered::SharedSecrets(secrets)) => {
                shared_secret::check(&shared.secret, &secrets, peppers)
            }
        }
    }

    /// The secret itself, for the checks that run elsewhere.
    pub fn secret(&self) -> &SecretString {
        match self {
            Self::Basic(shared) | Self::Post(shared) => &shared.secret,
        }
    }
}

impl<'c> Registered<'c> {
    fn of(client: &'c Client) -> Self {
        Self::SharedSecrets(client.secrets().collect())
    }
}
