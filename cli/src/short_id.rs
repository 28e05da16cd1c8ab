//! Short forms of ids. A UUIDv7 begins with the time, so that the ids of neighbours look alike;
//! its last group is random. People are shown the beginning of the last group, as long as it takes
//! to tell the ids on one page apart, and may give the beginning of the last group or of the whole.

use std::{collections::HashMap, str::FromStr};

use crate::failure::Failure;

/// Ids are shown with at least this many characters.
const SHOWN: usize = 8;
/// Fewer characters than these are more likely a slip than an id.
const LEAST: usize = 4;
/// The length of a whole id.
const WHOLE: usize = 36;
/// How many ids are named where one was meant.
const MAX_CANDIDATES: usize = 10;

/// An id, or the beginning of one, as somebody gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShortId(String);

impl ShortId {
    /// The id, if this is a whole one.
    pub(crate) fn whole(&self) -> Option<&str> {
        (self.0.len() == WHOLE).then_some(&self.0)
    }

    /// Whether this can mean `id`.
    pub(crate) fn means(&self, id: &str) -> bool {
        id.starts_with(&self.0) || last_group(id).starts_with(&self.0)
    }
}

impl FromStr for ShortId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = |c: char| c.is_ascii_hexdigit() || c == '-';
        if !(LEAST..=WHOLE).contains(&text.len()) || !text.chars().all(known) {
            return Err(format!(
                "an id is made of 0-9, a-f and '-': give at least its first {LEAST} characters"
            ));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// Finds the ids that short ones mean while the ids there are come in.
pub(crate) struct Search<'a> {
    wanted: Vec<(&'a ShortId, Vec<String>)>,
}

impl<'a> Search<'a> {
    /// A search for what each of `wanted` means.
    pub(crate) fn new(wanted: &'a [ShortId]) -> Self {
        let found = |short: &'a ShortId| {
            let whole = short.whole().map(str::to_owned);
            (short, whole.into_iter().collect())
        };
        Self {
            wanted: wanted.iter().map(found).collect(),
        }
    }

    /// Whether whole ids were all that was given: nothing needs to be looked at.
    pub(crate) fn is_over(&self) -> bool {
        let open = |(short, _): &(&ShortId, _)| short.whole().is_none();
        !self.wanted.iter().any(open)
    }

    /// Looks at one id that there is.
    pub(crate) fn look_at(&mut self, id: &str) {
        self.look_at_name(id, id);
    }

    /// Looks at one id that there is, which is also known by the id `name`.
    pub(crate) fn look_at_name(&mut self, name: &str, id: &str) {
        for (short, found) in &mut self.wanted {
            let new = short.whole().is_none() && found.len() < MAX_CANDIDATES;
            if new && short.means(name) && !found.iter().any(|known| known == id) {
                found.push(id.to_owned());
            }
        }
    }

    /// The ids that were meant, in the order asked for, each once; `what` and `reason` say what
    /// they are ids of if one means nothing or several.
    pub(crate) fn finish(self, what: &str, reason: &str) -> Result<Vec<String>, Failure> {
        let mut ids: Vec<String> = Vec::new();
        for (short, mut found) in self.wanted {
            let text = &short.0;
            if found.len() > 1 {
                return Err(Failure::usage(format!(
                    "{text} is the beginning of more than one {what}: {}",
                    found.join(", ")
                ))
                .hint("give more of it, or the whole id"));
            }
            let id = found.pop().ok_or_else(|| {
                Failure::not_found(
                    reason,
                    format!("No {what} has an id that begins with {text}."),
                )
            })?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }
}

/// The short form of each of `ids`, all of the same length and no two alike.
pub(crate) fn shorten<'a>(ids: &[&'a str]) -> Vec<&'a str> {
    let distinct = |length: usize| {
        let mut seen: HashMap<&str, &str> = HashMap::new();
        ids.iter().all(|id| {
            let short = start(last_group(id), length);
            *seen.entry(short).or_insert(id) == *id
        })
    };
    match (SHOWN..=12).find(|length| distinct(*length)) {
        Some(length) => ids.iter().map(|id| start(last_group(id), length)).collect(),
        None => ids.to_vec(),
    }
}

fn last_group(id: &str) -> &str {
    id.rsplit('-').next().unwrap_or(id)
}

fn start(text: &str, length: usize) -> &str {
    text.get(..length).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0199a8f3-1c2b-7abc-8def-3fa2c1d00001";
    const B: &str = "0199a8f3-1c2b-7abd-8def-3fa2c1d0ffff";
    const C: &str = "0199a8f4-0000-7abd-8def-aaaabbbbcccc";

    fn find(wanted: &[&str]) -> Result<Vec<String>, Failure> {
        let wanted: Vec<ShortId> = wanted.iter().map(|text| text.parse().unwrap()).collect();
        let mut search = Search::new(&wanted);
        for id in [A, B, C, A] {
            search.look_at(id);
        }
        search.finish("message", "MESSAGE_NOT_FOUND")
    }

    #[test]
    fn shown_ids_are_as_long_as_it_takes_to_tell_them_apart() {
        assert_eq!(shorten(&[A, C]), ["3fa2c1d0", "aaaabbbb"]);
        assert_eq!(shorten(&[A, B]), ["3fa2c1d00", "3fa2c1d0f"]);
        assert_eq!(shorten(&[A, A]), ["3fa2c1d0", "3fa2c1d0"], "one id, twice");
        let twin = "1199a8f3-1c2b-7abc-8def-3fa2c1d00001";
        assert_eq!(shorten(&[A, twin]), [A, twin]);
        assert!(shorten(&[]).is_empty());
    }

    #[test]
    fn the_beginning_of_an_id_or_of_its_last_group_is_enough() {
        assert_eq!(find(&["0199a8f4"]).unwrap(), [C]);
        assert_eq!(find(&["AAAA", "3fa2c1d0f"]).unwrap(), [C, B]);
        assert_eq!(find(&["0199a8f3-1c2b-7abc"]).unwrap(), [A]);
        assert_eq!(find(&["0199a8f4", "aaaa", C]).unwrap(), [C], "named thrice");
    }

    #[test]
    fn one_that_means_several_is_refused_and_names_them() {
        let failure = find(&["3fa2c1d0"]).unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        assert!(failure.message.contains(A) && failure.message.contains(B));
    }

    #[test]
    fn one_that_means_nothing_is_not_found() {
        assert_eq!(find(&["ffff"]).unwrap_err().exit_code(), 5);
    }

    #[test]
    fn a_whole_id_needs_no_search() {
        let wanted = [A.to_uppercase().parse().unwrap()];
        let search = Search::new(&wanted);
        assert!(search.is_over());
        assert_eq!(search.finish("message", "").unwrap(), [A]);
    }

    #[test]
    fn what_cannot_be_an_id_is_refused() {
        for text in ["", "3fa", "hello", "3fa2c1d0 ", &"a".repeat(37)] {
            assert!(text.parse::<ShortId>().is_err(), "{text:?}");
        }
    }
}
