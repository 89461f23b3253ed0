//! One body, searched piece by piece.

use std::fmt;
use std::sync::Arc;

use aho_corasick::automaton::StateID;
use bytes::{Buf as _, BufMut as _, BytesMut};
use secrecy::zeroize::Zeroize as _;

use super::MARK;
use super::matcher::Matcher;

/// Replaces each secret of a body by [`MARK`], wherever the body is cut into pieces.
///
/// Of matches that overlap, the one that begins first counts, and of those the longest. What is held back is the longest suffix of the text
/// that could still become a match, and nothing else: at most one byte less than the longest form of a secret, and nothing at the end of
/// an event that does not happen to end like the beginning of a secret.
pub struct ScrubStream {
    matcher: Arc<Matcher>,
    /// The text that is not given out yet: it begins with the candidate, if there is one, or else with what could become one.
    held: BytesMut,
    /// The state after `held[..read]`.
    state: StateID,
    /// How much of `held` was searched.
    read: usize,
    /// The leftmost-longest match so far, as a range of `held`: something longer, or something that began earlier, may still come.
    candidate: Option<(usize, usize)>,
    hits: u64,
}

impl ScrubStream {
    pub(super) fn new(matcher: Arc<Matcher>) -> Self {
        Self {
            state: matcher.start(),
            matcher,
            held: BytesMut::new(),
            read: 0,
            candidate: None,
            hits: 0,
        }
    }

    /// Takes the next piece, and puts onto `clean` what may go on.
    pub fn push(&mut self, piece: &[u8], clean: &mut BytesMut) {
        let mut piece = piece;
        if self.held.is_empty() {
            // The common case, bytes that concern nobody, without a copy into our own buffer.
            let idle = self.matcher.idle(piece);
            clean.put_slice(&piece[..idle]);
            piece = &piece[idle..];
        }
        self.held.extend_from_slice(piece);
        self.search(clean);
        let depth = self.matcher.state(self.state).depth;
        self.give(self.held.len() - depth, clean);
    }

    /// Takes the end of the body, and puts onto `clean` what was held back.
    pub fn finish(&mut self, clean: &mut BytesMut) {
        while let Some((from, to)) = self.candidate {
            self.replace(from, to, clean);
            self.search(clean);
        }
        self.give(self.held.len(), clean);
        self.state = self.matcher.start();
    }

    /// How many secrets were replaced until now.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits
    }

    /// How many bytes wait for the next piece.
    #[must_use]
    pub fn held_back(&self) -> usize {
        self.held.len()
    }

    /// Reads what was not read yet, and replaces every match that nothing to come can change.
    fn search(&mut self, clean: &mut BytesMut) {
        while let Some(rest) = self.held.get(self.read..).filter(|rest| !rest.is_empty()) {
            if self.state == self.matcher.start() {
                self.read += self.matcher.idle(rest);
            }
            let Some(byte) = self.held.get(self.read) else {
                return;
            };
            self.state = self.matcher.next(self.state, *byte);
            self.read += 1;
            let state = self.matcher.state(self.state);
            if state.longest_match > 0 {
                let found = (self.read - state.longest_match, self.read);
                // Of the same beginning, the later end is the longer match.
                if self.candidate.is_none_or(|(from, _)| found.0 <= from) {
                    self.candidate = Some(found);
                }
            }
            if let Some((from, to)) = self.candidate {
                // Whatever may still become a match begins here or later.
                let live_from = self.read - state.depth;
                if live_from > from || !state.can_grow {
                    self.replace(from, to, clean);
                }
            }
        }
    }

    /// Gives out the text before a match and the mark in its place, and begins anew right after it.
    fn replace(&mut self, from: usize, to: usize, clean: &mut BytesMut) {
        self.give(from, clean);
        self.drop_first(to - from);
        clean.put_slice(MARK.as_bytes());
        self.hits += 1;
        self.candidate = None;
        self.read = 0;
        self.state = self.matcher.start();
    }

    /// Gives out the first bytes of what is held.
    fn give(&mut self, length: usize, clean: &mut BytesMut) {
        clean.put_slice(&self.held[..length]);
        self.drop_first(length);
        self.read = self.read.saturating_sub(length);
        self.candidate = self.candidate.map(|(from, to)| (from - length, to - length));
    }

    /// Overwrites what goes: the buffer lives on, and it may have been a secret.
    fn drop_first(&mut self, length: usize) {
        self.held[..length].zeroize();
        self.held.advance(length);
    }
}

impl Drop for ScrubStream {
    fn drop(&mut self) {
        self.held.as_mut().zeroize();
    }
}

