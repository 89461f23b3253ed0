//! Checking tokens.

mod builder;
mod keys;
mod profile;
mod remote_keys;
mod seen;

use std::fmt;
use std::sync::Arc;

use countersign_token::{MAX_TOKEN_BYTES, Refusal as TokenRefusal, VerifyingKeys, unverified};
use tokio::time::Instant;

pub use self::builder::{
    FETCH_TIMEOUT, KEYS_USABLE_FOR, REFRESH_EVERY, SEEN_TOKENS_BYTES, UNKNOWN_KEY_COOL_DOWN, VerifierBuilder,
};
use self::keys::Keys;
pub use self::profile::Profile;
use self::profile::{Accepted, Terms};
use self::seen::{Digest, SeenTokens};
use crate::{Clock, ConfigError, Identity, Refusal};

/// Checks tokens offline: against the issuer's keys, which it fetches and keeps, and against what is expected of a token.
///
/// A clone shares everything with the original; make one per process and issuer. [`Verifier::verify`] says what is checked,
/// [`VerifierBuilder`] what can be set.
///
/// # How old its keys are
///
/// Keys are fetched when the first token comes, and again in the background when they are older than
/// [`refresh_every`](VerifierBuilder::refresh_every) (5 minutes). After a quiet time of twice that, the next token waits for fresh
/// ones: a key that was withdrawn overnight opens nothing in the morning. When the issuer is away, the keys at hand go on being
/// used for [`keys_usable_for`](VerifierBuilder::keys_usable_for) (24 hours) after they were last fetched.
///
/// A token that names an unknown key has them fetched at once, but all such tokens together only once in
/// [`unknown_key_cool_down`](VerifierBuilder::unknown_key_cool_down) (30 seconds): inventing key ids costs the issuer nothing.
#[derive(Clone)]
pub struct Verifier {
    /// One, unless it is any of several.
    each: Arc<[Arc<Inner>]>,
}

struct Inner {
    accepted: Vec<Accepted>,
    terms: Terms,
    keys: Keys,
    seen: Option<SeenTokens>,
    clock: Arc<dyn Clock>,
    scope_claim: Option<String>,
}

impl Verifier {
    /// Begins one; [`VerifierBuilder`] goes on.
    pub fn builder() -> VerifierBuilder {
        VerifierBuilder::default()
    }

    /// The verifier that the environment describes: `COUNTERSIGN_URL`, `COUNTERSIGN_PROJECT_ID` and, if the tokens are not for
    /// the project, `COUNTERSIGN_AUDIENCE`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with the name of the first variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::builder().from_env().build()
    }

    /// A verifier that accepts what any of these accepts, such as those of two issuers while a service moves from one to the other.
    /// Of none, it accepts nothing.
    ///
    /// The one whose issuer the token names is asked first, then the others in this order. The next one is asked when a token is
    /// not for this one: on `wrong_issuer`, `unknown_key` and `wrong_type`. Any other refusal is the verdict.
    ///
    /// ```
    /// use countersign_client::{ConfigError, Verifier};
    ///
    /// fn both() -> Result<Verifier, ConfigError> {
    ///     let here = Verifier::from_env()?;
    ///     let hydra = Verifier::builder()
    ///         .issuer("https://hydra.example.com/")
    ///         .jwks_url("https://hydra.example.com/.well-known/jwks.json")
    ///         .audience("https://api.example.com")
    ///         .scope_claim("scp")
    ///         .build()?;
    ///     Ok(Verifier::any_of([here, hydra]))
    /// }
    /// ```
    #[must_use]
    pub fn any_of(verifiers: impl IntoIterator<Item = Self>) -> Self {
        let each = verifiers.into_iter().flat_map(|verifier| verifier.each.to_vec());
        Self { each: each.collect() }
    }

    /// Checks a token and answers who calls.
    ///
    /// Form, header, type, key and signature are judged in this order, and then the claims: issuer, audience, expiry, start, age.
    /// A token that was good before is recognised by its SHA-256; then the signature is not checked again, and its claims are.
    ///
    /// Usually this waits for nothing. It does when keys have to be fetched; dropping it then harms nothing.
    ///
    /// # Errors
    ///
    /// The first [`Refusal`] found. [`Refusal::KeysUnavailable`] says nothing about the token.
    pub async fn verify(&self, token: &str) -> Result<Arc<Identity>, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            // Before anything is done with it: nobody has us digest megabytes.
            return Err(TokenRefusal::Oversize.into());
        }
        let remembers = self.each.iter().any(|inner| inner.seen.is_some());
        let digest = remembers.then(|| Digest::of(token));
        if let Some(digest) = &digest
            && let Some(verdict) = self.each.iter().find_map(|inner| inner.judge_again(digest))
        {
            return verdict;
        }
        let mut refusal = None;
        for inner in self.in_order(token) {
            match inner.judge_first(token, digest).await {
                // What the first one says is told: it knows the issuer, if any does.
                Err(found) if is_for_another(&found) => refusal = refusal.or(Some(found)),
                verdict => return verdict,
            }
        }
        Err(refusal.unwrap_or_else(|| TokenRefusal::WrongIssuer.into()))
    }

    /// Those whose issuer the token names come first. Nothing is believed of it, and nobody is left out: it only spares an issuer
    /// questions about keys of another, and lets nobody wait for an issuer that has nothing to do with the token.
    fn in_order(&self, token: &str) -> Vec<&Inner> {
        let mut each: Vec<&Inner> = self.each.iter().map(|inner| &**inner).collect();
        if each.len() > 1
            && let Ok(seen) = unverified::decode(token)
            && let Some(issuer) = seen.claims["iss"].as_str()
        {
            each.sort_by_key(|inner| !inner.accepted.iter().any(|accepted| accepted.issuer == issuer));
        }
        each
    }
}

