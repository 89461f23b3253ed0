//! Where a PostgreSQL server is, and how safely it is reached.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use crate::{Result, StoreError};

/// What may stand behind the question mark. Whatever is not known is refused: a misspelt `sslmode` would otherwise mean
/// no check of the server at all.
const PARAMETERS: &[&str] = &[
    "host",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "application_name",
];

/// The address of a server that may be the primary: `postgres://user:password@host:port/database?sslmode=…`.
///
/// Without `sslmode`, a server on another machine must prove its name (`verify-full`); one on this machine is reached
/// without TLS. The password is shown by nothing.
#[derive(Clone)]
pub struct PostgresUrl(pub(super) PgConnectOptions);

impl PostgresUrl {
    /// Which database it names, without who goes there.
    pub fn place(&self) -> String {
        let database = self.0.get_database().unwrap_or(self.0.get_username());
        match self.0.get_socket() {
            Some(folder) => format!("{}/{database}", folder.display()),
            None => format!("{}:{}/{database}", self.0.get_host(), self.0.get_port()),
        }
    }

    /// Reads a URL.
    ///
    /// # Errors
    /// [`StoreError::Url`] says what is wrong with it and never repeats it.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |why: String| StoreError::Url(why);
        let url = Url::parse(text).map_err(|error| refused(error.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(refused("it does not begin with postgres://".to_owned()));
        }
        let mut asked = None;
        for (name, value) in url.query_pairs() {
            if !PARAMETERS.contains(&name.as_ref()) {
                return Err(refused(format!(
                    "there is no parameter {name:?}; known are {}",
                    PARAMETERS.join(", ")
                )));
            }
            if name == "sslmode" {
                asked = Some(value.into_owned());
            }
        }
        let options = PgConnectOptions::from_str(text).map_err(|error| refused(error.to_string()))?;
        let mode = match asked.as_deref() {
            Some("disable") => PgSslMode::Disable,
            Some("require") => PgSslMode::Require,
            Some("verify-ca") => PgSslMode::VerifyCa,
            Some("verify-full") => PgSslMode::VerifyFull,
            // allow and prefer give way to whoever stands between.
            Some(_) => {
                return Err(refused(
                    "sslmode must be disable, require, verify-ca or verify-full".to_owned(),
                ));
            }
            None if is_here(&options) => PgSslMode::Disable,
            None => PgSslMode::VerifyFull,
        };
        Ok(Self(options.ssl_mode(mode)))
    }
}

/// Whether the server is on this machine.
fn is_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let is_loopback = |host: &str| host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    options.get_socket().is_some() || host == "localhost" || is_loopback(host.trim_matches(['[', ']']))
}

impl fmt::Display for PostgresUrl {
    /// Host, port and database: enough to tell servers apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.0;
        match options.get_socket() {
            Some(folder) => write!(f, "{}", folder.display())?,
            None => write!(f, "{}", options.get_host())?,
        }
        write!(
            f,
            ":{}/{}",
            options.get_port(),
            options.get_database().unwrap_or_default()
        )
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(text: &str) -> PgSslMode {
        PostgresUrl::parse(text).unwrap().0.get_ssl_mode()
    }

    fn refusal(text: &str) -> String {
        PostgresUrl::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn another_machine_must_prove_its_name_unless_told_otherwise() {
        assert!(matches!(
            mode("postgres://u:p@db.example/c"),
            PgSslMode::VerifyFull
        ));
        assert!(matches!(
            mode("postgres://u:p@192.0.2.1/c"),
            PgSslMode::VerifyFull
        ));
        assert!(matches!(
            mode("postgres://u:p@db.example/c?sslmode=disable"),
            PgSslMode::Disable
        ));
        for here in [
            "postgres://u@localhost/c",
            "postgres://u@127.0.0.1:5433/c",
            "postgres://u@[::1]/c",
            "postgres://u@%2Frun%2Fpostgresql/c",
            "postgres:///c?host=/run/postgresql",
        ] {
            assert!(matches!(mode(here), PgSslMode::Disable), "{here}");
        }
        assert!(matches!(
            mode("postgres://u@localhost/c?sslmode=require"),
            PgSslMode::Require
        ));
    }

    #[test]
    fn what_is_not_understood_is_refused_and_not_repeated() {
        for (url, word) in [
            ("postgres://u:hunter2@h/c?sslmod=verify-full", "sslmod"),
            (
                "postgres://u:hunter2@h/c?target_session_attrs=read-write",
                "target_session_attrs",
            ),
            ("postgres://u:hunter2@h/c?sslmode=prefer", "sslmode"),
            ("mysql://u:hunter2@h/c", "postgres://"),
            ("postgres://u:hunter2@h:port/c", "port"),
        ] {
            let refusal = refusal(url);
            assert!(
                refusal.contains(word) && !refusal.contains("hunter2"),
                "{refusal}"
            );
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let url = PostgresUrl::parse("postgres://u:hunter2@db.example:5433/c").unwrap();
        assert_eq!(url.to_string(), "db.example:5433/c");
        assert_eq!(format!("{url:?}"), "PostgresUrl(db.example:5433/c)");
    }
}
