//! Reading requests at the edge: every offending field is noted, none is passed over.

use uuid::Uuid;

use crate::problem::{Problem, Rule, Unit, Violation};

/// Collects what is wrong with a request, so that the caller hears of all of it at once.
#[derive(Debug, Default)]
pub struct Fields {
    violations: Vec<Violation>,
}

impl Fields {
    /// Nothing wrong yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that `field` breaks `rule`.
    pub fn reject(&mut self, field: impl Into<String>, rule: Rule) {
        self.violations.push(Violation {
            field: field.into(),
            rule,
        });
    }

    /// The value, or a note about `field`.
    pub fn accept<T>(&mut self, field: impl Into<String>, value: Result<T, Rule>) -> Option<T> {
        value.map_err(|rule| self.reject(field, rule)).ok()
    }

    /// A UUID that must be there.
    pub fn id(&mut self, field: &str, value: &str) -> Option<Uuid> {
        self.accept(field, parse_id(value))
    }

    /// A UUID, or nothing if the field is empty.
    pub fn optional_id(&mut self, field: &str, value: &str) -> Option<Uuid> {
        if value.is_empty() {
            None
        } else {
            self.id(field, value)
        }
    }

    /// A list of UUIDs, with at least one and at most `most`; doubles are dropped, the order stays.
    pub fn ids(&mut self, field: &str, values: &[String], most: usize) -> Vec<Uuid> {
        if values.is_empty() {
            self.reject(field, Rule::Required);
        }
        if values.len() > most {
            self.reject(field, Rule::TooLong(most, Unit::Items));
            return Vec::new();
        }
        let mut seen = std::collections::HashSet::with_capacity(values.len());
        let mut ids = Vec::with_capacity(values.len());
        for (n, value) in values.iter().enumerate() {
            if let Some(id) = self.accept(format!("{field}[{n}]"), parse_id(value))
                && seen.insert(id)
            {
                ids.push(id);
            }
        }
        ids
    }

    /// Whether nothing was wrong so far.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.violations.is_empty()
    }

    /// `FIELD_INVALID` with every note, if there is one.
    ///
    /// # Errors
    /// What was noted.
    pub fn finish(self) -> Result<(), Problem> {
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(Problem::fields(self.violations))
        }
    }
}

/// A UUID in its usual form with hyphens.
///
/// # Errors
/// `Required` if empty, `NotUuid` if it is anything else.
pub fn parse_id(value: &str) -> Result<Uuid, Rule> {
    if value.is_empty() {
        return Err(Rule::Required);
    }
    // Only the one form with hyphens, so that an id has one spelling.
    if value.len() != 36 {
        return Err(Rule::NotUuid);
    }
    Uuid::try_parse(value).map_err(|_| Rule::NotUuid)
}

/// One line of at most `most` characters without control characters (category Cc).
///
/// # Errors
/// `TooLong` or `ControlCharacter`.
pub fn line(value: &str, most: usize) -> Result<(), Rule> {
    if value.chars().count() > most {
        return Err(Rule::TooLong(most, Unit::Characters));
    }
    if value.chars().any(char::is_control) {
        return Err(Rule::ControlCharacter);
    }
    Ok(())
}

/// A username as it is stored: 3 to 32 of `a-z 0-9 . _ -`, starting and ending with a letter or a
/// digit; ASCII upper case is folded.
///
/// # Errors
/// `Required` if empty, `Username` if it is anything else.
pub fn username(value: &str) -> Result<String, Rule> {
    if value.is_empty() {
        return Err(Rule::Required);
    }
    let name = value.to_ascii_lowercase();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    let fits = (3..=32).contains(&bytes.len())
        && bytes.iter().all(|&b| plain(b) || b"._-".contains(&b))
        && plain(bytes[0])
        && plain(bytes[bytes.len() - 1]);
    if fits { Ok(name) } else { Err(Rule::Username) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_folded_or_refused() {
        assert_eq!(username("Ana.Maria-2_x"), Ok("ana.maria-2_x".into()));
        assert_eq!(username(""), Err(Rule::Required));
        for bad in [
            "ab",
            "-ana",
            "ana.",
            "an a",
            "aña",
            "a\0b",
            "ana@x",
            &"a".repeat(33),
        ] {
            assert_eq!(username(bad), Err(Rule::Username), "{bad:?}");
        }
    }

    #[test]
    fn ids_have_one_spelling() {
        let id = Uuid::from_u128(7);
        assert_eq!(parse_id(&id.to_string()), Ok(id));
        assert_eq!(parse_id(&id.simple().to_string()), Err(Rule::NotUuid));
        assert_eq!(parse_id(&format!("{{{id}}}")), Err(Rule::NotUuid));
        assert_eq!(parse_id(""), Err(Rule::Required));
    }
}
