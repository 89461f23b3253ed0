//! Schemas that judge one value in a circle.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The names that lead to themselves for the same value, and those between two of such circles.
pub(super) fn endless(in_place: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut uses = Graph::new();
    let mut users = Graph::new();
    for (name, used) in in_place {
        uses.entry(name)
            .or_default()
            .extend(used.iter().map(String::as_str));
        for used in used {
            users.entry(used).or_default().insert(name);
        }
    }
    let all = in_place.keys().map(String::as_str).collect();
    let lead_on = without_ends(all, &uses, &users);
    without_ends(lead_on, &users, &uses)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// Takes away, again and again, what leads to nothing that is left.
fn without_ends<'a>(mut left: HashSet<&'a str>, next: &Graph<'a>, back: &Graph<'a>) -> HashSet<&'a str> {
    let open = |name: &str| {
        next.get(name).map_or(0, |names| {
            names.iter().filter(|next| left.contains(*next)).count()
        })
    };
    let mut ways: HashMap<&str, usize> = left.iter().map(|name| (*name, open(name))).collect();
    let mut ended: Vec<&str> = ways
        .iter()
        .filter(|(_, ways)| **ways == 0)
        .map(|(name, _)| *name)
        .collect();
    while let Some(name) = ended.pop() {
        left.remove(name);
        for before in back.get(name).into_iter().flatten() {
            if let Some(ways) = ways.get_mut(before) {
                *ways = ways.saturating_sub(1);
                if *ways == 0 && left.contains(before) {
                    ended.push(before);
                }
            }
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endless_of(uses: &[(&str, &[&str])]) -> Vec<String> {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut found = endless(
            &uses
                .iter()
                .map(|(name, used)| ((*name).to_owned(), names(used)))
                .collect(),
        );
        found.sort();
        found
    }

    #[test]
    fn circles_are_found_and_what_leads_in_or_out_is_not_one() {
        assert_eq!(endless_of(&[("a", &["a"]), ("b", &["a"]), ("c", &[])]), ["a"]);
        assert_eq!(
            endless_of(&[("a", &["b"]), ("b", &["c"]), ("c", &["b", "d"]), ("d", &[])]),
            ["b", "c"]
        );
        assert!(endless_of(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]).is_empty());
        assert!(endless_of(&[]).is_empty());
    }

    #[test]
    fn a_long_chain_takes_no_stack() {
        let uses = |number: u32| (number.to_string(), BTreeSet::from([(number + 1).to_string()]));
        let mut chain: BTreeMap<_, _> = (0..200_000).map(uses).collect();
        chain.insert("200000".to_owned(), BTreeSet::new());
        assert!(endless(&chain).is_empty());
    }
}
