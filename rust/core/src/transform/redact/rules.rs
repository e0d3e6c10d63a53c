//! The patterns of one step, and what they find in a text.

use regex::{Regex, RegexBuilder};

use super::builtin::{
    BuiltIn, CARD_DIGITS, PHONE_DIGITS, count_digits, is_address, may_have_secret,
};
use super::escapes::Unescaped;
use super::hit::{Hit, merged};
use crate::transform::config::PatternConfig;
use crate::transform::expression::{REGEX_BYTES, regex_mistake};
use crate::transform::problem::{Problem, did_you_mean};

/// How often a text is unescaped to look into the JSON in its JSON.
const DEEPEST: usize = 4;

/// What one rule looks for.
#[derive(Clone, Debug)]
enum Pattern {
    BuiltIn(BuiltIn),
    Own(Regex),
}

/// The patterns of one step, ready to search.
#[derive(Clone, Debug)]
pub struct Rules {
    patterns: Vec<Pattern>,
    /// By pattern.
    pub names: Vec<String>,
    /// Whether a pattern needs to know how many digits a text has.
    counts_digits: bool,
    /// Which rule finds addresses, unless another one may find the same.
    addresses: Option<usize>,
    /// Whether hits say what they found.
    keep_plain: bool,
}

impl Rules {
    pub fn compile(
        step: usize,
        configs: Option<&[PatternConfig]>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let all = BuiltIn::ALL.map(|pattern| PatternConfig::BuiltIn(pattern.name().into()));
        let (mut patterns, mut names) = (Vec::new(), Vec::new());
        for (index, config) in configs.unwrap_or(&all).iter().enumerate() {
            let (name, pattern) = match config {
                PatternConfig::BuiltIn(name) => (
                    name,
                    built_in(name).map_err(|message| (String::new(), message)),
                ),
                PatternConfig::Own { name, regex } => (name, own(name, regex)),
            };
            match pattern {
                Ok(_) if names.contains(name) => {
                    let message =
                        format!("there is a pattern {name:?} already; give every one its own name");
                    problems.push(Problem::new(step, format!("patterns.{index}"), message));
                }
                Ok(pattern) => {
                    patterns.push(pattern);
                    names.push(name.clone());
                }
                Err((key, message)) => problems.push(Problem::new(
                    step,
                    format!("patterns.{index}{key}"),
                    message,
                )),
            }
        }
        let counts_digits = patterns
            .iter()
            .any(|pattern| matches!(pattern, Pattern::BuiltIn(BuiltIn::Phone | BuiltIn::Card)));
        let own = |pattern: &Pattern| matches!(pattern, Pattern::Own(_));
        let addresses = patterns
            .iter()
            .position(|pattern| matches!(pattern, Pattern::BuiltIn(BuiltIn::Email)))
            .filter(|_| !patterns.iter().any(own));
        Self {
            patterns,
            names,
            counts_digits,
            addresses,
            keep_plain: true,
        }
    }

    /// The same, with hits that say what they found or do not.
    #[must_use]
    pub fn keeping_plain(self, keep_plain: bool) -> Self {
        Self { keep_plain, ..self }
    }

    /// The rule that takes out all of a text at once. Most columns of addresses hold nothing else, and finding out costs
    /// a fraction of a search; where it is none, `find` may still find everything.
    pub fn whole(&self, text: &str) -> Option<usize> {
        self.addresses.filter(|_| is_address(text))
    }

    /// Everything to take out of a text, in order, without overlap; also where it is escaped.
    pub fn find(&self, text: &str) -> Vec<Hit> {
        if self.may_find(text) {
            self.find_at_depth(text, 0)
        } else {
            Vec::new()
        }
    }

    /// The same in the inside of a JSON string.
    pub fn find_in_json(&self, inside: &str) -> Vec<Hit> {
        match Unescaped::of(inside) {
            Some(unescaped) => {
                let hits = self.find_at_depth(&unescaped.text, 0);
                hits.into_iter()
                    .map(|hit| unescaped.outwards(hit))
                    .collect()
            }
            None => self.find(inside),
        }
    }

