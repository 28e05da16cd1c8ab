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
