//! Places that no provider may be at: metadata services, and private addresses that nobody allowed.

use super::Tally;
use super::stage::{Acme, Stage};

pub(super) async fn probe(stage: &Stage, acme: &Acme) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let port = acme.recorder.address.port();
    let own = acme.recorder.address;
    // The provider is listening there, so that one which is reached answers.
    acme.recorder.answer_with("", "200 OK", "");
    let places: [(String, &[&str]); 12] = [
        ("http://169.254.169.254".to_owned(), &["169.254.0.0/16"]),
        ("http://169.254.170.2".to_owned(), &["169.254.0.0/16"]),
        ("http://[fd00:ec2::254]".to_owned(), &["fd00::/8"]),
        ("http://[::ffff:169.254.169.254]".to_owned(), &["169.254.0.0/16"]),
        ("http://2852039166".to_owned(), &["169.254.0.0/16"]),
        ("http://metadata.google.internal".to_owned(), &["169.254.0.0/16"]),
        (format!("http://{own}"), &[]),
        (format!("http://localhost:{port}"), &[]),
        (format!("http://localhost.:{port}"), &["10.0.0.0/8"]),
        (format!("http://2130706433:{port}"), &["10.0.0.0/8"]),
        (format!("http://0x7f.1:{port}"), &["10.0.0.0/8"]),
        (format!("http://[::ffff:127.0.0.1]:{port}"), &["10.0.0.0/8"]),
    ];
    let mut added = Vec::new();
    for (place, (url, ranges)) in places.iter().enumerate() {
        let name = format!("{}-{place}", acme.name);
        let reply = acme.add(&stage.project_id, &name, url, ranges).await?;
        match reply.status.as_u16() {
            400 => tally.note(url, false),
            _ => {
                reply.good()?;
                added.push((name, url));
            }
        }
    }
    Acme::settle().await;
    for (name, url) in added {
        let heard = stage
            .ask("GET", &format!("/gateway/p/{name}/"), &stage.token, "", "")
            .await;
        let removed = acme.remove(&stage.project_id, &name).await;
        // An answer of the gateway's own says so; any other came from there.
        tally.note(url, heard?.field("countersign-error") != Some("gateway"));
        removed?;
    }
    tally.note(
        "a connection to an address that nobody allowed",
        !acme.recorder.heads().is_empty(),
    );
    Ok(tally)
}