    /// Whether a text can have anything to find, its JSON strings included. Costs next to nothing.
    pub fn may_find(&self, text: &str) -> bool {
        if let [Pattern::BuiltIn(BuiltIn::Email)] = self.patterns[..] {
            return memchr::memchr2(b'@', b'\\', text.as_bytes()).is_some();
        }
        has_unicode_escape(text) || {
            let digits = self.digits(text);
            (0..self.patterns.len()).any(|rule| self.may_match(rule, text, digits))
        }
    }

    /// 0 where nobody asks.
    fn digits(&self, text: &str) -> usize {
        if self.counts_digits {
            count_digits(text.as_bytes())
        } else {
            0
        }
    }

    fn may_match(&self, rule: usize, text: &str, digits: usize) -> bool {
        match &self.patterns[rule] {
            Pattern::BuiltIn(BuiltIn::Email) => memchr::memchr(b'@', text.as_bytes()).is_some(),
            Pattern::BuiltIn(BuiltIn::Phone) => digits >= PHONE_DIGITS,
            Pattern::BuiltIn(BuiltIn::Card) => digits >= *CARD_DIGITS.start(),
            Pattern::BuiltIn(BuiltIn::Secret) => may_have_secret(text),
            Pattern::Own(_) => true,
        }
    }

    fn find_at_depth(&self, text: &str, depth: usize) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut refused = false;
        let digits = self.digits(text);
        for (rule, pattern) in self.patterns.iter().enumerate() {
            if !self.may_match(rule, text, digits) {
                continue;
            }
            let found = |start: usize, end: usize| {
                hits.push(Hit {
                    start,
                    end,
                    rule,
                    plain: if self.keep_plain {
                        text[start..end].to_owned()
                    } else {
                        String::new()
                    },
                });
            };
            match pattern {
                Pattern::BuiltIn(built_in) => refused |= built_in.search(text, found),
                Pattern::Own(regex) => {
                    search(regex, text, found);
                    // Nobody knows what an escape can hide from it.
                    refused = true;
                }
            }
        }
        // Of the built-in patterns only `\u` can hide all of a match.
        let hidden = refused || !hits.is_empty() || has_unicode_escape(text);
        if depth < DEEPEST
            && hidden
            && let Some(unescaped) = Unescaped::of(text)
        {
            let inner = self.find_at_depth(&unescaped.text, depth + 1);
            let inner: Vec<Hit> = inner
                .into_iter()
                .map(|hit| unescaped.outwards(hit))
                .collect();
            hits = hits
                .into_iter()
                .filter_map(|hit| unescaped.whole_escapes(hit, &inner))
                .collect();
            hits.extend(inner);
        }
        merged(hits)
    }
}

fn has_unicode_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'\\', bytes).any(|at| bytes.get(at + 1) == Some(&b'u'))
}

fn search(regex: &Regex, text: &str, mut found: impl FnMut(usize, usize)) {
    for found_at in regex.find_iter(text).filter(|found| !found.is_empty()) {
        found(found_at.start(), found_at.end());
    }
}

fn built_in(name: &str) -> Result<Pattern, String> {
    let names = BuiltIn::ALL.map(BuiltIn::name);
    match BuiltIn::ALL
        .into_iter()
        .find(|pattern| pattern.name() == name)
    {
        Some(pattern) => Ok(Pattern::BuiltIn(pattern)),
        None => Err(format!(
            "there is no built-in pattern {name:?}{}; there are {}; your own is {{ name = \"...\", regex = \"...\" }}",
            did_you_mean(name, names),
            names.join(", ")
        )),
    }
}

