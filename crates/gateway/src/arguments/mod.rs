//! From flat arguments to path, query, headers, cookies and body.
//!
//! The rule is the toolkit's ("The flat rule" in `sdk/toolkit/README.md`), whose modules place the same arguments when they call an API
//! without a gateway. `sdk/vectors/placing.json` holds both to it.

mod body;
mod parameter_style;
mod percent;
mod validation;

use serde_json::{Map, Value};

use crate::document::{Argument, Operation, Place, Style};

use self::parameter_style::{Writing, write_pairs, write_text};
use self::percent::Text;
pub use self::validation::{Fault, InvalidSchema, Validator};

/// A name and a value, both encoded.
pub type Pair = (String, String);

/// The parts of a request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Placed {
    /// The path, encoded, below the API's base.
    pub path: String,
    /// The pairs of the query, encoded.
    pub query: Vec<Pair>,
    /// The headers.
    pub headers: Vec<Pair>,
    /// The pairs of the cookies, encoded.
    pub cookies: Vec<Pair>,
    /// The body.
    pub body: Option<PlacedBody>,
}

/// A body and what it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlacedBody {
    /// `Content-Type`.
    pub media_type: String,
    /// What is sent.
    pub content: Vec<u8>,
}

/// Why arguments were refused. It names the argument, never its value. Nothing was sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the argument {argument} {reason}")]
pub struct ArgumentError {
    /// What is wrong with it.
    pub fault: ArgumentFault,
    /// The argument's name, as the caller wrote it or as it should be there.
    pub argument: String,
    /// The rest of a sentence that begins with "the argument".
    pub reason: &'static str,
}

/// The kinds of refusals, by the names that the SDKs have for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArgumentFault {
    /// It has to be there.
    Missing,
    /// The operation has none of this name.
    Unknown,
    /// Its value cannot stand where it belongs.
    Unusable,
}

impl ArgumentFault {
    /// The stable name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing_argument",
            Self::Unknown => "unknown_argument",
            Self::Unusable => "unusable_argument",
        }
    }
}

/// A value that cannot be written in some place: the rest of the sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Unwritable(&'static str);

impl Unwritable {
    fn of(self, argument: &str) -> ArgumentError {
        ArgumentError {
            fault: ArgumentFault::Unusable,
            argument: argument.to_owned(),
            reason: self.0,
        }
    }
}

/// Puts every argument into its place. A multipart body gets `boundary`, which nobody may be able to guess: whoever could, would write
/// parts of their own into a member's text.
///
/// # Errors
///
/// [`ArgumentError`] for the first argument that is missing, unknown or cannot be written.
pub fn place(
    operation: &Operation,
    arguments: Map<String, Value>,
    boundary: &str,
) -> Result<Placed, ArgumentError> {
    let mut left = arguments;
    let mut placed = Placed {
        path: operation.path.clone(),
        ..Placed::default()
    };
    let parameters = operation
        .arguments
        .iter()
        .filter(|argument| is_parameter(argument.place));
    for parameter in parameters {
        // OpenAPI gives null no form in a parameter.
        let value = left.remove(&parameter.name).filter(|value| !value.is_null());
        match value {
            Some(value) => placed
                .put(parameter, &value)
                .map_err(|unwritable| unwritable.of(&parameter.name))?,
            None if parameter.place == Place::Path => {
                return Err(ArgumentError {
                    fault: ArgumentFault::Missing,
                    argument: parameter.name.clone(),
                    reason: "is missing",
                });
            }
            None => {}
        }
    }
    refuse_dot_segments(operation, &placed.path)?;
    placed.body = body::place(operation, left, boundary)?;
    Ok(placed)
}

fn is_parameter(place: Place) -> bool {
    !matches!(place, Place::Member | Place::Body)
}

impl Placed {
    fn put(&mut self, parameter: &Argument, value: &Value) -> Result<(), Unwritable> {
        match parameter.place {
            Place::Path => {
                let text = path_text(parameter, value)?;
                self.path = self.path.replace(&format!("{{{}}}", parameter.original), &text);
            }
            Place::Header => {
                let text = if parameter.json {
                    ascii_json(value)
                } else {
                    write_text(value, writing(parameter, Text::AsItIs))?
                };
                self.headers
                    .push((parameter.original.clone(), header_text(text)?));
            }
            Place::Query => {
                let text = if parameter.allow_reserved {
                    Text::Reserved
                } else {
                    Text::Encoded
                };
                self.query.extend(pairs(parameter, value, text)?);
            }
            Place::Cookie => self.cookies.extend(pairs(parameter, value, Text::Encoded)?),
            Place::Member | Place::Body => {}
        }
        Ok(())
    }
}

fn path_text(parameter: &Argument, value: &Value) -> Result<String, Unwritable> {
    let text = if parameter.json {
        Text::Encoded.write(&value.to_string())
    } else {
        write_text(value, writing(parameter, Text::Encoded))?
    };
    // Without it, the request would be for another path.
    if text.is_empty() {
        return Err(Unwritable("is empty, and it is a part of the path"));
    }
    Ok(text)
}

fn pairs(parameter: &Argument, value: &Value, text: Text) -> Result<Vec<Pair>, Unwritable> {
    if parameter.json {
        let name = Text::Encoded.write(&parameter.original);
        return Ok(vec![(name, text.write(&value.to_string()))]);
    }
    write_pairs(value, writing(parameter, text))
}

fn writing(parameter: &Argument, text: Text) -> Writing<'_> {
    Writing {
        name: &parameter.original,
        style: parameter.style.unwrap_or(Style::usual(parameter.place)),
        explode: parameter.explode,
        text,
    }
}

/// Header text is Latin-1 without controls.
fn header_text(text: String) -> Result<String, Unwritable> {
    let may_stand = |c: char| c == '\t' || (' '..='~').contains(&c) || ('\u{80}'..='\u{ff}').contains(&c);
    if text.chars().all(may_stand) {
        Ok(text)
    } else {
        Err(Unwritable("holds a character that no header may carry"))
    }
}

/// JSON for a header, with everything beyond ASCII escaped.
fn ascii_json(value: &Value) -> String {
    let mut units = [0; 2];
    value.to_string().chars().fold(String::new(), |mut text, c| {
        if (' '..='~').contains(&c) {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
        text
    })
}

/// Refuses a path in which an argument made a segment `.` or `..`: whoever normalizes it later would call another operation.
fn refuse_dot_segments(operation: &Operation, path: &str) -> Result<(), ArgumentError> {
    let mut template = operation.path.split('/');
    for segment in path.split('/') {
        let written = template.next().unwrap_or_default();
        if !matches!(segment, "." | "..") || segment == written {
            continue;
        }
        let culprit = operation.arguments.iter().find(|argument| {
            argument.place == Place::Path && written.contains(&format!("{{{}}}", argument.original))
        });
        let argument = culprit.map_or("path", |argument| argument.name.as_str());
        return Err(Unwritable("would point to another path").of(argument));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
