//! Documents that this server serves: the page of each error, and the operators' guide. They are the files of `docs/`,
//! compiled in, so an installation explains the version it is.

use axum::response::Html;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

use crate::http::params::Path;
use crate::problem::{ErrorType, Problem};

/// `docs/errors.md`: a section for each `error_type` and OAuth error.
pub const ERRORS: &str = include_str!("../../../docs/errors.md");

macro_rules! guide {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../docs/guide/", $name, ".md")))),*]
    };
}

/// The pages of `docs/guide`, in reading order.
pub const GUIDE: &[(&str, &str)] = guide![
    "first-day",
    "from-stytch",
    "coming-from",
    "sdks",
    "gateway",
    "tls-and-proxies",
    "backup-and-restore",
    "postgresql",
    "scaling",
    "monitoring",
    "moving",
    "upgrade-and-rollback",
    "lost-master-key",
    "compromised-signing-key",
    "leaked-client-secret",
    "doctor",
];

/// `GET /`
pub async fn front_page() -> Html<String> {
    let text = "# Countersign\n\nThis is a Countersign identity service.\n\n\
        - [Guide](/guide)\n- [Errors explained](/errors)\n- [API description](/openapi.json)\n\
        - [Admin API description](/admin/openapi.json)\n";
    Html(page("Countersign", text))
}

/// `GET /errors`
pub async fn error_index() -> Html<String> {
    Html(page("Errors", ERRORS))
}

/// `GET /errors/{name}`: the page that `error_url` and `error_uri` lead to.
pub async fn error_page(Path(name): Path<String>) -> Result<Html<String>, Problem> {
    let section = section(ERRORS, &name).ok_or_else(no_page)?;
    Ok(Html(page(
        &name,
        &format!("# {name}\n{section}\n\n[All errors](/errors)\n"),
    )))
}

/// `GET /guide`
pub async fn guide_index() -> Html<String> {
    let links: String = GUIDE
        .iter()
        .map(|(name, text)| format!("- [{}](/guide/{name})\n", title(text)))
        .collect();
    Html(page("Guide", &format!("# Guide\n\n{links}")))
}

/// `GET /guide/{page}`
pub async fn guide_page(Path(name): Path<String>) -> Result<Html<String>, Problem> {
    let (_, text) = GUIDE
        .iter()
        .find(|(page, _)| *page == name.trim_end_matches(".md"))
        .ok_or_else(no_page)?;
    Ok(Html(page(title(text), text)))
}

fn no_page() -> Problem {
    ErrorType::RouteNotFound.because("There is no such page.")
}

fn title(text: &str) -> &str {
    text.lines()
        .find_map(|line| line.strip_prefix("# "))
        .unwrap_or("Countersign")
}

/// What stands between `## name` and the next heading of its level.
fn section<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let after = text.split(&format!("\n## {name}\n")).nth(1)?;
    after.split("\n## ").next()
}

/// A page of HTML from our own Markdown. Nothing of a request is ever in it.
fn page(title: &str, markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES;
    let events = with_anchors(Parser::new_ext(markdown, options).collect());
    let mut body = String::new();
    html::push_html(&mut body, events.into_iter());
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content='width=device-width, initial-scale=1'><title>{title} · Countersign</title>\
         <style>{STYLE}</style><main>{body}</main></html>"
    )
}

/// Gives each heading the id that other Markdown renderers give it, so that `/guide/doctor#ready` leads to `## ready`.
fn with_anchors(mut events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    for start in 0..events.len() {
        let (heading, rest) = events.split_at_mut(start + 1);
        if let Some(Event::Start(Tag::Heading { id, .. })) = heading.last_mut()
            && id.is_none()
        {
            *id = Some(anchor(rest).into());
        }
    }
    events
}

/// The words of a heading, up to its end, joined by `-`.
fn anchor(events: &[Event<'_>]) -> String {
    let of_heading = events
        .iter()
        .take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let text: String = of_heading
        .filter_map(|event| match event {
            Event::Text(text) | Event::Code(text) => Some(text.to_lowercase().replace(' ', "-")),
            _ => None,
        })
        .collect();
    text.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
        .collect()
}

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.6 system-ui,sans-serif;margin:0}\
main{max-width:46rem;margin:2rem auto;padding:0 1rem}\
h1,h2{line-height:1.2}h2{margin-top:2rem;font-size:1.15rem}\
code,pre{font-family:ui-monospace,monospace;font-size:.92em}\
pre{overflow:auto;padding:.8rem 1rem;border:1px solid #8884;border-radius:.4rem}\
table{border-collapse:collapse;display:block;overflow:auto}td,th{border:1px solid #8884;padding:.3rem .6rem;text-align:left}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_where_the_next_begins() {
        let text = "# t\n\n## a\nA1\nA2\n\n## b\nB\n";
        assert_eq!(section(text, "a"), Some("A1\nA2\n"));
        assert_eq!(section(text, "b"), Some("B\n"));
        assert_eq!(section(text, "c"), None);
    }

    #[test]
    fn a_heading_can_be_linked_to() {
        let html = page(
            "t",
            "# T\n\n## open-rotations\n\n## What `serve` does, at first\n\n## Own {#given}\n",
        );
        for id in ["open-rotations", "what-serve-does-at-first", "given"] {
            assert!(html.contains(&format!("<h2 id=\"{id}\">")), "{html}");
        }
    }

    #[test]
    fn every_guide_page_has_a_title() {
        for (name, text) in GUIDE {
            assert!(text.starts_with("# "), "{name}");
        }
    }
}
