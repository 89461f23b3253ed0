//! Secrets: how they are made, what an imported one must be, and how they are shown.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::{ExposeSecret, SecretString};
use strum::{Display, EnumString};
use zeroize::Zeroizing;

use crate::Chance;
use crate::digest::Digest;
use crate::ids::Environment;
use crate::pepper::Peppers;
use crate::{Timestamp, ids};

/// Shortest imported secret, in characters (wire contract 3.1).
pub const IMPORTED_MIN_CHARS: usize = 8;
/// Longest imported secret, in bytes: what a Basic header carries without trouble.
pub const IMPORTED_MAX_BYTES: usize = 255;
/// Fewest characters of an imported secret that may count as random.
const RANDOM_MIN_CHARS: usize = 32;
/// Bits that a secret's length must carry to count as random: nobody searches 2^128.
const RANDOM_MIN_BITS: usize = 128;
/// zxcvbn counts guesses in 64 bits; a text it has no pattern for reaches the end of that scale.
const RANDOM_MIN_GUESSES_LOG10: f64 = 19.0;

/// Random base62 characters of a generated secret: 62^43 > 2^256.
const BODY_CHARS: usize = 43;
/// Base62 characters of the CRC-32: 62^6 > 2^32.
const CHECK_CHARS: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether a secret could be found by guessing; decides how it is digested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum SecretStrength {
    /// Made here, or evidently made by a random generator: at least 128 bits.
    Random,
    /// A person may have chosen it.
    Guessable,
}

/// Why an imported secret was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Shorter than [`IMPORTED_MIN_CHARS`], or with a control character.
    #[error("client_secret has at least {IMPORTED_MIN_CHARS} characters and no control characters")]
    Invalid,
    /// Longer than [`IMPORTED_MAX_BYTES`].
    #[error("client_secret has at most {IMPORTED_MAX_BYTES} bytes")]
    TooLong,
    /// zxcvbn scores it under 3 of 4.
    #[error("client_secret is too easy to guess; use a random one")]
    Insecure,
}

/// What is kept of one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// Counts the secrets of its owner from 1; names the secret in usage records.
    pub number: i64,
    /// What checks it.
    pub digest: Digest,
    /// Its last four characters, to tell secrets apart by eye.
    pub last_four: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A secret just made or imported: the plaintext for its one answer, and what is kept.
#[derive(Debug)]
pub struct NewSecret {
    /// Shown once.
    pub plaintext: SecretString,
    /// Kept.
    pub stored: StoredSecret,
}

impl NewSecret {
    /// A generated client secret, `csk_…`.
    pub fn for_client(number: i64, now: Timestamp, peppers: &Peppers, chance: Chance<'_>) -> Self {
        Self::random("csk_", number, now, peppers, chance)
    }

    /// A generated project secret, `secret-<env>-…`.
    pub fn for_project(
        environment: Environment,
        now: Timestamp,
        peppers: &Peppers,
        chance: Chance<'_>,
    ) -> Self {
        Self::random(&format!("secret-{environment}-"), 1, now, peppers, chance)
    }

    /// A generated operator key, `cso_…`.
    pub fn for_operator(now: Timestamp, peppers: &Peppers, chance: Chance<'_>) -> Self {
        Self::random("cso_", 1, now, peppers, chance)
    }

    fn random(prefix: &str, number: i64, now: Timestamp, peppers: &Peppers, chance: Chance<'_>) -> Self {
        let plaintext = generate(prefix, chance);
        Self::keep(plaintext, SecretStrength::Random, number, now, peppers, chance)
    }

    /// A secret chosen by the caller. Slow when the secret could be guessed.
    pub fn imported(
        plaintext: SecretString,
        number: i64,
        now: Timestamp,
        peppers: &Peppers,
        chance: Chance<'_>,
    ) -> Result<Self, SecretError> {
        let strength = judge_imported(&plaintext)?;
        Ok(Self::keep(plaintext, strength, number, now, peppers, chance))
    }

