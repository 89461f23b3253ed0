//! Search of the wire: exact filters joined by AND or OR (wire contract 3.5).

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use strum::EnumString;

/// Clients on a page when the caller does not say.
pub const DEFAULT_LIMIT: u32 = 100;
/// Most clients on a page.
pub const MAX_LIMIT: u32 = 1000;
/// Most filters in a query: more than any SDK's helper makes; each costs an index walk.
pub const MAX_FILTERS: usize = 16;
/// Most names or scopes in all filters of a query together: each is an index walk of its own.
pub const MAX_WALKS: usize = 256;
/// Most client ids in all filters of a query together: as many as a page holds.
pub const MAX_CLIENT_IDS: usize = 1000;

/// How filters are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "UPPERCASE")]
pub enum Operator {
    /// All filters hold.
    And,
    /// At least one holds.
    Or,
}

/// One filter: the client has any of the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Its id is one of these.
    ClientId(Vec<String>),
    /// Its name is exactly one of these.
    ClientName(Vec<String>),
    /// It holds at least one of these scopes.
    Scope(Vec<String>),
}

/// A query that can be run. No filters means every client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// How the filters are joined.
    pub operator: Operator,
    /// The filters; may be none.
    pub filters: Vec<Filter>,
}

/// Why a query cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// Neither `AND` nor `OR`.
    #[error("query.operator must be AND or OR")]
    Operator,
    /// `limit` over [`MAX_LIMIT`] or negative.
    #[error("limit is a number from 0 to {MAX_LIMIT}")]
    Limit,
    /// An operand is not an object, or there are more than [`MAX_FILTERS`].
    #[error("query.operands is a list of at most {MAX_FILTERS} objects with filter_name and filter_value")]
    Operands,
    /// More values than one query may have.
    #[error("a query has at most {MAX_CLIENT_IDS} client ids and {MAX_WALKS} names and scopes")]
    TooManyValues,
    /// An operand without `filter_name`.
    #[error("an operand needs a filter_name")]
    MissingFilterName,
    /// An operand without `filter_value`.
    #[error("an operand needs a filter_value")]
    MissingFilterValue,
    /// `filter_name` is not a string.
    #[error("filter_name must be a string")]
    FilterNameNotString,
    /// `filter_name` is none of `client_id`, `client_name`, `scopes`.
    #[error("filter_name must be client_id, client_name or scopes")]
    UnknownFilterName,
    /// `filter_value` is not an array of strings.
    #[error("filter_value must be an array of strings")]
    ExpectedStrings,
}

impl Search {
    /// Every client.
    pub fn everything() -> Self {
        Self {
            operator: Operator::And,
            filters: Vec::new(),
        }
    }

    /// Parses `query` of the wire: its operator and its operands as they were sent.
    pub fn parse(operator: &str, operands: &[Value]) -> Result<Self, SearchError> {
        let operator = operator.parse().map_err(|_| SearchError::Operator)?;
        if operands.len() > MAX_FILTERS {
            return Err(SearchError::Operands);
        }
        let filters = operands
            .iter()
            .map(Filter::parse)
            .collect::<Result<Vec<_>, _>>()?;
        let search = Self { operator, filters };
        if search.is_affordable() {
            Ok(search)
        } else {
            Err(SearchError::TooManyValues)
        }
    }

    fn is_affordable(&self) -> bool {
        let (mut client_ids, mut walks) = (0, 0);
        for filter in &self.filters {
            match filter {
                Filter::ClientId(values) => client_ids += values.len(),
                Filter::ClientName(values) | Filter::Scope(values) => walks += values.len(),
            }
        }
        client_ids <= MAX_CLIENT_IDS && walks <= MAX_WALKS
    }

    /// Stands for the query in a cursor, so that a cursor continues only the search it came from.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(format!("{self:?}").as_bytes()).into()
    }
}

