//! The flat rule (sdk/toolkit/README.md), point 5: what arguments are called.

use std::collections::HashMap;

use super::argument::Place;

/// The names of arguments, in the order of the slots: place, and name there.
///
/// A name that is used in more than one place gets the place in front, in each; so does a name that equals one made so,
/// again and again. It ends, because two names with places in front are never equal.
pub(super) fn argument_names(slots: &[(Place, &str)]) -> Vec<String> {
    let mut prefixed = vec![false; slots.len()];
    loop {
        let names: Vec<String> = slots
            .iter()
            .zip(&prefixed)
            .map(|((place, name), prefixed)| {
                if *prefixed {
                    format!("{}_{name}", place.name())
                } else {
                    (*name).to_owned()
                }
            })
            .collect();
        let mut uses: HashMap<&str, usize> = HashMap::new();
        for name in &names {
            *uses.entry(name).or_default() += 1;
        }
        let next: Vec<bool> = names
            .iter()
            .zip(&prefixed)
            .map(|(name, prefixed)| *prefixed || uses.get(name.as_str()) > Some(&1))
            .collect();
        if next == prefixed {
            return names;
        }
        prefixed = next;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const PLACES: [Place; 5] = [
        Place::Path,
        Place::Query,
        Place::Header,
        Place::Cookie,
        Place::Body,
    ];

    #[test]
    fn names_that_collide_get_their_places_in_front() {
        use Place::{Body, Cookie, Member, Path, Query};
        for (slots, expected) in [
            (
                vec![(Path, "id"), (Query, "q"), (Member, "b")],
                vec!["id", "q", "b"],
            ),
            (vec![(Path, "id"), (Member, "id")], vec!["path_id", "body_id"]),
            (
                vec![(Path, "id"), (Member, "id"), (Query, "path_id")],
                vec!["path_id", "body_id", "query_path_id"],
            ),
            (
                vec![
                    (Path, "id"),
                    (Member, "id"),
                    (Query, "path_id"),
                    (Cookie, "query_path_id"),
                ],
                vec!["path_id", "body_id", "query_path_id", "cookie_query_path_id"],
            ),
            (
                vec![(Path, "body"), (Body, "body")],
                vec!["path_body", "body_body"],
            ),
            (vec![(Path, "Id"), (Query, "id")], vec!["Id", "id"]),
        ] {
            assert_eq!(argument_names(&slots), expected);
        }
    }

    proptest! {
        #[test]
        fn names_of_arguments_differ_whatever_the_slots(
            slots in proptest::collection::btree_set((0..5_usize, "(path_|query_|body_){0,3}[ab]"), 0..12)
        ) {
            let slots: Vec<_> = slots.iter().map(|(place, name)| (PLACES[*place], name.as_str())).collect();
            let names = argument_names(&slots);
            prop_assert_eq!(names.iter().collect::<HashSet<_>>().len(), slots.len());
        }
    }
}
