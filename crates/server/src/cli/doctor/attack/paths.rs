//! Paths that mean one thing where they are judged and another where they arrive.

use super::Tally;
use super::stage::Stage;

pub(super) async fn probe(stage: &Stage) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let (id, base) = (&stage.client_id, "/gateway/p/countersign");
    let long = "x/../".repeat(2000);
    let probes = [
        ("..", format!("{base}/v1/x/../m2m/clients/{id}")),
        ("%2e%2e", format!("{base}/v1/x/%2e%2e/m2m/clients/{id}")),
        (".%2E", format!("{base}/v1/x/.%2E/m2m/clients/{id}")),
        ("%252e%252e", format!("{base}/v1/x/%252e%252e/m2m/clients/{id}")),
        (".", format!("{base}/v1/./m2m/clients/{id}")),
        ("an encoded slash", format!("{base}/v1%2fm2m/clients/{id}")),
        ("an encoded backslash", format!("{base}/v1%5cm2m/clients/{id}")),
        ("a backslash", format!("{base}\\v1\\m2m\\clients\\{id}")),
        ("an encoded NUL", format!("{base}/v1/m2m/clients/{id}%00")),
        (
            "a parameter of the path",
            format!("{base}/v1;x=1/m2m/clients/{id}"),
        ),
        (
            "bytes that are no UTF-8",
            format!("{base}/v1/m2m/clients/{id}%ff"),
        ),
        ("a doubled slash", format!("{base}//v1/m2m/clients/{id}")),
        ("ten thousand bytes", format!("{base}/{long}v1/m2m/clients/{id}")),
        (
            "another host in the path",
            format!("{base}//evil.example/v1/m2m/clients/{id}"),
        ),
        (
            "the admin API by ..",
            format!("{base}/../../../admin/v1/projects"),
        ),
        ("the admin API by name", format!("{base}/admin/v1/projects")),
        (
            "the token endpoint",
            format!("{base}/v1/public/{}/oauth2/token", stage.project_id),
        ),
        (
            "the key set, which is no client's",
            format!("{base}/v1/sessions/jwks/{}", stage.project_id),
        ),
    ];
    for (name, target) in probes {
        let heard = stage.ask("GET", &target, &stage.token, "", "").await?;
        tally.note(name, heard.succeeded());
    }
    let absolute = format!("http://evil.example/gateway/p/countersign-none/v1/m2m/clients/{id}");
    let heard = stage.ask("GET", &absolute, &stage.token, "", "").await?;
    tally.note("another host in an absolute target", heard.succeeded());
    Ok(tally)
}
