//! Pages for people: errors explained, the guide, the front page.

use countersign::documents::GUIDE;

use crate::support::TestApp;

#[tokio::test]
async fn every_page_of_the_guide_is_served_and_linked() {
    let app = TestApp::new().await;
    let index = app.anonymous().get("/guide").await;
    for (name, _) in GUIDE {
        let path = format!("/guide/{name}");
        assert!(index.text().contains(&format!("href=\"{path}\"")), "{name}");
        for path in [path.clone(), format!("{path}.md")] {
            let page = app.anonymous().get(&path).await;
            assert_eq!(
                (page.status.as_u16(), page.header("content-type")),
                (200, Some("text/html; charset=utf-8"))
            );
            assert!(page.text().contains("</h1>"), "{name}");
        }
    }
}

/// Links of served pages that stay on this server lead somewhere.
#[tokio::test]
async fn no_link_between_pages_is_dead() {
    let app = TestApp::new().await;
    let pages = ["/", "/errors", "/guide"].map(str::to_owned).into_iter();
    for from in pages.chain(GUIDE.iter().map(|(name, _)| format!("/guide/{name}"))) {
        let page = app.anonymous().get(&from).await;
        for link in page
            .text()
            .split("href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            let Some(path) = link
                .split('#')
                .next()
                .filter(|path| path.starts_with('/') && !path.starts_with("//"))
            else {
                continue;
            };
            assert_eq!(
                app.anonymous().get(path).await.status,
                200,
                "{from} links to {link}"
            );
        }
    }
}

#[tokio::test]
async fn pages_run_nothing_and_cannot_be_framed() {
    let app = TestApp::new().await;
    for path in [
        "/",
        "/errors",
        "/errors/m2m_client_not_found",
        "/guide",
        "/guide/first-day",
    ] {
        let page = app.anonymous().get(path).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("script"), "{policy}");
    }
}

#[tokio::test]
async fn a_page_that_is_not_there_repeats_nothing() {
    let app = TestApp::new().await;
    for path in [
        "/errors/%3Cscript%3Ealert(1)%3C/script%3E",
        "/errors/nothing",
        "/guide/..%2F..%2Fetc%2Fpasswd",
        "/guide/x.md",
        "/errors/%0A",
    ] {
        let answer = app.anonymous().get(path).await;
        answer.problem(404, "route_not_found");
        assert!(!answer.text().contains("script") && !answer.text().contains("passwd"));
    }
}
