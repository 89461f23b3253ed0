//! How a search is carried out, whatever the engine: which filter's index is walked, and what is checked on the way.
//!
//! Filters of the same kind are first folded into one. A client has one id and one name, so for AND the lists of these
//! are intersected and for OR united; it has many scopes, so scope filters of an AND stay apart.

use std::collections::BTreeSet;

use async_trait::async_trait;
use countersign_core::search::{Filter, Operator, Search};

use crate::Result;

/// A search, ready to be walked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Plan {
    /// No client can match.
    Nothing,
    /// Every client of the project, in order.
    Everything,
    /// The clients with one of these ids that meet the conditions.
    Ids(Values, Conditions),
    /// The clients that meet all of these, at least one. Any of them can be walked and the others checked on the way
    /// ([`walk_one`]); best the one that the fewest clients meet.
    All(Vec<Walk>),
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

/// A filter with an index: a walk for each value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Walk {
    /// The client's name is one of these.
    Names(Values),
    /// The client holds one of these scopes.
    Scopes(Values),
}

/// What a client on the walk must meet besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    /// Its name is one of these, when given.
    pub(crate) names: Option<Values>,
    /// From each of these lists it holds a scope.
    pub(crate) scopes: Vec<Values>,
}

/// A search with its walk chosen: what an engine makes a statement of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// What is walked.
    pub(crate) walked: Walked,
    /// What is checked on the way.
    pub(crate) conditions: Conditions,
}

/// Whose index is walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Walked {
    /// The project's clients in order.
    Everything,
    /// Those with one of these ids.
    Ids(Values),
    /// Those with one of these names, or who hold one of these scopes.
    One(Walk),
    /// Those with one of these ids, names or scopes.
    Any {
        /// Ids.
        ids: Values,
        /// Names.
        names: Values,
        /// Scopes.
        scopes: Values,
    },
}

/// Says how long a walk is.
#[async_trait]
pub(crate) trait Sizer: Sync {
    /// How many entries the walk meets; it stops counting at `bound`.
    async fn size(&self, walk: &Walk, bound: i64) -> Result<i64>;
}

/// Where sizing begins.
const SIZED_FIRST: i64 = 1000;
/// Where sizing for a page ends: a page stops at its limit, and comes soon when all filters are met by more than these.
pub(crate) const SIZED_FOR_PAGE: i64 = 10_000;
/// A count has no limit, and wants the shortest walk whatever it takes to find it.
pub(crate) const SIZED_FOR_COUNT: i64 = i64::MAX;

/// Chooses the walk; `None` when no client can match.
pub(crate) async fn choose(search: &Search, sizer: &dyn Sizer, size_up_to: i64) -> Result<Option<Chosen>> {
    let (walked, conditions) = match Plan::of(search) {
        Plan::Nothing => return Ok(None),
        Plan::Everything => (Walked::Everything, Conditions::default()),
        Plan::Ids(ids, conditions) => (Walked::Ids(ids), conditions),
        Plan::Any { ids, names, scopes } => (Walked::Any { ids, names, scopes }, Conditions::default()),
        Plan::All(walks) => {
            let position = smallest(&walks, sizer, size_up_to).await?;
            let Some((walk, conditions)) = walk_one(walks, position) else {
                return Ok(None);
            };
            (Walked::One(walk), conditions)
        }
    };
    Ok(Some(Chosen { walked, conditions }))
}

/// The position of the walk that meets the fewest clients: a scope that everybody holds beside one that few hold would be
/// a walk through everybody. All are counted up to a bound that grows until one stays under it, so that finding out
/// never costs more than the walk that it chooses.
async fn smallest(walks: &[Walk], sizer: &dyn Sizer, size_up_to: i64) -> Result<usize> {
    let mut bound = SIZED_FIRST;
    while walks.len() > 1 && bound <= size_up_to {
        let mut found = (bound, 0);
        for (position, walk) in walks.iter().enumerate() {
            found = found.min((sizer.size(walk, found.0).await?, position));
        }
        if found.0 < bound {
            return Ok(found.1);
        }
        bound = bound.saturating_mul(10);
    }
    Ok(0)
}

/// The walk at `position`, or the first, and the others as conditions on it; `None` when there is none.
fn walk_one(mut walks: Vec<Walk>, position: usize) -> Option<(Walk, Conditions)> {
    if walks.is_empty() {
        return None;
    }
    let position = if position < walks.len() { position } else { 0 };
    let walk = walks.remove(position);
    Some((walk, Conditions::from(walks)))
}

impl From<Vec<Walk>> for Conditions {
    fn from(walks: Vec<Walk>) -> Self {
        let mut conditions = Self::default();
        for walk in walks {
            match walk {
                Walk::Names(names) => narrow(&mut conditions.names, names),
                Walk::Scopes(scopes) => conditions.scopes.push(scopes),
            }
        }
        conditions
    }
}

impl Plan {
    /// The plan of a search.
    fn of(search: &Search) -> Self {
        if search.filters.is_empty() {
            return Self::Everything;
        }
        match search.operator {
            Operator::And => Self::all_of(&search.filters),
            Operator::Or => Self::any_of(&search.filters),
        }
    }

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
        match ids {
            // An id is one client at most.
            Some(ids) => Self::Ids(ids, Conditions { names, scopes }),
            None => Self::All(
                names
                    .map(Walk::Names)
                    .into_iter()
                    .chain(scopes.into_iter().map(Walk::Scopes))
                    .collect(),
            ),
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

    fn names_of(texts: &[&str]) -> Walk {
        Walk::Names(values(texts))
    }

    fn scopes_of(texts: &[&str]) -> Walk {
        Walk::Scopes(values(texts))
    }

    #[test]
    fn ids_are_walked_before_everything_else() {
        let filters = vec![
            Filter::Scope(list(&["s"])),
            Filter::ClientName(list(&["n"])),
            Filter::ClientId(list(&["i", "j"])),
            Filter::ClientId(list(&["j", "k"])),
        ];
        let conditions = Conditions {
            names: Some(values(&["n"])),
            scopes: vec![values(&["s"])],
        };
        assert_eq!(
            plan(Operator::And, filters),
            Plan::Ids(values(&["j"]), conditions)
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
        let walks = vec![names_of(&["b"]), scopes_of(&["x"]), scopes_of(&["y"])];
        assert_eq!(plan(Operator::And, filters.clone()), Plan::All(walks));
        let any = Plan::Any {
            ids: values(&[]),
            names: values(&["a", "b", "c"]),
            scopes: values(&["x", "y"]),
        };
        assert_eq!(plan(Operator::Or, filters), any);
    }

    #[test]
    fn one_filter_is_walked_and_the_others_are_conditions() {
        let walks = || vec![names_of(&["n"]), scopes_of(&["x"]), scopes_of(&["y"])];
        let others = Conditions {
            names: Some(values(&["n"])),
            scopes: vec![values(&["x"])],
        };
        assert_eq!(walk_one(walks(), 2), Some((scopes_of(&["y"]), others)));
        assert_eq!(walk_one(walks(), 9).map(|(walk, _)| walk), Some(names_of(&["n"])));
        assert_eq!(walk_one(vec![], 0), None);
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