    fn keep(
        plaintext: SecretString,
        strength: SecretStrength,
        number: i64,
        now: Timestamp,
        peppers: &Peppers,
        chance: Chance<'_>,
    ) -> Self {
        let digest = Digest::make(&plaintext, strength, peppers, chance);
        let stored = StoredSecret {
            number,
            digest,
            last_four: last_four(&plaintext),
            created_at: now,
        };
        Self { plaintext, stored }
    }
}

/// Judges an imported secret: refused, guessable, or as good as random.
pub fn judge_imported(secret: &SecretString) -> Result<SecretStrength, SecretError> {
    let text = secret.expose_secret();
    if text.chars().count() < IMPORTED_MIN_CHARS || text.chars().any(char::is_control) {
        return Err(SecretError::Invalid);
    }
    if text.len() > IMPORTED_MAX_BYTES {
        return Err(SecretError::TooLong);
    }
    let entropy = zxcvbn::zxcvbn(text, &[]);
    if entropy.score() < zxcvbn::Score::Three {
        return Err(SecretError::Insecure);
    }
    let random = text.len() >= RANDOM_MIN_CHARS
        && text.len() * bits_per_char(text) >= RANDOM_MIN_BITS
        && entropy.guesses_log10() >= RANDOM_MIN_GUESSES_LOG10;
    Ok(if random {
        SecretStrength::Random
    } else {
        SecretStrength::Guessable
    })
}

/// How strong a secret is that nobody judged on its way in: only what may be guessed pays for Argon2id.
pub fn strength_of(secret: &SecretString) -> SecretStrength {
    judge_imported(secret).unwrap_or(SecretStrength::Guessable)
}

/// Bits a character carries if the text is a random one of its alphabet; 0 when it is neither hex nor base64.
fn bits_per_char(text: &str) -> usize {
    if text.bytes().all(|b| b.is_ascii_hexdigit()) {
        4
    } else if text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"+/-_=".contains(&b))
    {
        6
    } else {
        0
    }
}

/// The last four characters, shown beside a secret's name wherever the secret itself may not be. None of a secret so short
/// that they would be half of it, as an imported one may be, and a mark for what a terminal would obey.
pub fn last_four(secret: &SecretString) -> String {
    let text = secret.expose_secret();
    let length = text.chars().count();
    if length < 8 {
        return String::new();
    }
    let shown = text.chars().skip(length - 4);
    shown.map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// `prefix`, 43 random base62 characters, and a CRC-32 of all before it in 6: scanners of source code find such a
/// secret by its form, and a mistyped one is told from a wrong one without asking the server.
fn generate(prefix: &str, chance: Chance<'_>) -> SecretString {
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + BODY_CHARS + CHECK_CHARS));
    text.push_str(prefix);
    for _ in 0..BODY_CHARS {
        text.push(random_base62(chance));
    }
    let check = check_characters(&text);
    text.push_str(&check);
    SecretString::from(text.as_str())
}

/// Rejects the bytes that would favour the first characters.
fn random_base62(chance: Chance<'_>) -> char {
    loop {
        let mut byte = [0];
        chance.fill_bytes(&mut byte);
        let index = usize::from(byte[0] >> 2);
        if let Some(&character) = BASE62.get(index) {
            return char::from(character);
        }
    }
}

fn check_characters(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut characters = ['0'; CHECK_CHARS];
    for place in characters.iter_mut().rev() {
        *place = char::from(BASE62[(rest % 62) as usize]);
        rest /= 62;
    }
    characters.iter().collect()
}

/// Whether a text has the form of a generated secret and its check fits. For people and scanners; the server never judges
/// by it, because an imported secret may look alike.
pub fn check_fits(text: &str) -> bool {
    let Some(split) = text.len().checked_sub(CHECK_CHARS) else {
        return false;
    };
    match (text.get(..split), text.get(split..)) {
        (Some(body), Some(check)) => {
            verify_slices_are_equal(check_characters(body).as_bytes(), check.as_bytes()).is_ok()
        }
        _ => false,
    }
}

