//! `export` and `import`: an installation moves, whole or not at all.

use countersign::start::master_key;
use countersign::transfer::checked::CheckedFile;
use countersign::transfer::content;
use countersign_cluster::{PASSWORD, database_for_a_test};
use countersign_store::{ImportUnderWay, SqliteOptions, SqliteStore, Store, Transfer};
use secrecy::SecretString;
use serde_json::Value;

use crate::providers::{CREDENTIAL, add_acme};
use crate::support::{Deployment, is_private};

const PASSPHRASE: &str = "tundra-violin-harvest-moss";
const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// An installation in which something is in every table, stopped, with an export `move.jsonl`.
struct Source {
    deployment: Deployment,
    token: String,
    keys: Value,
    content: String,
}

impl Source {
    fn new() -> Self {
        let mut deployment = Deployment::start();
        deployment.ok(&[
            "client", "create", "--id", "c", "--name", "名前", "--scope", "b a", "--save", "c.env",
        ]);
        deployment.ok(&["client", "create", "--id", "rotating", "--save", "rotating.env"]);
        deployment.ok(&["client", "rotate", "start", "rotating", "--save", "next.env"]);
        deployment.ok(&["client", "create", "--id", "gone"]);
        deployment.ok(&["client", "delete", "gone"]);
        let project = deployment.get("COUNTERSIGN_PROJECT_ID").to_owned();
        deployment.ok(&[
            "operator",
            "create",
            "--name",
            "reader",
            "--project",
            &project,
            "--save",
            "o.env",
        ]);
        deployment.ok(&["key", "rotate", "--algorithm", "EdDSA"]);
        add_acme(&deployment);
        let token = deployment.token("c.env");
        let keys = deployment.json(&["key", "list"])["keys"].take();
        deployment.stop();
        let content = export(&deployment, "move.jsonl");
        Self {
            deployment,
            token,
            keys,
            content,
        }
    }

    /// Another place with what operators and services of this one hold, and the export.
    fn destination(&self) -> Deployment {
        let mut destination = Deployment::empty();
        for name in ["c.env", "rotating.env", "next.env", "move.jsonl"] {
            std::fs::copy(self.deployment.file(name), destination.file(name)).unwrap();
        }
        for (name, value) in &self.deployment.environment {
            destination.set(name, value);
        }
        destination.set("COUNTERSIGN_EXPORT_PASSPHRASE", PASSPHRASE);
        destination
    }

    /// Everything is served there as it was here.
    fn is_served_by(&self, destination: &mut Deployment) {
        destination.serve(&[]);
        let url = destination.get("COUNTERSIGN_URL").to_owned();
        for credentials in ["c.env", "rotating.env", "next.env"] {
            destination.ok(&["token", "get", "--from", credentials, "--url", &url]);
        }
        assert_eq!(destination.json(&["key", "list"])["keys"], self.keys);
        destination.run_on(&self.token, &["token", "verify", "-"]).ok();
        let client = destination.json(&["client", "get", "c"]);
        assert_eq!(client["m2m_client"]["client_name"], "名前");
        // That the credential opens here was seen when it was read back.
        let credentials = destination.json(&["provider", "credential", "list", "acme"]);
        assert_eq!(credentials["credentials"][0]["kind"], "bearer");
        let provider = destination.json(&["provider", "show", "acme"])["provider"].take();
        assert_eq!(provider["base_url"], "https://api.acme.example/v1");
        destination.ok(&["client", "create", "--id", "new"]);
        let events = destination.ok(&["audit", "list", "--all-projects", "--action", "client_deleted"]);
        assert_eq!(events.lines().count(), 2, "{events}");
        destination.stop();
    }
}

