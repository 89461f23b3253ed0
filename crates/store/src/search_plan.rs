//! How a search is carried out, whatever the engine: which filter's index is walked, and what is checked on the way.
//!
//! Filters of the same kind are first folded into one. A client has one id and one name, so for AND the lists of these
//! are intersected and for OR united; it has many scopes, so scope filters of an AND stay apart.

use std::collections::BTreeSet;

use countersign_core::search::{Filter, Operator, Search};

/// A search, ready to be walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// No client can match.
    Nothing,
    /// Every client of the project, in order.
    Everything,
    /// The clients with one of these ids that meet the conditions.
    Ids(Values, Conditions),
    /// The clients with one of these names that meet the conditions: a walk for each name.
    Names(Values, Conditions),
    /// The clients with one of these scopes that meet the conditions: a walk for each scope.
    Scopes(Values, Conditions),
    /// The clients with one of these ids, names or scopes: all walks together.
    Any {
        /// Ids.
        ids: Values,
        /// Names.
        names: Values,
        /// Scopes.
        scopes: Values,
    },
}

/// Distinct values in order.
pub(crate) type Values = BTreeSet<String>;

/// What a client on the walk must meet besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    /// Its name is one of these, when given.
    pub(crate) names: Option<Values>,
    /// From each of these lists it holds a scope.
    pub(crate) scopes: Vec<Values>,
}

impl Plan {
    /// The plan of a search.
    pub(crate) fn of(search: &Search) -> Self {
        if search.filters.is_empty() {
            return Self::Everything;
        }
        match search.operator {
            Operator::And => Self::all_of(&search.filters),
            Operator::Or => Self::any_of(&search.filters),
        }
    }

    /// Ids before names before scopes: an id is one client at most, a name a few, a scope may be everybody's.
    fn all_of(filters: &[Filter]) -> Self {
        let (mut ids, mut names, mut scopes): (Option<Values>, Option<Values>, Vec<Values>) =
            (None, None, Vec::new());
        for filter in filters {
            match filter {
                Filter::ClientId(values) => narrow(&mut ids, storable(values)),
                Filter::ClientName(values) => narrow(&mut names, storable(values)),
                Filter::Scope(values) => scopes.push(storable(values)),
            }
        }
        if ids.iter().chain(&names).chain(&scopes).any(BTreeSet::is_empty) {
            return Self::Nothing;
        }
        match (ids, names, scopes.split_first()) {
            (Some(ids), names, _) => Self::Ids(ids, Conditions { names, scopes }),
            (None, Some(names), _) => Self::Names(names, Conditions { names: None, scopes }),
            (None, None, Some((walked, others))) => Self::Scopes(
                walked.clone(),
                Conditions {
                    names: None,
                    scopes: others.to_vec(),
                },
            ),
            (None, None, None) => Self::Everything,
        }
    }

    fn any_of(filters: &[Filter]) -> Self {
        let (mut ids, mut names, mut scopes) = (Values::new(), Values::new(), Values::new());
        for filter in filters {
            match filter {
                Filter::ClientId(values) => ids.append(&mut storable(values)),
                Filter::ClientName(values) => names.append(&mut storable(values)),
                Filter::Scope(values) => scopes.append(&mut storable(values)),
            }
        }
        if ids.is_empty() && names.is_empty() && scopes.is_empty() {
            return Self::Nothing;
        }
        Self::Any { ids, names, scopes }
    }
}

fn narrow(values: &mut Option<Values>, by: Values) {
    *values = Some(match values.take() {
        Some(values) => values.intersection(&by).cloned().collect(),
        None => by,
    });
}

/// The values that can be stored at all. NUL is in no id, name or scope, and databases cut texts or refuse them there, so
/// that `a\0b` might find `a`.
fn storable(values: &[String]) -> Values {
    values
        .iter()
        .filter(|value| !value.contains('\0'))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(texts: &[&str]) -> Values {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn plan(operator: Operator, filters: Vec<Filter>) -> Plan {
        Plan::of(&Search { operator, filters })
    }

    #[test]
    fn ids_are_walked_before_names_before_scopes() {
        let (id, name, scope) = (
            Filter::ClientId(list(&["i"])),
            Filter::ClientName(list(&["n"])),
            Filter::Scope(list(&["s"])),
        );
        let scopes = vec![values(&["s"])];
        assert_eq!(
            plan(Operator::And, vec![scope.clone(), name.clone(), id]),
            Plan::Ids(
                values(&["i"]),
                Conditions {
                    names: Some(values(&["n"])),
                    scopes: scopes.clone()
                }
            )
        );
        assert_eq!(
            plan(Operator::And, vec![scope.clone(), name]),
            Plan::Names(values(&["n"]), Conditions { names: None, scopes })
        );
        assert_eq!(
            plan(Operator::And, vec![scope]),
            Plan::Scopes(values(&["s"]), Conditions::default())
        );
    }

    #[test]
    fn names_of_an_and_are_intersected_and_scopes_kept_apart() {
        let filters = vec![
            Filter::ClientName(list(&["a", "b"])),
            Filter::Scope(list(&["x"])),
            Filter::ClientName(list(&["b", "c"])),
            Filter::Scope(list(&["y"])),
        ];
        let conditions = Conditions {
            names: None,
            scopes: vec![values(&["x"]), values(&["y"])],
        };
        assert_eq!(
            plan(Operator::And, filters.clone()),
            Plan::Names(values(&["b"]), conditions)
        );
        let any = Plan::Any {
            ids: values(&[]),
            names: values(&["a", "b", "c"]),
            scopes: values(&["x", "y"]),
        };
        assert_eq!(plan(Operator::Or, filters), any);
    }

    #[test]
    fn an_empty_list_matches_nothing_and_no_filter_everything() {
        let empty = || Filter::Scope(vec![]);
        let name = || Filter::ClientName(list(&["a"]));
        assert_eq!(plan(Operator::And, vec![empty(), name()]), Plan::Nothing);
        assert_eq!(plan(Operator::Or, vec![empty()]), Plan::Nothing);
        assert!(matches!(
            plan(Operator::Or, vec![empty(), name()]),
            Plan::Any { .. }
        ));
        assert_eq!(plan(Operator::Or, vec![]), Plan::Everything);
        assert_eq!(
            plan(Operator::And, vec![Filter::ClientName(list(&["a\0b"]))]),
            Plan::Nothing
        );
    }
}