/// A fresh id for a project secret.
pub fn generate_secret_id(chance: Chance<'_>) -> String {
    format!("project-secret-{}", ids::random_uuid(chance))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn judge(text: &str) -> Result<SecretStrength, SecretError> {
        judge_imported(&SecretString::from(text))
    }

    #[test]
    fn a_generated_secret_has_its_form_and_its_check() {
        let secret = generate("csk_", &mut StdRng::seed_from_u64(1));
        let text = secret.expose_secret();
        assert_eq!(text.len(), 4 + BODY_CHARS + CHECK_CHARS);
        assert!(text.starts_with("csk_"));
        assert!(check_fits(text));
        assert_eq!(last_four(&secret), text[text.len() - 4..]);
    }

    #[test]
    fn every_single_typo_is_noticed() {
        let secret = generate("csk_", &mut StdRng::seed_from_u64(2));
        let text = secret.expose_secret();
        for at in 4..text.len() {
            let mut typo = text.as_bytes().to_vec();
            typo[at] = if typo[at] == b'x' { b'y' } else { b'x' };
            assert!(!check_fits(std::str::from_utf8(&typo).unwrap()), "position {at}");
        }
    }

    #[test]
    fn imported_secrets_are_judged() {
        assert_eq!(judge("short"), Err(SecretError::Invalid));
        assert_eq!(judge("long enough\n but\0"), Err(SecretError::Invalid));
        assert_eq!(judge(&"x9".repeat(128)), Err(SecretError::TooLong));
        for weak in [
            "password1",
            "aaaaaaaaaaaaaaaaaaaa",
            "abcdefghijklmnop",
            "qwertyuiop",
            "1234567890123456",
        ] {
            assert_eq!(judge(weak), Err(SecretError::Insecure), "{weak}");
        }
        assert_eq!(judge("ardent-Mulberry/Quilt.92"), Ok(SecretStrength::Guessable));
        // Long and of a random alphabet, but made of words: guessable all the same.
        assert_eq!(
            judge("passwordpasswordpasswordMonkeydragon"),
            Ok(SecretStrength::Guessable)
        );
        assert_eq!(
            judge("9f86d081884c7d659a2feaa0c55ad015"),
            Ok(SecretStrength::Random)
        );
        assert_eq!(
            judge("zDd7JqRk1oGm-PzfyC4yTKbT0XrWm_EwX8V2bHhXnUw"),
            Ok(SecretStrength::Random)
        );
        assert_eq!(
            judge("zDd7JqRk1oGm-PzfyC4yTKbT0XrWm"),
            Ok(SecretStrength::Guessable),
            "under 32 characters"
        );
    }

    #[test]
    fn debug_of_a_new_secret_hides_it() {
        let peppers = Peppers::new(crate::pepper::PepperId::from_stored("p"), &[1; 32]);
        let new = NewSecret::for_client(1, Timestamp::UNIX_EPOCH, &peppers, &mut StdRng::seed_from_u64(3));
        assert!(!format!("{new:?}").contains(new.plaintext.expose_secret()));
    }

    proptest! {
        #[test]
        fn the_characters_are_evenly_drawn(seed in any::<u64>()) {
            let secret = generate("", &mut StdRng::seed_from_u64(seed));
            prop_assert!(secret.expose_secret().bytes().all(|b| BASE62.contains(&b)));
        }

        #[test]
        fn last_four_are_never_half_of_a_secret(text in ".{0,12}") {
            let shown = last_four(&SecretString::from(text.as_str()));
            prop_assert!(shown.chars().count() * 2 <= text.chars().count());
            prop_assert!(!shown.contains(char::is_control));
        }
    }
}
