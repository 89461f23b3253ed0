//! Texts with places in them that each request fills.

use http::request::Parts;

use super::{CredentialError, InjectError, Moment};

/// A text such as `{timestamp}.{method}.{path}.{body}`. `{{` and `}}` stand for one brace.
#[derive(Clone)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Place),
}

/// What a request can fill in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Seconds since 1970.
    Timestamp,
    /// The method, in upper case as it is sent.
    Method,
    /// The path as it is sent.
    Path,
    /// The query as it is sent, without `?`; empty without one.
    Query,
    /// The host, with the port if the address has one.
    Host,
    /// The body's bytes.
    Body,
}

impl Place {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "timestamp" => Self::Timestamp,
            "method" => Self::Method,
            "path" => Self::Path,
            "query" => Self::Query,
            "host" => Self::Host,
            "body" => Self::Body,
            _ => return None,
        })
    }
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, CredentialError> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
                literal.push(character);
                rest = after;
                continue;
            }
            let after = &rest[character.len_utf8()..];
            match character {
                '{' => {
                    let (name, after) = after.split_once('}').ok_or(CredentialError::Template)?;
                    let place = Place::named(name).ok_or(CredentialError::Template)?;
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    pieces.push(Piece::Place(place));
                    rest = after;
                }
                '}' => return Err(CredentialError::Template),
                _ => {
                    literal.push(character);
                    rest = after;
                }
            }
        }
        pieces.push(Piece::Text(literal));
        Ok(Self { pieces })
    }

    pub(super) fn has(&self, place: Place) -> bool {
        self.pieces.contains(&Piece::Place(place))
    }

    /// Whether the text is that of any request.
    pub(super) fn is_constant(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    /// The literal pieces.
    pub(super) fn literals(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Place(_) => None,
        })
    }

    /// Hands the filled text on, piece by piece: a body is not copied for its signature.
    pub(super) fn fill(
        &self,
        request: &Parts,
        moment: &Moment<'_>,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), InjectError> {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => take(text.as_bytes()),
                Piece::Place(Place::Timestamp) => take(moment.unix_seconds.to_string().as_bytes()),
                Piece::Place(Place::Method) => take(request.method.as_str().as_bytes()),
                Piece::Place(Place::Path) => take(request.uri.path().as_bytes()),
                Piece::Place(Place::Query) => take(request.uri.query().unwrap_or_default().as_bytes()),
                Piece::Place(Place::Host) => take(host(request)?),
                Piece::Place(Place::Body) => take(moment.body.ok_or(InjectError::BodyNeeded)?),
            }
        }
        Ok(())
    }
}

/// The host of the request, as its `Host` or `:authority` will say.
pub(super) fn host(request: &Parts) -> Result<&[u8], InjectError> {
    if let Some(authority) = request.uri.authority() {
        return Ok(authority.as_str().as_bytes());
    }
    let host = request.headers.get(http::header::HOST);
    host.map(http::HeaderValue::as_bytes).ok_or(InjectError::NoHost)
}
