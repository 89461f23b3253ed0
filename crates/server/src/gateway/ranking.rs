//! Which operations are meant by a few words.

use countersign_gateway::document::Operation;

/// More of a query is not read: it is asked of thousands of operations.
const MOST_WORDS: usize = 16;

/// What somebody looks for.
pub(super) struct Sought {
    whole: String,
    words: Vec<String>,
}

/// How well an operation fits; more is better. First how many of the words it has, then where.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Fit {
    is_named: bool,
    words: usize,
    weight: u32,
}

impl Sought {
    pub(super) fn new(query: &str) -> Self {
        Self {
            whole: query.trim().to_lowercase(),
            words: words(query).take(MOST_WORDS).collect(),
        }
    }

    /// How well the operation fits; `None` if not at all. Without words, all fit alike.
    pub(super) fn fit(&self, provider: &str, operation: &Operation) -> Option<Fit> {
        let found = Found::of(provider, operation);
        let weights = self.words.iter().map(|word| found.weight(word));
        let weights: Vec<_> = weights.filter(|weight| *weight > 0).collect();
        let fit = Fit {
            is_named: operation.name.to_lowercase() == self.whole,
            words: weights.len(),
            weight: weights.iter().sum(),
        };
        (self.words.is_empty() || fit.is_named || fit.words > 0).then_some(fit)
    }
}

/// The words of an operation, by what one that is sought is worth there.
struct Found([(u32, Vec<String>); 5]);

impl Found {
    fn of(provider: &str, operation: &Operation) -> Self {
        let text = |text: &Option<String>| words(text.as_deref().unwrap_or_default()).collect();
        let literal = |segment: &&str| !segment.contains('{');
        let path = operation.path.split('/').filter(literal).flat_map(words);
        let tags = operation.tags.iter().flat_map(|tag| words(tag));
        Self([
            (12, words(&operation.name).collect()),
            (8, tags.chain(words(provider)).collect()),
            (6, path.chain([operation.method.to_lowercase()]).collect()),
            (4, text(&operation.summary)),
            (1, text(&operation.description)),
        ])
    }

    /// A word counts once, where it is worth most; as a whole word more than as the beginning of one.
    fn weight(&self, sought: &str) -> u32 {
        let of_place = |(worth, words): &(u32, Vec<String>)| {
            if words.iter().any(|word| word == sought) {
                worth * 2
            } else if words.iter().any(|word| word.starts_with(sought)) {
                *worth
            } else {
                0
            }
        };
        self.0.iter().map(of_place).max().unwrap_or_default()
    }
}

/// The words of a text, small, also those of `camelCase`. One and many are the same word.
fn words(text: &str) -> impl Iterator<Item = String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_small = false;
    for c in text.chars() {
        let ends = !c.is_alphanumeric() || (was_small && c.is_uppercase());
        if ends && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        was_small = c.is_alphanumeric() && !c.is_uppercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words.into_iter().map(singular)
}

fn singular(mut word: String) -> String {
    if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") {
        word.pop();
    }
    word
}

#[cfg(test)]
mod tests {
    use countersign_gateway::document::Document;
    use serde_json::json;

    use super::*;

    fn ranked(query: &str) -> Vec<String> {
        let document = json!({ "openapi": "3.1.0", "paths": {
            "/v1/clients": {
                "post": { "operationId": "clientsCreate", "tags": ["clients"], "summary": "Make a client" },
                "get": { "operationId": "clientsList", "tags": ["clients"] }
            },
            "/v1/invoices/{id}": {
                "get": { "operationId": "invoicesGet", "summary": "Reads an invoice", "description": "Of a client." },
                "parameters": [{ "name": "id", "in": "path", "required": true }]
            },
            "/v1/things": { "get": { "operationId": "invoices", "summary": "Not what it says" } }
        } });
        let document = Document::read(document.to_string().as_bytes(), None).unwrap();
        let sought = Sought::new(query);
        let fits = document.operations.iter().filter_map(|operation| {
            let fit = sought.fit("acme", operation)?;
            Some((std::cmp::Reverse(fit), operation.name.clone()))
        });
        let mut fits: Vec<_> = fits.collect();
        fits.sort();
        fits.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn words_of_names_count_more_than_words_of_texts() {
        assert_eq!(ranked("client"), ["clientsCreate", "clientsList", "invoicesGet"]);
        assert_eq!(ranked("create a client")[0], "clientsCreate");
        assert_eq!(ranked("CLIENTS post")[0], "clientsCreate");
    }

    #[test]
    fn the_one_of_this_very_name_comes_first() {
        assert_eq!(ranked("invoices"), ["invoices", "invoicesGet"]);
        assert_eq!(ranked("invoicesget")[0], "invoicesGet");
    }

    #[test]
    fn the_beginning_of_a_word_is_enough_and_its_end_is_not() {
        assert_eq!(ranked("inv"), ["invoices", "invoicesGet"]);
        assert_eq!(ranked("voice"), [""; 0]);
    }

    #[test]
    fn without_words_all_fit() {
        assert_eq!(ranked("").len(), 4);
        assert_eq!(ranked("nothing like that").len(), 0);
    }

    #[test]
    fn names_have_words() {
        let all: Vec<_> = words("apiM2mV1ClientsGet_by-ID").collect();
        assert_eq!(all, ["api", "m2m", "v1", "client", "get", "by", "id"]);
    }
}