/// The name stands in the mark, inside texts that may be JSON: it must need no escape.
fn own(name: &str, regex: &str) -> Result<Pattern, (String, String)> {
    let plain = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || "_-".contains(character)
    };
    if name.is_empty()
        || !name.chars().all(plain)
        || BuiltIn::ALL.iter().any(|pattern| pattern.name() == name)
    {
        let message = format!(
            "{name:?} can't be the name of a pattern of your own; write small letters, digits, _ and -"
        );
        return Err((".name".into(), message));
    }
    match RegexBuilder::new(regex).size_limit(REGEX_BYTES).build() {
        Ok(regex) => Ok(Pattern::Own(regex)),
        Err(error) => Err((".regex".into(), regex_mistake(&error))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{PatternConfig, Rules};

    fn rules(names: &[&str]) -> Rules {
        let patterns: Vec<_> = names
            .iter()
            .map(|&name| match name {
                "ticket" => PatternConfig::Own {
                    name: name.into(),
                    regex: "T-[0-9]+".into(),
                },
                built_in => PatternConfig::BuiltIn(built_in.into()),
            })
            .collect();
        Rules::compile(0, Some(&patterns), &mut Vec::new())
    }

    fn places(hits: &[super::Hit]) -> Vec<(usize, usize, usize)> {
        let places = hits.iter().map(|hit| (hit.start, hit.end, hit.rule));
        places.collect()
    }

    #[test]
    fn an_address_alone_is_taken_whole() {
        let rules = rules(&["phone", "email"]);
        for text in [
            "lena.ito@example.com",
            "a@b.co",
            "x_1%+-.@9.mail.Example.ORG",
        ] {
            assert_eq!(rules.whole(text), Some(1), "{text}");
        }
        for text in [
            "",
            "@b.co",
            "a@",
            "a@b",
            "a@b.c",
            "a@b.c1",
            "a@.co",
            "a@b..co",
            "a@b.co.",
            "a@b.co x",
            "a@b@c.de",
            "o'neil@b.co",
            "jörg@b.co",
            "a@b-c.de",
            r"a\u0040b.co",
            "\na@b.co",
        ] {
            assert_eq!(rules.whole(text), None, "{text}");
        }
    }

    /// What a pattern of one's own would find in an address is not known.
    #[test]
    fn beside_own_patterns_every_text_is_searched() {
        assert_eq!(rules(&["email", "ticket"]).whole("a@b.co"), None);
        assert_eq!(rules(&["phone", "card", "secret"]).whole("a@b.co"), None);
    }

    proptest! {
        /// Where a text is taken whole, a search finds just that.
        #[test]
        fn what_is_taken_whole_is_found_whole(
            names in prop::sample::subsequence(vec!["phone", "card", "email", "secret"], 1..=4),
            local in "[a-z0-9._%+'é-]{0,8}|\\+49301234567|4111111111111111|sk-[a-z0-9]{20}",
            domain in "([a-zA-Z0-9]{1,4}[.]){1,3}[a-zA-Z0-9é-]{1,4}[.@]?",
        ) {
            let (rules, text) = (rules(&names), format!("{local}@{domain}"));
            if let Some(rule) = rules.whole(&text) {
                let found = rules.find_at_depth(&text, 0);
                prop_assert_eq!(places(&found), vec![(0, text.len(), rule)]);
                prop_assert_eq!(&found[0].plain, &text);
            }
        }

        /// A text that is passed over has nothing to find, whichever rules there are, its escapes undone or not.
        #[test]
        fn what_is_passed_over_has_nothing(
            names in prop::sample::subsequence(vec!["email", "phone", "card", "secret", "ticket"], 1..=5),
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "ann", "@", "b.co", "\\", "u0040", "u003", "1", "4111 1111 1111 1111", "+49 30 1234567", "sk-",
                    "abcdefghijklmnop1234", "T-7", "\"", " ", "é",
                ]),
                0..8,
            ),
        ) {
            let (rules, text) = (rules(&names), pieces.concat());
            let found = rules.find_at_depth(&text, 0);
            prop_assert!(rules.may_find(&text) || found.is_empty(), "{text}");
            prop_assert_eq!(&rules.find(&text), &found);
            let marks = rules.keeping_plain(false).find(&text);
            prop_assert_eq!(places(&marks), places(&found));
        }
    }
}