impl fmt::Debug for ScrubStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScrubStream")
            .field("hits", &self.hits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::zeroize::Zeroizing;

    use super::*;

    fn matcher(patterns: &[&[u8]]) -> Arc<Matcher> {
        let patterns: Vec<_> = patterns
            .iter()
            .map(|pattern| Zeroizing::new(pattern.to_vec()))
            .collect();
        Arc::new(Matcher::new(&patterns).unwrap())
    }

    fn scrubbed<'a>(matcher: &Arc<Matcher>, pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, u64) {
        let (mut stream, mut clean) = (ScrubStream::new(matcher.clone()), BytesMut::new());
        for piece in pieces {
            stream.push(piece, &mut clean);
        }
        stream.finish(&mut clean);
        assert_eq!(stream.held_back(), 0);
        (String::from_utf8_lossy(&clean).into_owned(), stream.hits())
    }

    /// The rule itself, without any thought of speed: at each place the longest pattern that stands there.
    fn by_definition(patterns: &[&[u8]], text: &[u8]) -> (String, u64) {
        let (mut clean, mut hits, mut at) = (Vec::new(), 0, 0);
        while at < text.len() {
            let here = patterns.iter().filter(|pattern| text[at..].starts_with(pattern));
            if let Some(longest) = here.map(|pattern| pattern.len()).max() {
                clean.extend_from_slice(MARK.as_bytes());
                hits += 1;
                at += longest;
            } else {
                clean.push(text[at]);
                at += 1;
            }
        }
        (String::from_utf8_lossy(&clean).into_owned(), hits)
    }

    /// The longest suffix that is the beginning of a pattern, but not all of it.
    fn could_become_a_match(patterns: &[&[u8]], text: &[u8]) -> usize {
        let begins = |suffix: &[u8]| {
            patterns
                .iter()
                .any(|pattern| pattern.len() > suffix.len() && pattern.starts_with(suffix))
        };
        (1..=text.len())
            .rev()
            .find(|length| begins(&text[text.len() - length..]))
            .unwrap_or(0)
    }

    /// Patterns within, around and across one another.
    const NESTED: [&[u8]; 6] = [b"abcd", b"bc", b"abcdef", b"cda", b"aab", b"efab"];

    #[test]
    fn a_match_is_found_wherever_the_text_is_cut() {
        let matcher = matcher(&NESTED);
        for text in [
            "abcd",
            "abcdef",
            "abcde",
            "xxabcdexx",
            "abcabcdefab",
            "aaabcda",
            "cdabcdab",
            "efabcdefabc",
            "bcbcbc",
            "",
        ] {
            let expected = by_definition(&NESTED, text.as_bytes());
            for first in 0..=text.len() {
                for second in first..=text.len() {
                    let text = text.as_bytes();
                    let pieces = [&text[..first], &text[first..second], &text[second..]];
                    assert_eq!(scrubbed(&matcher, pieces), expected, "{first} {second}");
                }
            }
        }
    }

    #[test]
    fn of_overlapping_matches_the_leftmost_and_then_the_longest_counts() {
        let matcher = matcher(&NESTED);
        let of = |text: &str| scrubbed(&matcher, [text.as_bytes()]);
        assert_eq!(of("abcdefg"), ("[redacted]g".into(), 1));
        assert_eq!(of("abcdeg"), ("[redacted]eg".into(), 1));
        assert_eq!(
            of("abcx"),
            ("a[redacted]x".into(), 1),
            "a longer one began and broke off"
        );
        assert_eq!(
            of("bcda"),
            ("[redacted]da".into(), 1),
            "what was taken is not taken again"
        );
        assert_eq!(of("aab"), ("[redacted]".into(), 1));
    }

    #[test]
    fn what_cannot_become_a_match_passes_at_once() {
        let matcher = matcher(&[b"secret-of-the-upstream"]);
        let (mut stream, mut clean) = (ScrubStream::new(matcher), BytesMut::new());
        let mut pass = |piece: &str| {
            clean.clear();
            stream.push(piece.as_bytes(), &mut clean);
            (String::from_utf8(clean.to_vec()).unwrap(), stream.held_back())
        };
        assert_eq!(
            pass("data: {\"secret\":1}\n\n"),
            ("data: {\"secret\":1}\n\n".into(), 0),
            "a whole event"
        );
        assert_eq!(pass("data: s"), ("data: ".into(), 1));
        assert_eq!(pass("ecret-of-"), (String::new(), 10));
        assert_eq!(pass("sand"), ("secret-of-sand".into(), 0));
        assert_eq!(
            pass("secret-of-the-upstream"),
            (MARK.into(), 0),
            "a match does not wait for what follows"
        );
    }

    #[test]
    fn a_text_that_never_ends_is_held_in_bounded_memory() {
        let (mut stream, mut clean) = (ScrubStream::new(matcher(&[b"aaaaaaab"])), BytesMut::new());
        for _ in 0..10_000 {
            stream.push(b"a", &mut clean);
            assert!(stream.held_back() <= 7);
        }
        assert!(stream.held.capacity() < 1024, "{}", stream.held.capacity());
    }

    /// A small alphabet, so that patterns overlap, nest and repeat.
    fn texts(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'c')], length)
    }

    proptest! {
        #[test]
        fn any_patterns_in_any_text_cut_anywhere_are_replaced_as_the_rule_says(
            patterns in proptest::collection::vec(texts(1..7), 1..6),
            text in texts(0..60),
            cuts in proptest::collection::vec(0_usize..60, 0..8),
        ) {
            let patterns: Vec<&[u8]> = patterns.iter().map(Vec::as_slice).collect();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]);
            prop_assert_eq!(scrubbed(&matcher(&patterns), pieces), by_definition(&patterns, &text));
        }

        #[test]
        fn nothing_is_held_back_but_what_could_become_a_match(
            patterns in proptest::collection::vec(texts(1..7), 1..6),
            text in texts(0..40),
        ) {
            let patterns: Vec<&[u8]> = patterns.iter().map(Vec::as_slice).collect();
            let (mut stream, mut clean) = (ScrubStream::new(matcher(&patterns)), BytesMut::new());
            for (index, byte) in text.iter().enumerate() {
                stream.push(&[*byte], &mut clean);
                prop_assert!(stream.held_back() <= could_become_a_match(&patterns, &text[..=index]));
            }
        }
    }
}
