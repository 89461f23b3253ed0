//! `backup` and `restore`

use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Deployment, is_private};

#[test]
fn what_was_answered_before_a_backup_is_in_it() {
    let deployment = Deployment::start();
    deployment.ok(&["client", "create", "--id", "first", "--save", "first.env"]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Writes go on all the while.
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                deployment.client(&["--name", "meanwhile"]);
            }
        });
        std::thread::sleep(std::time::Duration::from_millis(200));
        deployment.ok(&["client", "create", "--id", "just-before"]);
        let said = deployment.run_offline(&["backup", "--to", "copy.db"]).ok();
        stop.store(true, Ordering::Relaxed);
        assert!(
            said.contains("read back and sound") && said.contains("master key is not in it"),
            "{said}"
        );
    });
    assert!(is_private(&deployment.file("copy.db")));
    deployment.run_offline(&["backup", "--to", "copy.db"]).refused(5);

    let mut restored = Deployment::empty();
    std::fs::create_dir(restored.data_dir()).unwrap();
    std::fs::copy(
        deployment.data_dir().join("master.key"),
        restored.data_dir().join("master.key"),
    )
    .unwrap();
    let copy = deployment.file("copy.db").display().to_string();
    let ran = restored.run_offline(&["restore", "--from", &copy]);
    assert!(ran.err.contains("The master key fits."), "{}", ran.err);
    ran.ok();
    restored.serve(&[]);
    for name in ["COUNTERSIGN_PROJECT_ID", "COUNTERSIGN_PROJECT_SECRET"] {
        restored.set(name, deployment.get(name));
    }
    restored.ok(&["client", "get", "just-before"]);
    std::fs::copy(deployment.file("first.env"), restored.file("first.env")).unwrap();
    restored.ok(&[
        "token",
        "get",
        "--from",
        "first.env",
        "--url",
        restored.get("COUNTERSIGN_URL"),
    ]);
}

#[test]
fn a_restore_needs_a_sound_copy_and_an_empty_folder() {
    let deployment = Deployment::start();
    let json = deployment
        .run_offline(&["--json", "backup", "--to", "copy.db"])
        .ok();
    let summary: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&summary["rows"]["project"], &summary["master_key_included"]),
        (&1.into(), &false.into())
    );

    let into = |folder: &str, from: &str| deployment.run(&["restore", "--from", from, "--data-dir", folder]);
    let complaint = into("data", "copy.db").refused(5);
    assert!(complaint.contains("in use"), "{complaint}");
    std::fs::create_dir(deployment.file("used")).unwrap();
    std::fs::write(deployment.file("used/notes.txt"), "").unwrap();
    let complaint = into("used", "copy.db").refused(5);
    assert!(complaint.contains("not empty (notes.txt)"), "{complaint}");
    into("new", "none.db").refused(4);

    let sound = std::fs::read(deployment.file("copy.db")).unwrap();
    std::fs::write(deployment.file("half.db"), &sound[..sound.len() / 2]).unwrap();
    let complaint = into("new", "half.db").refused(1);
    assert!(complaint.contains("not a sound copy"), "{complaint}");
    assert!(!deployment.file("new/countersign.db").exists());

    let ran = into("new", "copy.db");
    assert!(
        ran.err.contains("Before it can be served") && ran.err.contains("master.key"),
        "{}",
        ran.err
    );
    ran.ok();
    into("new", "copy.db").refused(5);
}

#[test]
fn a_mistyped_folder_is_not_made_into_an_installation() {
    let deployment = Deployment::empty();
    for arguments in [
        vec!["backup", "--to", "copy.db"],
        vec!["master-key", "rotate"],
        vec!["recover", "--abandon-master-key", "--yes"],
    ] {
        let complaint = deployment.run_offline(&arguments).refused(4);
        assert!(complaint.contains("--data-dir"), "{complaint}");
        assert!(!deployment.data_dir().exists());
    }
}