/// Exports, and gives the checksum of the content.
fn export(deployment: &Deployment, file: &str) -> String {
    std::fs::write(deployment.file("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
    let exported = deployment.run_offline(&["export", "--to", file, "--passphrase-file", "passphrase"]);
    content_of(&exported.ok())
}

fn import(deployment: &Deployment) -> crate::support::Ran {
    deployment.run_offline(&["import", "move.jsonl"])
}

fn content_of(said: &str) -> String {
    let line = said.lines().find_map(|line| line.strip_prefix("content sha256:"));
    line.unwrap_or_else(|| panic!("no checksum in {said}")).to_owned()
}

#[test]
fn an_installation_moves_from_engine_to_engine() {
    let source = Source::new();
    let exported = source.deployment.file("move.jsonl");
    assert!(is_private(&exported));
    let text = std::fs::read_to_string(&exported).unwrap();
    for secret in [PASSPHRASE, PASSWORD, MASTER_KEY, CREDENTIAL] {
        assert!(!text.contains(secret));
    }

    let mut sqlite = source.destination();
    assert_eq!(content_of(&import(&sqlite).ok()), source.content);
    let key = |deployment: &Deployment| std::fs::read_to_string(deployment.data_dir().join("master.key"));
    assert_ne!(key(&sqlite).unwrap(), key(&source.deployment).unwrap());
    source.is_served_by(&mut sqlite);

    let (url, _cluster) = database_for_a_test().unwrap();
    let mut postgres = source.destination();
    postgres.set("COUNTERSIGN_DATABASE_URL", &url);
    let complaint = import(&postgres).refused(1);
    assert!(complaint.contains("COUNTERSIGN_MASTER_KEY"), "{complaint}");
    postgres.set("COUNTERSIGN_MASTER_KEY", MASTER_KEY);
    assert_eq!(content_of(&import(&postgres).ok()), source.content);
    source.is_served_by(&mut postgres);

    // And back, with what was made there.
    let mut back = source.destination();
    std::fs::remove_file(postgres.file("move.jsonl")).unwrap();
    let content = export(&postgres, "move.jsonl");
    assert_ne!(content, source.content);
    std::fs::copy(postgres.file("move.jsonl"), back.file("move.jsonl")).unwrap();
    assert_eq!(content_of(&import(&back).ok()), content);
    back.serve(&[]);
    back.ok(&["client", "get", "new"]);
    let events = back.ok(&[
        "audit",
        "list",
        "--all-projects",
        "--action",
        "installation_imported",
    ]);
    assert_eq!(events.lines().count(), 3, "{events}");
}

#[test]
fn nothing_is_written_of_a_file_that_is_not_as_it_was_made() {
    let source = Source::new();
    let whole = std::fs::read_to_string(source.deployment.file("move.jsonl")).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let client = lines
        .iter()
        .position(|line| line.starts_with(r#"{"table":"client","#))
        .unwrap();
    let without = |at: usize| {
        let mut lines = lines.clone();
        lines.remove(at);
        lines.join("\n") + "\n"
    };
    let twice = {
        let mut lines = lines.clone();
        lines.insert(client, lines[client]);
        lines.join("\n") + "\n"
    };
    let end = lines.len() - 2;
    // Whoever alters a row and the count of the end still lacks the key of the last line.
    let forged = {
        let audit = lines
            .iter()
            .rposition(|line| line.contains(r#""table":"audit""#))
            .unwrap();
        let count = lines
            .iter()
            .filter(|line| line.contains(r#""table":"audit""#))
            .count();
        let counted = format!("\"audit\":{count}");
        assert!(lines[end].contains(&counted));
        without(audit).replace(&counted, &format!("\"audit\":{}", count - 1))
    };
    let destination = source.destination();
    for (what, text) in [
        ("cut off in a line", whole[..whole.len() / 2].to_owned()),
        (
            "cut off between lines",
            lines[..lines.len() / 2].join("\n") + "\n",
        ),
        ("without its last line", without(lines.len() - 1)),
        ("without its end", without(end)),
        ("without a row", without(client)),
        ("with a row twice", twice),
        (
            "with another row",
            whole.replacen("client_created", "client_updated", 1),
        ),
        (
            "with another header",
            whole.replacen("\"passes\":3", "\"passes\":4", 1),
        ),
        ("forged with its end", forged),
        ("with something behind it", format!("{whole}{}\n", lines[client])),
        (
            "with a line that does not end",
            format!("{}{}", lines[0], "x".repeat(3_000_000)),
        ),
        ("of another kind", "{}\n".to_owned()),
        ("empty", String::new()),
    ] {
        assert_ne!(text, whole, "{what}");
        std::fs::write(destination.file("move.jsonl"), text).unwrap();
        let ran = import(&destination);
        assert!(ran.code == 1 || ran.code == 3, "{what}: {} {}", ran.code, ran.err);
        assert!(!destination.data_dir().exists(), "{what}: {}", ran.err);
    }
    for (from, to) in [
        ("\"version\":1", "\"version\":2"),
        ("\"schema\":", "\"schema\":9"),
    ] {
        std::fs::write(destination.file("move.jsonl"), whole.replacen(from, to, 1)).unwrap();
        let complaint = import(&destination).refused(1);
        assert!(complaint.contains("this program knows"), "{complaint}");
    }
    assert!(!destination.data_dir().exists());
}

#[test]
fn a_passphrase_must_be_strong_and_the_right_one() {
    let source = Source::new();
    let mut destination = source.destination();
    destination.set("COUNTERSIGN_EXPORT_PASSPHRASE", "another-violin-harvest-moss");
    let complaint = import(&destination).refused(3);
    assert!(complaint.contains("not that of the export"), "{complaint}");
    assert!(!complaint.contains("violin"));
    assert!(!destination.data_dir().exists());

    std::fs::write(source.deployment.file("weak"), "password1234\n").unwrap();
    let export = |arguments: &[&str]| {
        let all = [&["export", "--to", "weak.jsonl"], arguments].concat();
        source.deployment.run_offline(&all)
    };
    let complaint = export(&["--passphrase-file", "weak"]).refused(2);
    assert!(
        complaint.contains("too weak") && !complaint.contains("password1234"),
        "{complaint}"
    );
    let complaint = export(&[]).refused(2);
    assert!(complaint.contains("COUNTERSIGN_EXPORT_PASSPHRASE"), "{complaint}");
    assert!(!source.deployment.file("weak.jsonl").exists());
}

#[test]
fn nothing_is_overwritten() {
    let source = Source::new();
    let again =
        source
            .deployment
            .run_offline(&["export", "--to", "move.jsonl", "--passphrase-file", "passphrase"]);
    assert!(again.refused(5).contains("not overwritten"));
    let names = std::fs::read_dir(source.deployment.folder.path()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        !names
            .iter()
            .any(|name| name.to_string_lossy().contains("partial")),
        "{names:?}"
    );

    let mut taken = source.destination();
    taken.serve(&[]);
    taken.set("COUNTERSIGN_EXPORT_PASSPHRASE", PASSPHRASE);
    assert!(import(&taken).refused(5).contains("in use"));
    taken.stop();
    let before = export(&taken, "before.jsonl");
    assert!(
        import(&taken)
            .refused(5)
            .contains("holds an installation already")
    );
    assert_eq!(export(&taken, "after.jsonl"), before);

    let nowhere = Deployment::empty();
    nowhere.run_offline(&["import", "none.jsonl"]).refused(4);
    nowhere.run_offline(&["export", "--to", "none.jsonl"]).refused(4);
    assert!(!nowhere.data_dir().exists());
}

/// Does what an import does until it is killed after some rows.
async fn begin(destination: &Deployment, rows: u64) {
    let data_dir = destination.data_dir();
    std::fs::create_dir(&data_dir).unwrap();
    let passphrase = SecretString::from(PASSPHRASE);
    let file = CheckedFile::open(&destination.file("move.jsonl"), &passphrase).unwrap();
    let config = countersign::config::Config::load(None, Vec::new(), Vec::new()).unwrap();
    let key = master_key::find_or_make(&config, &data_dir).unwrap();
    let store = SqliteStore::open(SqliteOptions {
        file: data_dir.join("countersign.db"),
        max_page_count: None,
        readers: 1,
        cache_kib: 0,
    });
    let store = store.await.unwrap();
    let mut records = file.records(0).unwrap();
    for written in 0..rows {
        let record = records.next().unwrap().unwrap();
        let record = match content::open(&record, &file.keys().seal).unwrap() {
            Some(opened) => opened.seal(record, &key),
            None => record,
        };
        let import = ImportUnderWay {
            content: file.summary().content.clone(),
            written,
        };
        let now = countersign_core::Timestamp::UNIX_EPOCH;
        store.import_records(&import, vec![record], now).await.unwrap();
    }
    store.close().await;
}

#[test]
fn interrupted_it_goes_on_and_until_then_nobody_works_with_a_part() {
    let source = Source::new();
    let mut destination = source.destination();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(begin(&destination, 9));

    let complaint = destination.serve_refused(&[]).refused(5);
    assert!(
        complaint.contains("not complete") && complaint.contains("countersign import"),
        "{complaint}"
    );
    for arguments in [
        vec!["master-key", "rotate"],
        vec!["backup", "--to", "copy.db"],
        vec!["export", "--to", "again.jsonl"],
        vec!["recover", "--abandon-master-key", "--yes"],
    ] {
        let complaint = destination.run_offline(&arguments).refused(5);
        assert!(complaint.contains("countersign import"), "{complaint}");
    }

    // The same content in another file is another file's business only if it differs.
    source.deployment.run_offline(&["master-key", "rotate"]).ok();
    let other = export(&source.deployment, "other.jsonl");
    assert_ne!(other, source.content, "the rotation is an event");
    std::fs::copy(
        source.deployment.file("other.jsonl"),
        destination.file("other.jsonl"),
    )
    .unwrap();
    let complaint = destination.run_offline(&["import", "other.jsonl"]).refused(5);
    assert!(complaint.contains(&source.content), "{complaint}");

    // What is there was sealed with the key that was made then.
    let right = std::fs::read(destination.data_dir().join("master.key")).unwrap();
    std::fs::write(destination.data_dir().join("master.key"), MASTER_KEY).unwrap();
    let complaint = import(&destination).refused(1);
    assert!(complaint.contains("wrong master key"), "{complaint}");
    std::fs::write(destination.data_dir().join("master.key"), right).unwrap();

    assert_eq!(content_of(&import(&destination).ok()), source.content);
    source.is_served_by(&mut destination);
}