/// Whether the token may be one for another verifier.
fn is_for_another(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::Token(TokenRefusal::WrongIssuer | TokenRefusal::UnknownKey { .. } | TokenRefusal::WrongType)
    )
}

impl Inner {
    /// The verdict over a token that was good before, or `None` when it is not known or its key may be gone.
    fn judge_again(&self, digest: &Digest) -> Option<Result<Arc<Identity>, Refusal>> {
        let seen = self.seen.as_ref()?;
        let known = seen.find(digest)?;
        if !self.keys.are_still(known.keys, Instant::now()) {
            return None;
        }
        let accepted = self.accepted.get(known.accepted)?;
        let verdict = accepted.judge(&self.terms, known.identity.claims(), self.clock.unix_seconds());
        if verdict == Err(TokenRefusal::Expired) {
            // It will never be good again.
            seen.forget(digest);
        }
        Some(verdict.map(|()| known.identity).map_err(Refusal::from))
    }

    async fn judge_first(&self, token: &str, digest: Option<Digest>) -> Result<Arc<Identity>, Refusal> {
        let since = Instant::now();
        let mut keys = match self.keys.at_hand() {
            Some(keys) => keys,
            None => {
                self.judge_without_keys(token)?;
                self.keys.get().await?
            }
        };
        let mut verdict = self.judge(token, &keys.keys);
        if let Err(TokenRefusal::UnknownKey { .. }) = verdict
            && let Some(newer) = self.keys.newer_than(&keys, since).await?
        {
            verdict = self.judge(token, &newer.keys);
            keys = newer;
        }
        let (accepted, identity) = verdict?;
        if let (Some(seen), Some(digest)) = (&self.seen, digest) {
            seen.keep(digest, identity.clone(), accepted, keys.serial);
        }
        Ok(identity)
    }

    /// Refuses what no key could make good: by its form, its header or its type. Nobody waits for keys on behalf of such a token, and
    /// nobody is told that keys are missing.
    fn judge_without_keys(&self, token: &str) -> Result<(), TokenRefusal> {
        match self.judge(token, &VerifyingKeys::default()) {
            // All that is judged before the key is as it should be.
            Ok(_) | Err(TokenRefusal::UnknownKey { .. }) => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }

    /// The verdict, and by which of the accepted issuers.
    fn judge(&self, token: &str, keys: &VerifyingKeys) -> Result<(usize, Arc<Identity>), TokenRefusal> {
        let now = self.clock.unix_seconds();
        let mut verdict = Err(TokenRefusal::WrongType);
        for (position, accepted) in self.accepted.iter().enumerate() {
            verdict = accepted
                .verify(&self.terms, token, keys, now)
                .and_then(|claims| Identity::with_scopes_in(claims, self.scope_claim.as_deref()))
                .map(|identity| (position, Arc::new(identity)));
            // Types of different entries are disjoint, and the type is judged before the signature, so that no signature is
            // checked twice.
            if verdict != Err(TokenRefusal::WrongType) {
                break;
            }
        }
        verdict
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("accepted", &self.accepted)
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.each.iter()).finish()
    }
}