impl Filter {
    fn parse(operand: &Value) -> Result<Self, SearchError> {
        let operand = operand.as_object().ok_or(SearchError::Operands)?;
        let present = |name| operand.get(name).filter(|value| !value.is_null());
        let name = present("filter_name").ok_or(SearchError::MissingFilterName)?;
        let name = name.as_str().ok_or(SearchError::FilterNameNotString)?;
        let to_filter = match name {
            "client_id" => Filter::ClientId,
            "client_name" => Filter::ClientName,
            "scopes" => Filter::Scope,
            _ => return Err(SearchError::UnknownFilterName),
        };
        let values = present("filter_value").ok_or(SearchError::MissingFilterValue)?;
        let mut values = values
            .as_array()
            .and_then(|values| {
                values
                    .iter()
                    .map(|v| v.as_str().map(str::to_owned))
                    .collect::<Option<Vec<_>>>()
            })
            .ok_or(SearchError::ExpectedStrings)?;
        // Each value becomes a walk; a repeated one would be walked twice for nothing.
        values.sort_unstable();
        values.dedup();
        Ok(to_filter(values))
    }
}

/// The page size asked for: absent and 0 mean the default (Go never sends 0, wire contract 3.5).
pub fn page_limit(limit: Option<i64>) -> Result<u32, SearchError> {
    match limit {
        None | Some(0) => Ok(DEFAULT_LIMIT),
        Some(limit) => match u32::try_from(limit) {
            Ok(limit) if limit <= MAX_LIMIT => Ok(limit),
            _ => Err(SearchError::Limit),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(operands: Value) -> Result<Search, SearchError> {
        Search::parse("AND", operands.as_array().unwrap())
    }

    #[test]
    fn the_three_filters_parse() {
        let search = parse(json!([
            {"filter_name": "client_id", "filter_value": ["b", "a", "b"]},
            {"filter_name": "client_name", "filter_value": ["n"]},
            {"filter_name": "scopes", "filter_value": []},
        ]));
        let filters = vec![
            Filter::ClientId(vec!["a".into(), "b".into()]),
            Filter::ClientName(vec!["n".into()]),
            Filter::Scope(vec![]),
        ];
        assert_eq!(
            search,
            Ok(Search {
                operator: Operator::And,
                filters
            })
        );
    }

    #[test]
    fn each_mistake_has_its_name() {
        for (operand, error) in [
            (json!({"filter_value": ["a"]}), SearchError::MissingFilterName),
            (
                json!({"filter_name": null, "filter_value": ["a"]}),
                SearchError::MissingFilterName,
            ),
            (
                json!({"filter_name": 7, "filter_value": ["a"]}),
                SearchError::FilterNameNotString,
            ),
            (
                json!({"filter_name": "status", "filter_value": ["a"]}),
                SearchError::UnknownFilterName,
            ),
            (json!({"filter_name": "scopes"}), SearchError::MissingFilterValue),
            (
                json!({"filter_name": "scopes", "filter_value": "a"}),
                SearchError::ExpectedStrings,
            ),
            (
                json!({"filter_name": "scopes", "filter_value": ["a", 1]}),
                SearchError::ExpectedStrings,
            ),
            (json!("scopes"), SearchError::Operands),
        ] {
            assert_eq!(parse(json!([operand])), Err(error), "{operand}");
        }
        for operator in ["", "and", "XOR"] {
            assert_eq!(
                Search::parse(operator, &[]),
                Err(SearchError::Operator),
                "{operator}"
            );
        }
    }

    #[test]
    fn a_query_cannot_ask_for_more_walks_than_a_server_should_make() {
        let names: Vec<String> = (0..=MAX_WALKS).map(|n| n.to_string()).collect();
        assert_eq!(
            parse(json!([{"filter_name": "scopes", "filter_value": names}])),
            Err(SearchError::TooManyValues)
        );
        assert!(parse(json!([{"filter_name": "client_id", "filter_value": names}])).is_ok());
    }

    #[test]
    fn limits_have_a_default_and_an_end() {
        assert_eq!(page_limit(None), Ok(100));
        assert_eq!(page_limit(Some(0)), Ok(100));
        assert_eq!(page_limit(Some(1000)), Ok(1000));
        for bad in [-1, 1001, i64::MAX] {
            assert_eq!(page_limit(Some(bad)), Err(SearchError::Limit));
        }
    }
}
