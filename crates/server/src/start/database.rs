//! Which database: the engine is chosen by the URL.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use countersign_store::{
    Migrated, PostgresOptions, PostgresStore, PostgresUrl, Schema, SqliteOptions, SqliteStore, Transfer,
};

use crate::config::Config;

/// Where everything is kept.
#[derive(Debug, Clone)]
pub enum Engine {
    /// In a file, by this process alone.
    Sqlite(PathBuf),
    /// On the one of these servers that is the primary, with other nodes.
    Postgres(Vec<PostgresUrl>),
}

/// What `database.url` asks for.
pub fn engine(config: &Config) -> anyhow::Result<Engine> {
    let urls = config.database.url.as_slice();
    let file = match urls {
        [] => Some(config.server.data_dir.join("countersign.db")),
        [url] => url
            .strip_prefix("sqlite:")
            .map(|file| Path::new(file.trim_start_matches("//")).to_path_buf()),
        _ => None,
    };
    if let Some(file) = file {
        return Ok(Engine::Sqlite(file));
    }
    if urls.iter().any(|url| url.starts_with("sqlite:")) {
        bail!("database.url: SQLite is one file and has no further servers");
    }
    let parsed = urls.iter().map(|url| PostgresUrl::parse(url));
    Ok(Engine::Postgres(
        parsed.collect::<Result<_, _>>().context("database.url")?,
    ))
}

/// Where the database is, in words that hold no credentials. The environment may name another one than somebody has in mind.
pub fn place(config: &Config) -> anyhow::Result<String> {
    Ok(match engine(config)? {
        Engine::Sqlite(file) => format!("SQLite in {}", file.display()),
        Engine::Postgres(urls) => {
            let places: Vec<_> = urls.iter().map(PostgresUrl::place).collect();
            format!("PostgreSQL at {}", places.join(" or "))
        }
    })
}

/// Opens the database. Its schema is brought up to date, or with `database.migrate = false` has to do as it is.
pub async fn open_store(config: &Config) -> anyhow::Result<Arc<dyn Transfer>> {
    let up_to_date = config.database.migrate;
    let store: Result<Arc<dyn Transfer>, _> = match engine(config)? {
        Engine::Sqlite(file) => {
            let options = sqlite_options(config, file);
            let store = if up_to_date {
                SqliteStore::open(options).await
            } else {
                SqliteStore::open_unchanged(options).await
            };
            store.map(|store| Arc::new(store) as _)
        }
        Engine::Postgres(urls) => {
            let options = postgres_options(config, urls);
            let store = if up_to_date {
                PostgresStore::open(&options).await
            } else {
                PostgresStore::open_unchanged(&options).await
            };
            store.map(|store| Arc::new(store) as _)
        }
    };
    store.context("cannot open the database")
}

/// Brings the schema up to date, and does nothing else.
pub async fn migrate(config: &Config) -> anyhow::Result<Migrated> {
    let migrated = match engine(config)? {
        Engine::Sqlite(file) => SqliteStore::migrate(&sqlite_options(config, file)).await,
        Engine::Postgres(urls) => PostgresStore::migrate(&postgres_options(config, urls)).await,
    };
    migrated.context("the schema was not brought up to date")
}

/// The schema that is there, beside what this program knows.
pub async fn schema(config: &Config) -> anyhow::Result<Schema> {
    let schema = match engine(config)? {
        Engine::Sqlite(file) => SqliteStore::schema(&file).await,
        Engine::Postgres(urls) => PostgresStore::schema(&postgres_options(config, urls)).await,
    };
    schema.context("cannot read the schema")
}

fn sqlite_options(config: &Config, file: PathBuf) -> SqliteOptions {
    SqliteOptions {
        file,
        max_page_count: Some(config.database.sqlite_max_pages).filter(|pages| *pages > 0),
        readers: config.database.readers,
        cache_kib: config.database.sqlite_cache_mib * 1024,
    }
}

/// Opens the database with whatever schema it has, to read it beside those who serve it.
pub async fn open_to_read(config: &Config) -> anyhow::Result<Arc<dyn Transfer>> {
    match engine(config)? {
        Engine::Sqlite(file) => {
            let store = SqliteStore::open_read_only(&file).await;
            Ok(Arc::new(store.context("cannot read the database")?))
        }
        Engine::Postgres(urls) => {
            let store = PostgresStore::open_as_it_is(&postgres_options(config, urls));
            Ok(Arc::new(store.context("cannot read the database")?))
        }
    }
}

fn postgres_options(config: &Config, urls: Vec<PostgresUrl>) -> PostgresOptions {
    PostgresOptions {
        urls,
        connections: config.database.connections,
    }
}

/// The file of an embedded database; commands that copy or replace it know no other.
pub fn database_file(config: &Config) -> anyhow::Result<PathBuf> {
    match engine(config)? {
        Engine::Sqlite(file) => Ok(file),
        Engine::Postgres(_) => {
            bail!("the database is PostgreSQL: use its own tools, pg_dump or pg_basebackup")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine_of(urls: &str) -> anyhow::Result<Engine> {
        let environment = [("COUNTERSIGN_DATABASE_URL".to_owned(), urls.to_owned())];
        engine(&Config::load(None, environment, Vec::new())?)
    }

    #[test]
    fn the_url_chooses_the_engine() {
        assert!(matches!(engine_of("").unwrap(), Engine::Sqlite(file) if file.ends_with("countersign.db")));
        assert!(
            matches!(engine_of("sqlite:a.db").unwrap(), Engine::Sqlite(file) if file == Path::new("a.db"))
        );
        let two = engine_of("postgres://u:p@a.example/c,postgres://u:p@b.example/c").unwrap();
        assert!(matches!(&two, Engine::Postgres(urls) if urls.len() == 2));
        assert!(!format!("{two:?}").contains(":p@"));
    }

    #[test]
    fn what_is_no_database_is_refused() {
        for urls in [
            "mysql://u:p@h/c",
            "sqlite:a.db,sqlite:b.db",
            "postgres://u:p@h/c?sslmod=require",
        ] {
            assert!(engine_of(urls).is_err(), "{urls}");
        }
    }
}
