//! Many patterns searched at once, one byte at a time.
//!
//! The library's own streaming search finds whichever match ends first, not the longest, and does not say how much must be kept back. So
//! this walks its automaton by hand and adds the one thing missing: how many bytes of the text each state remembers.

use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::nfa::noncontiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use secrecy::zeroize::Zeroizing;

/// An Aho-Corasick automaton (CACM 18(6), 1975) over the patterns.
pub(super) struct Matcher {
    automaton: NFA,
    start: StateID,
    /// What is known of each state, by its number.
    states: Vec<State>,
    /// Whether a pattern begins with this byte.
    begins: [bool; 256],
}

/// What a state knows of the bytes read so far.
#[derive(Clone, Copy, Default)]
pub(super) struct State {
    /// The length of the longest suffix of the text that begins a pattern, whole patterns included.
    pub(super) depth: usize,
    /// Whether that suffix can still grow into a pattern longer than itself.
    pub(super) can_grow: bool,
    /// The length of the longest pattern that ends here; 0 for none.
    pub(super) longest_match: usize,
}

impl Matcher {
    /// `None` for no patterns, and for more than the automaton can number, which the bounds on secrets keep far away.
    pub(super) fn new(patterns: &[Zeroizing<Vec<u8>>]) -> Option<Self> {
        if patterns.is_empty() {
            return None;
        }
        let automaton = NFA::builder()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(patterns.iter().map(|pattern| pattern.as_slice()))
            .ok()?;
        let start = automaton.start_state(Anchored::No).ok()?;
        let mut matcher = Self {
            automaton,
            start,
            states: Vec::new(),
            begins: [false; 256],
        };
        for pattern in patterns {
            matcher.learn(pattern);
        }
        Some(matcher)
    }

    /// Walks along a pattern: after each of its bytes the automaton is in the state that stands for exactly the bytes so far, and every
    /// state but the start lies on such a walk.
    fn learn(&mut self, pattern: &[u8]) {
        if let Some(first) = pattern.first() {
            self.begins[usize::from(*first)] = true;
        }
        let mut id = self.start;
        for (before, byte) in pattern.iter().enumerate() {
            id = self.next(id, *byte);
            let longest_match = (0..self.matches_at(id))
                .map(|index| {
                    self.automaton
                        .pattern_len(self.automaton.match_pattern(id, index))
                })
                .max();
            let number = id.as_usize();
            if self.states.len() <= number {
                self.states.resize(number + 1, State::default());
            }
            let state = &mut self.states[number];
            state.depth = before + 1;
            state.can_grow |= before + 1 < pattern.len();
            state.longest_match = longest_match.unwrap_or(0);
        }
    }

    fn matches_at(&self, id: StateID) -> usize {
        if self.automaton.is_match(id) {
            self.automaton.match_len(id)
        } else {
            0
        }
    }

    /// The state before the first byte.
    pub(super) fn start(&self) -> StateID {
        self.start
    }

    /// The state after one more byte.
    pub(super) fn next(&self, id: StateID, byte: u8) -> StateID {
        self.automaton.next_state(Anchored::No, id, byte)
    }

    /// What the state knows.
    pub(super) fn state(&self, id: StateID) -> State {
        self.states.get(id.as_usize()).copied().unwrap_or_default()
    }

    /// How many bytes at the beginning of the text begin no pattern. From the start state, all of these lead back to it.
    pub(super) fn idle(&self, text: &[u8]) -> usize {
        text.iter()
            .position(|byte| self.begins[usize::from(*byte)])
            .unwrap_or(text.len())
    }
}
