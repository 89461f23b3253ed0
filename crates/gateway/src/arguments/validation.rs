//! Whether arguments are what the document says, before anything is sent.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions};
use serde_json::Value;

use super::{ArgumentError, ArgumentFault};

/// Most faults that are told at once: whoever has more has misunderstood the operation, not a field.
const MOST_FAULTS: usize = 20;
/// Longest text of a fault, in characters. A document's list of allowed values may be long, and so may a caller's names.
const TEXT_MAX_CHARS: usize = 240;
/// Steps that one pattern may take on one text. Patterns are the provider's, texts the caller's: together they may take forever.
const PATTERN_STEPS: usize = 100_000;

/// A schema, ready to judge.
#[derive(Debug)]
pub struct Validator(jsonschema::Validator);

/// The schema is none. The text names the place in it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the schema cannot be used: {0}")]
pub struct InvalidSchema(String);

/// What is wrong with a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The kind of it.
    pub fault: ArgumentFault,
    /// The field, as a JSON pointer (RFC 6901) into the arguments.
    pub field: String,
    /// What is wrong with it, without its value.
    pub problem: String,
}

impl From<ArgumentError> for Fault {
    fn from(error: ArgumentError) -> Self {
        Self {
            fault: error.fault,
            field: bounded(&pointer("", &error.argument)),
            problem: error.reason.to_owned(),
        }
    }
}

impl Validator {
    /// Makes one of a JSON Schema (draft 2020-12). References go no further than the schema itself.
    ///
    /// # Errors
    ///
    /// [`InvalidSchema`], also for a pattern that is no regular expression.
    pub fn new(schema: &Value) -> Result<Self, InvalidSchema> {
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(PATTERN_STEPS))
            .build(schema)
            .map(Self)
            .map_err(|error| InvalidSchema(bounded(&format!("{}: {}", error.schema_path(), error.masked()))))
    }

    /// Judges a value.
    ///
    /// # Errors
    ///
    /// The first faults, at least one.
    pub fn check(&self, value: &Value) -> Result<(), Vec<Fault>> {
        let faults: Vec<_> = self
            .0
            .iter_errors(value)
            .take(MOST_FAULTS)
            .map(|error| fault(&error))
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// An absent member is named where it should be, and one too many where it is: at the object alone nobody would look for it.
fn fault(error: &jsonschema::ValidationError<'_>) -> Fault {
    let at = error.instance_path().to_string();
    let (fault, member, problem) = match error.kind() {
        ValidationErrorKind::Required { property } => {
            (ArgumentFault::Missing, property.as_str(), "is missing".to_owned())
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let first = unexpected.first().map(String::as_str);
            (ArgumentFault::Unknown, first, "is unknown".to_owned())
        }
        ValidationErrorKind::BacktrackLimitExceeded { .. } => {
            let problem = "takes too long to compare with its pattern".to_owned();
            (ArgumentFault::Unusable, None, problem)
        }
        _ => (ArgumentFault::Unusable, None, error.masked().to_string()),
    };
    let field = match member {
        Some(name) => pointer(&at, name),
        None => at,
    };
    Fault {
        fault,
        field: bounded(&field),
        problem: bounded(&problem),
    }
}

fn pointer(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn bounded(text: &str) -> String {
    let sound = text.chars().filter(|c| !c.is_control());
    sound.take(TEXT_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(schema: Value, value: Value) -> Vec<(String, String)> {
        let checked = Validator::new(&schema).unwrap().check(&value);
        let faults = checked.err().unwrap_or_default();
        faults
            .into_iter()
            .map(|fault| (fault.field, fault.problem))
            .collect()
    }

    fn fields(schema: Value, value: Value) -> Vec<String> {
        faults(schema, value)
            .into_iter()
            .map(|(field, _)| field)
            .collect()
    }

    fn client() -> Value {
        json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "maxLength": 5 },
                "scopes": { "type": "array", "items": { "$ref": "#/$defs/scope" } }
            },
            "required": ["scopes"],
            "additionalProperties": false,
            "$defs": { "scope": { "type": "string", "enum": ["read", "write"] } }
        })
    }

    #[test]
    fn a_fault_names_its_field() {
        assert_eq!(fields(client(), json!({"scopes": ["read"]})), [""; 0]);
        assert_eq!(fields(client(), json!({"scopes": ["read", "x"]})), ["/scopes/1"]);
        assert_eq!(fields(client(), json!({})), ["/scopes"]);
        assert_eq!(fields(client(), json!({"scopes": [], "a/b~c": 1})), ["/a~1b~0c"]);
        assert_eq!(
            fields(client(), json!({"scopes": [], "name": "longer"})),
            ["/name"]
        );
        assert_eq!(fields(client(), json!({"scopes": 1, "name": 2})).len(), 2);
    }

    #[test]
    fn a_fault_says_of_which_kind_it_is() {
        let kinds = |value| {
            let checked = Validator::new(&client()).unwrap().check(&value);
            let faults = checked.err().unwrap_or_default().into_iter();
            faults.map(|fault| fault.fault).collect::<Vec<_>>()
        };
        assert_eq!(kinds(json!({})), [ArgumentFault::Missing]);
        assert_eq!(kinds(json!({"scopes": [], "x": 1})), [ArgumentFault::Unknown]);
        assert_eq!(kinds(json!({"scopes": 1})), [ArgumentFault::Unusable]);
    }

    #[test]
    fn a_fault_never_shows_the_value() {
        for value in [
            json!({"scopes": ["hidden-value"]}),
            json!({"scopes": "hidden-value"}),
            json!({"scopes": [], "name": "hidden-value"}),
        ] {
            let told = faults(client(), value);
            assert!(
                !told.is_empty() && !format!("{told:?}").contains("hidden-value"),
                "{told:?}"
            );
        }
    }

    #[test]
    fn faults_are_few_and_short() {
        let many: Vec<_> = (0..1_000).collect();
        assert_eq!(fields(client(), json!({ "scopes": many })).len(), MOST_FAULTS);
        let told = faults(client(), json!({ "scopes": [], "x".repeat(10_000): 1 }));
        assert!(told[0].0.len() <= TEXT_MAX_CHARS, "{}", told[0].0.len());
    }

    #[test]
    fn a_pattern_that_takes_forever_is_given_up() {
        let schema = json!({ "type": "string", "pattern": "^(?=(a+)+$)(a|b|ab)*c$" });
        let told = faults(schema, json!("a".repeat(64)));
        assert_eq!(told.len(), 1, "{told:?}");
    }

    #[test]
    fn schemas_that_contain_themselves_end() {
        let tree = json!({
            "$ref": "#/$defs/tree",
            "$defs": { "tree": { "type": "object", "properties": { "of": { "$ref": "#/$defs/tree" } } } }
        });
        assert_eq!(fields(tree.clone(), json!({"of": {"of": {}}})), [""; 0]);
        assert_eq!(fields(tree, json!({"of": {"of": 1}})), ["/of/of"]);
    }

    #[test]
    fn nothing_is_fetched_for_a_schema() {
        for reference in [
            "https://example.com/schema",
            "file:///etc/passwd",
            "#/$defs/absent",
        ] {
            let refused = Validator::new(&json!({ "$ref": reference }))
                .unwrap_err()
                .to_string();
            assert!(refused.starts_with("the schema cannot be used"), "{refused}");
        }
    }
}
