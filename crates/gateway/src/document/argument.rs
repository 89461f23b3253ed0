//! Arguments of operations.

use serde::{Deserialize, Serialize};

use super::schema::Schema;

/// Where an argument goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// Into the path.
    Path,
    /// Into the query.
    Query,
    /// Into a header.
    Header,
    /// Into a cookie.
    Cookie,
    /// Into the body, as one of its members.
    Member,
    /// It is the body.
    Body,
}

impl Place {
    /// What stands in front of an argument's name when that name is used in several places.
    pub fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Member | Self::Body => "body",
        }
    }

    pub(super) fn of_parameter(name: &str) -> Option<Self> {
        [Self::Path, Self::Query, Self::Header, Self::Cookie]
            .into_iter()
            .find(|place| place.name() == name)
    }
}

/// How an array or an object is written into a text (OpenAPI 3.1.1 section 4.8.12.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Style {
    /// `a,b`.
    Simple,
    /// `.a.b`.
    Label,
    /// `;name=a,b`.
    Matrix,
    /// `name=a&name=b`.
    Form,
    /// `name=a%20b`.
    SpaceDelimited,
    /// `name=a%7Cb`.
    PipeDelimited,
    /// `name[member]=a`.
    DeepObject,
}

impl Style {
    /// The style of that name. One that is not known counts as not said.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "simple" => Self::Simple,
            "label" => Self::Label,
            "matrix" => Self::Matrix,
            "form" => Self::Form,
            "spaceDelimited" => Self::SpaceDelimited,
            "pipeDelimited" => Self::PipeDelimited,
            "deepObject" => Self::DeepObject,
            _ => return None,
        })
    }

    /// The style of a parameter that does not say one.
    pub(crate) fn usual(place: Place) -> Self {
        match place {
            Place::Path | Place::Header => Self::Simple,
            Place::Query | Place::Cookie | Place::Member | Place::Body => Self::Form,
        }
    }
}

/// One argument of an operation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Argument {
    /// Its name in the flat object of arguments.
    pub name: String,
    /// Where it goes.
    pub place: Place,
    /// Its name there; `body` for a whole body.
    pub original: String,
    /// How it is written there; a parameter always has one, and of a body [`Body::encoding`](super::Body::encoding) tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<Style>,
    /// Whether each item of an array and each member of an object is written for itself (parameters).
    #[serde(default, skip_serializing_if = "is_false")]
    pub explode: bool,
    /// Whether reserved characters stay as they are (query).
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_reserved: bool,
    /// The parameter is described by `content`: it is written as JSON, whatever its style.
    #[serde(default, skip_serializing_if = "is_false")]
    pub json: bool,
    /// Whether there is no call without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// What the document says of it, for people. It is text of a stranger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it may be.
    pub schema: Schema,
}

pub(super) fn is_false(value: &bool) -> bool {
    !value
}
