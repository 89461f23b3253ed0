//! How OpenAPI writes a value into a path, a query, a header or a cookie (OpenAPI 3.1.1 section 4.8.12 and appendix C; RFC 6570
//! where that leaves it open).

use serde_json::{Map, Number, Value};

use super::percent::Text;
use super::{Pair, Unwritable};
use crate::document::Style;

/// How one parameter is written.
#[derive(Clone, Copy)]
pub(super) struct Writing<'a> {
    pub(super) name: &'a str,
    pub(super) style: Style,
    /// Each item or member for itself.
    pub(super) explode: bool,
    pub(super) text: Text,
}

/// A value for a part of the path or a header.
pub(super) fn write_text(value: &Value, writing: Writing<'_>) -> Result<String, Unwritable> {
    let Writing {
        name,
        style,
        explode,
        text,
    } = writing;
    let prefix = match style {
        Style::Label => ".",
        Style::Matrix => ";",
        _ => "",
    };
    let between = if explode && !prefix.is_empty() {
        prefix
    } else {
        ","
    };
    let is_named = style == Style::Matrix;
    let start = if is_named {
        format!("{prefix}{}=", text.write(name))
    } else {
        prefix.to_owned()
    };
    Ok(match value {
        Value::Array(items) => {
            let items = scalars(items, text)?;
            if is_named && explode {
                items.iter().map(|item| format!("{start}{item}")).collect()
            } else {
                start + &items.join(between)
            }
        }
        Value::Object(members) => {
            let members = members_of(members, text)?;
            if explode {
                let members: Vec<_> = members
                    .iter()
                    .map(|(key, item)| format!("{key}={item}"))
                    .collect();
                format!("{prefix}{}", members.join(between))
            } else {
                start + &flat(members).join(",")
            }
        }
        value => {
            let written = text.write(&scalar(value)?);
            if is_named && written.is_empty() {
                format!(";{}", text.write(name))
            } else {
                start + &written
            }
        }
    })
}

/// A value for a query, a form or a cookie. An empty array or object is no pair at all.
pub(super) fn write_pairs(value: &Value, writing: Writing<'_>) -> Result<Vec<Pair>, Unwritable> {
    let Writing {
        name,
        style,
        explode,
        text,
    } = writing;
    let key = Text::Encoded.write(name);
    let delimiter = match style {
        Style::SpaceDelimited => "%20",
        Style::PipeDelimited => "%7C",
        _ => ",",
    };
    let joined = |parts: Vec<String>| -> Vec<Pair> {
        let pair = (key.clone(), parts.join(delimiter));
        (!parts.is_empty()).then_some(pair).into_iter().collect()
    };
    Ok(match value {
        Value::Object(members) if style == Style::DeepObject => deep(name, members, text)?,
        Value::Array(_) if style == Style::DeepObject => return Err(NOT_TEXT),
        Value::Array(items) => {
            let items = scalars(items, text)?;
            if explode {
                items.into_iter().map(|item| (key.clone(), item)).collect()
            } else {
                joined(items)
            }
        }
        Value::Object(members) => {
            let members = members_of(members, text)?;
            if explode { members } else { joined(flat(members)) }
        }
        value => vec![(key, text.write(&scalar(value)?))],
    })
}

/// `name[member][inner]=value`; an array repeats its name.
fn deep(name: &str, members: &Map<String, Value>, text: Text) -> Result<Vec<Pair>, Unwritable> {
    let mut pairs = Vec::new();
    for (member, item) in members.iter().filter(|(_, item)| !item.is_null()) {
        let inner = format!("{name}[{member}]");
        match item {
            Value::Object(members) => pairs.extend(deep(&inner, members, text)?),
            Value::Array(items) => {
                let key = Text::Encoded.write(&inner);
                pairs.extend(scalars(items, text)?.into_iter().map(|item| (key.clone(), item)));
            }
            item => pairs.push((Text::Encoded.write(&inner), text.write(&scalar(item)?))),
        }
    }
    Ok(pairs)
}

const NOT_TEXT: Unwritable = Unwritable("holds a value that cannot be written as text there");

/// Text of a value that is one.
pub(super) fn scalar(value: &Value) -> Result<String, Unwritable> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Number(number) => Ok(number_text(number)),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(NOT_TEXT),
    }
}

/// A whole number has no fraction, also where it was written with one: the SDKs cannot tell `1.0` from `1`.
fn number_text(number: &Number) -> String {
    /// Beyond it not every whole number is a double, and JavaScript writes an exponent sooner or later.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(double) if number.is_f64() && double.fract() == 0.0 && double.abs() <= WHOLE => {
            format!("{double:.0}")
        }
        _ => number.to_string(),
    }
}

fn scalars(items: &[Value], text: Text) -> Result<Vec<String>, Unwritable> {
    items.iter().map(|item| Ok(text.write(&scalar(item)?))).collect()
}

fn members_of(members: &Map<String, Value>, text: Text) -> Result<Vec<Pair>, Unwritable> {
    // In a header, where nothing is encoded, neither are names.
    let name = if text == Text::AsItIs {
        Text::AsItIs
    } else {
        Text::Encoded
    };
    members
        .iter()
        .filter(|(_, item)| !item.is_null())
        .map(|(key, item)| Ok((name.write(key), text.write(&scalar(item)?))))
        .collect()
}

fn flat(members: Vec<Pair>) -> Vec<String> {
    members.into_iter().flat_map(|(key, item)| [key, item]).collect()
}
