//! The names of operations: those of the functions that `@hey-api/openapi-ts` 0.95 makes, so that code written with
//! such a module, the toolkit's modules and calls through the gateway say the same.

use icu_properties::props::{IdContinue, IdStart};
use icu_properties::{CodePointSetData, CodePointSetDataBorrowed};

use super::casing::camel_case;
use super::reserved::is_reserved;
use super::taken::Taken;

const STARTS: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<IdStart>();
const CONTINUES: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<IdContinue>();

/// Names operations in the order of the document; the first of several with one name has it plain, the second has a
/// `2` behind it, and so on.
#[derive(Default)]
pub(super) struct OperationNames {
    /// An id is also given to operations whose name does not come from it: it decides the number of one that does.
    ids: Taken,
    names: Taken,
}

impl OperationNames {
    /// The name of an operation. `method` is in small letters. `None` where the `operationId` has nothing to make a name of.
    pub(super) fn give(&mut self, operation_id: Option<&str>, method: &str, path: &str) -> Option<String> {
        let given = operation_id.filter(|id| !id.is_empty());
        let base = given.map_or_else(
            || camel_case(&location(method, path)),
            |id| camel_case(&without_signs(id)),
        );
        let id = self.ids.take(&base, str::to_owned);
        let parts = given
            .unwrap_or_default()
            .split(['.', '/'])
            .filter(|part| !part.is_empty());
        let joined = parts.collect::<Vec<_>>().join(".");
        let source = if joined.is_empty() { id } else { joined };
        (!source.is_empty()).then(|| self.names.take(&camel_case(&source), identifier))
    }
}

/// What stands for an absent `operationId`: `GET /g/{id}/h` is `get--g-by-id-h`.
fn location(method: &str, path: &str) -> String {
    let mut text = format!("{method}-");
    let mut rest = path;
    while let Some((before, parameter, after)) = rest.split_once('{').and_then(|(before, behind)| {
        behind
            .split_once('}')
            .map(|(parameter, after)| (before, parameter, after))
    }) {
        text.push_str(before);
        text.push_str("by-");
        text.push_str(parameter);
        rest = after;
    }
    text.push_str(rest);
    text.replace(['/', ':', '+'], "-")
}

/// An `operationId` from its first letter on, with hyphens for what no identifier may have.
fn without_signs(id: &str) -> String {
    let id = id.trim_start_matches(|c| !STARTS.contains(c));
    id.chars()
        .map(|c| {
            if CONTINUES.contains(c) || matches!(c, '\u{200c}' | '\u{200d}') {
                c
            } else {
                '-'
            }
        })
        .collect()
}

/// The name as an identifier of JavaScript. Its UTF-16 units are looked at one by one, so that a character beyond them
/// becomes two underscores.
fn identifier(name: &str) -> String {
    let character = |unit: u16| char::from_u32(unit.into());
    let continues = |c: char| CONTINUES.contains(c) || matches!(c, '\u{200c}' | '\u{200d}');
    let mut written = String::with_capacity(name.len() + 1);
    for (index, unit) in name.encode_utf16().enumerate() {
        match character(unit) {
            Some(c) if index == 0 && (matches!(c, '$' | '_') || STARTS.contains(c)) => written.push(c),
            Some(c) if continues(c) => {
                written.push_str(if index == 0 { "_" } else { "" });
                written.push(c);
            }
            _ => written.push('_'),
        }
    }
    if is_reserved(&written) || written.is_empty() {
        written.push('_');
    }
    written
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn given(ids: &[&str]) -> Vec<String> {
        let mut names = OperationNames::default();
        ids.iter()
            .map(|id| names.give(Some(id), "post", "/").unwrap())
            .collect()
    }

    #[test]
    fn the_second_of_a_name_has_a_two_behind_it() {
        assert_eq!(
            given(&[
                "getThing",
                "GetThing2",
                "getThing",
                "get-thing",
                "delete",
                "delete_",
                "delete"
            ]),
            [
                "getThing",
                "getThing2",
                "getThing3",
                "getThing4",
                "delete_",
                "delete2",
                "delete3"
            ]
        );
        assert_eq!(
            given(&["options", "Options", "options2", "options"]),
            ["options", "options2", "options22", "options3"]
        );
    }

    #[test]
    fn what_no_identifier_may_have_becomes_underscores() {
        assert_eq!(
            given(&["2fa-verify", "𝒜bc_𝒜d", "a!-_!b", "x.y/z", "---", "fetch", "Then"]),
            ["_2FaVerify", "__bc__d", "a___b", "xYZ", "_", "fetch_", "then"]
        );
    }

    #[test]
    fn without_an_id_method_and_path_are_the_name() {
        let mut names = OperationNames::default();
        for (path, expected) in [
            ("/g/{id}/h", "getGByIdH"),
            ("/a/b/c", "getAbc"),
            ("/a:b+c", "getAbc2"),
            ("/", "get"),
        ] {
            assert_eq!(names.give(None, "get", path).as_deref(), Some(expected), "{path}");
        }
        assert_eq!(names.give(Some(""), "get", "/x").as_deref(), Some("getX"));
    }

    #[test]
    fn an_id_of_separators_alone_that_hey_api_refuses_has_no_name() {
        assert_eq!(OperationNames::default().give(Some("..."), "get", "/x"), None);
    }

    #[test]
    fn ten_thousand_operations_of_one_name_have_names_of_their_own() {
        let names = given(&vec!["same"; 10_000]);
        assert_eq!(names.last().map(String::as_str), Some("same10000"));
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), 10_000);
    }
}
