//! The flat rule, points 2 to 4: the body of an operation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::argument::{Style, is_false};
use super::node::Node;
use super::schema::Schema;

/// The body of an operation's requests.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    /// Its media type, as the document writes it.
    pub media_type: String,
    /// Its members are arguments, and arguments that nothing else takes are members of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub spread: bool,
    /// The document requires a body: a spread one without members is sent as an empty object.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Members of a form that are not written in the default way, by their names in the body.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub encoding: BTreeMap<String, MemberEncoding>,
    /// What the whole body may be.
    pub schema: Schema,
}

/// How a member of a form is written, where it is not the default.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberEncoding {
    /// Its media type (multipart).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Its style (x-www-form-urlencoded).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<Style>,
    /// Whether each item or member is written for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explode: Option<bool>,
    /// Whether reserved characters stay as they are.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_reserved: bool,
}

/// The media type that counts, and what stands under it.
pub(super) fn media_type(body: &Node) -> Option<(&str, &Node)> {
    let content = body.get("content")?.as_object()?;
    let json = content.iter().find(|(name, _)| is_json(name));
    json.or_else(|| content.first())
        .map(|(name, media)| (name.as_str(), media))
}

/// Whether it is `application/json` or `application/…+json`, with parameters or without.
pub(super) fn is_json(media_type: &str) -> bool {
    let media_type = media_type.to_ascii_lowercase();
    let Some(subtype) = media_type.strip_prefix("application/") else {
        return false;
    };
    let ends = |rest: &str| rest.is_empty() || rest.starts_with(';');
    subtype.strip_prefix("json").is_some_and(ends) || subtype.split("+json").skip(1).any(ends)
}

/// Whether the members of such a body can be arguments.
pub(super) fn is_spreadable(media_type: &str) -> bool {
    let lower = media_type.to_ascii_lowercase();
    let is_form = |form: &str| {
        let behind = lower.strip_prefix(form).map(|rest| rest.chars().next());
        behind.is_some_and(|next| next.is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '_')))
    };
    is_json(media_type) || is_form("application/x-www-form-urlencoded") || is_form("multipart/form-data")
}

/// How members are written that say so.
pub(super) fn encoding(media: &Node) -> BTreeMap<String, MemberEncoding> {
    let given = media
        .get("encoding")
        .and_then(Node::as_object)
        .into_iter()
        .flatten();
    let read = given.map(|(name, source)| {
        // Several types are a choice of the sender's; ours is by the value.
        let type_ = source
            .text("contentType")
            .filter(|text| !text.trim().is_empty() && !text.contains([',', '*']));
        let encoding = MemberEncoding {
            content_type: type_.map(str::to_owned),
            style: source.text("style").and_then(Style::named),
            explode: match source.get("explode") {
                Some(Node::Bool(explode)) => Some(*explode),
                _ => None,
            },
            allow_reserved: source.is_true("allowReserved"),
        };
        (name.clone(), encoding)
    });
    read.filter(|(_, encoding)| *encoding != MemberEncoding::default())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_media_type_that_is_json_counts_else_the_first() {
        for (types, expected) in [
            (
                vec!["text/plain", "application/problem+json", "application/json"],
                "application/problem+json",
            ),
            (vec!["text/plain", "application/xml"], "text/plain"),
            (
                vec!["application/x-ndjson", "APPLICATION/JSON; charset=utf-8"],
                "APPLICATION/JSON; charset=utf-8",
            ),
        ] {
            let content: String = types.iter().map(|name| format!("{name:?}: {{}},")).collect();
            let text = format!("{{\"content\": {{{}}}}}", content.trim_end_matches(','));
            let body = super::super::source::parse(text.as_bytes()).unwrap();
            assert_eq!(media_type(&body).unwrap().0, expected);
        }
        assert!(media_type(&Node::from_json(&json!({"content": {}}))).is_none());
        assert!(media_type(&Node::from_json(&json!({}))).is_none());
    }

    #[test]
    fn json_is_told_from_what_looks_like_it() {
        for yes in [
            "application/json",
            "application/json;v=1",
            "application/vnd.a+json",
            "application/a+JSON;x=+json",
        ] {
            assert!(is_json(yes), "{yes}");
        }
        for no in [
            "text/json",
            "application/jsonl",
            "application/json ",
            "application/x-json",
            "application/a+jsonp",
        ] {
            assert!(!is_json(no), "{no}");
        }
    }

    #[test]
    fn forms_can_be_spread_and_other_bodies_cannot() {
        for yes in [
            "application/json",
            "multipart/form-data; boundary=a",
            "application/x-www-form-urlencoded",
        ] {
            assert!(is_spreadable(yes), "{yes}");
        }
        for no in [
            "multipart/form-dataset",
            "multipart/mixed",
            "text/plain",
            "application/octet-stream",
            "*/*",
        ] {
            assert!(!is_spreadable(no), "{no}");
        }
    }

    #[test]
    fn an_encoding_that_says_nothing_is_none() {
        let media = Node::from_json(&json!({"encoding": {
            "a": {"contentType": "image/png, image/jpeg"}, "b": {"contentType": "image/png"}, "c": 1,
            "d": {"style": "deepObject", "explode": true, "allowReserved": true}, "e": {"allowReserved": false}
        }}));
        let read = encoding(&media);
        assert_eq!(read.keys().collect::<Vec<_>>(), ["b", "d"]);
        assert_eq!(read["b"].content_type.as_deref(), Some("image/png"));
        assert_eq!(
            (read["d"].style, read["d"].explode),
            (Some(Style::DeepObject), Some(true))
        );
    }
}
