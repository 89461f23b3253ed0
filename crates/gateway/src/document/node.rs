//! A document as a tree, in its own order and within bounds.

use std::cell::{Cell, RefCell};
use std::fmt;

use indexmap::IndexMap;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Number;

/// The members of an object, in the order of the document: the first media type counts, and so does the first server.
pub(super) type Members = IndexMap<String, Node>;

/// A value of a document.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Object(Members),
}

impl Node {
    pub(super) fn as_object(&self) -> Option<&Members> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The member of that name; `None` where this is no object.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.as_object()?.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a member; none where it is no array.
    pub(super) fn list(&self, name: &str) -> &[Node] {
        match self.get(name) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(&Self::Bool(true))
    }

    /// What the object refers to, if it is a reference.
    pub(super) fn reference(&self) -> Option<&str> {
        self.text("$ref")
    }

    #[cfg(test)]
    pub(super) fn from_json(value: &serde_json::Value) -> Self {
        NodeSeed::new(&Budget::new(usize::MAX, usize::MAX))
            .deserialize(value)
            .expect("a tree")
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(members) => serializer.collect_map(members),
        }
    }
}

/// Which bound a tree broke.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Breach {
    TooDeep,
    TooManyValues,
    DoubledMember(String),
}

/// What is left to be read. Values are counted where they are made, so that aliases of YAML count as what they unfold to.
pub(super) struct Budget {
    values: Cell<usize>,
    max_depth: usize,
    breach: RefCell<Option<Breach>>,
}

impl Budget {
    pub(super) fn new(max_values: usize, max_depth: usize) -> Self {
        Self {
            values: Cell::new(max_values),
            max_depth,
            breach: RefCell::new(None),
        }
    }

    /// The bound that was broken, if that is why reading failed.
    pub(super) fn breach(&self) -> Option<Breach> {
        self.breach.borrow().clone()
    }

    fn broken<E: serde::de::Error>(&self, breach: Breach) -> E {
        *self.breach.borrow_mut() = Some(breach);
        E::custom("a bound is broken")
    }
}

/// Reads a tree from JSON or YAML.
pub(super) struct NodeSeed<'a> {
    budget: &'a Budget,
    depth: usize,
}

impl<'a> NodeSeed<'a> {
    pub(super) fn new(budget: &'a Budget) -> Self {
        Self { budget, depth: 0 }
    }

    fn inner<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth == self.budget.max_depth {
            return Err(self.budget.broken(Breach::TooDeep));
        }
        Ok(Self {
            budget: self.budget,
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        match self.budget.values.get().checked_sub(1) {
            Some(left) => self.budget.values.set(left),
            None => return Err(self.budget.broken(Breach::TooManyValues)),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
        Number::from_f64(value)
            .map(Node::Number)
            .ok_or_else(|| E::custom("a number without end"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self.inner()?)? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut members = Members::new();
        while let Some(name) = access.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(self.budget.broken(Breach::DoubledMember(name)));
            }
            let value = access.next_value_seed(self.inner()?)?;
            members.insert(name, value);
        }
        Ok(Node::Object(members))
    }
}
