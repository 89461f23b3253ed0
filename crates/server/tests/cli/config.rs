//! `config …`

use crate::support::{Deployment, row};

#[test]
fn every_setting_is_shown_with_its_origin() {
    let mut deployment = Deployment::empty();
    std::fs::write(deployment.file("c.toml"), "[tokens]\nlifetime = '2h'\n").unwrap();
    deployment.set("COUNTERSIGN_LIMITS_BODY_KIB", "7");
    deployment.set("COUNTERSIGN_MASTER_KEY", "a secret that is not shown");
    let arguments = ["config", "show", "--config", "c.toml", "--listen", "127.0.0.1:9"];
    let table = deployment.ok(&arguments);
    assert_eq!(row(&table, "tokens.lifetime")[1..], ["\"2h\"", "file"]);
    assert_eq!(row(&table, "limits.body_kib")[1..], ["7", "environment"]);
    assert_eq!(row(&table, "server.listen")[1..], ["\"127.0.0.1:9\"", "flag"]);
    assert_eq!(row(&table, "keys.announce")[1..], ["\"1h\"", "default"]);
    assert!(!table.contains("not shown"));
    let settings = deployment.json(&arguments);
    assert_eq!(settings.as_array().unwrap().len(), table.lines().count() - 1);
}

#[test]
fn what_is_unknown_or_cannot_be_used_is_named() {
    let mut deployment = Deployment::empty();
    deployment.ok(&["config", "check"]);
    let check = |text: &str| {
        std::fs::write(deployment.file("countersign.toml"), text).unwrap();
        deployment.run(&["config", "check"])
    };
    for (text, word) in [
        ("[server]\nlisten_on = 'x'\n", "listen_on"),
        ("[tokens]\nlifetime = '1s'\n", "tokens.lifetime"),
        ("[log]\nlevel = 'countersign=loud'\n", "log.level"),
        ("[master_key]\nfile = 'none.key'\n", "none.key"),
        (
            "[server.tls]\ncert_file = 'none.pem'\nkey_file = 'none.pem'\n",
            "none.pem",
        ),
        ("nonsense", "not TOML"),
    ] {
        let complaint = check(text).refused(1);
        assert!(complaint.contains(word), "{complaint}");
    }
    check("[tokens]\nlifetime = '2h'\n").ok();
    assert!(
        !deployment.file("countersign-data").exists(),
        "checking changes nothing"
    );
    deployment.set("COUNTERSIGN_SERVER_LISTEM", "x");
    assert!(
        deployment
            .run(&["config", "check"])
            .refused(1)
            .contains("COUNTERSIGN_SERVER_LISTEM")
    );
}
