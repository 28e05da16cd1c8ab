//! Labels: words that the owner puts on messages.

use turbomessage_service_kit::{
    fields::{self, Fields},
    problem::Rule,
};
use uuid::Uuid;

/// The most characters in the name of a label or a folder.
const MAX_NAME_CHARACTERS: usize = 64;

/// A label in use, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Whose it is.
    pub owner_id: Uuid,
    /// Its name; case matters.
    pub name: String,
    /// Messages that have it.
    pub total_count: i64,
    /// Those of them that are not read.
    pub unread_count: i64,
}

/// Reads the name of a label or a folder: 1 to 64 characters on one line, without white space
/// around it.
///
/// # Errors
/// What is wrong with it.
pub fn parse_name(name: &str) -> Result<String, Rule> {
    if name.is_empty() {
        return Err(Rule::Required);
    }
    if name.trim() != name {
        return Err(Rule::SpaceAround);
    }
    fields::line(name, MAX_NAME_CHARACTERS)?;
    Ok(name.to_owned())
}

/// Reads a list of labels: sorted, each once.
pub fn parse_labels(fields: &mut Fields, field: &str, names: &[String]) -> Vec<String> {
    let mut labels: Vec<String> = names
        .iter()
        .enumerate()
        .filter_map(|(n, name)| fields.accept(format!("{field}[{n}]"), parse_name(name)))
        .collect();
    labels.sort();
    labels.dedup();
    labels
}

#[cfg(test)]
mod tests {
    use turbomessage_service_kit::problem::Unit;

    use super::*;

    #[test]
    fn names_are_short_lines() {
        assert_eq!(parse_name("Año 2026 ✔"), Ok("Año 2026 ✔".into()));
        assert_eq!(parse_name(&"ñ".repeat(64)), Ok("ñ".repeat(64)));
        assert_eq!(parse_name(""), Err(Rule::Required));
        assert_eq!(parse_name(" x"), Err(Rule::SpaceAround));
        assert_eq!(parse_name("a\r\nb"), Err(Rule::ControlCharacter));
        let too_long = Rule::TooLong(MAX_NAME_CHARACTERS, Unit::Characters);
        assert_eq!(parse_name(&"ñ".repeat(65)), Err(too_long));
    }

    #[test]
    fn labels_are_sorted_each_once_and_the_bad_are_named() {
        let mut fields = Fields::new();
        let names = ["b", "a", "b", ""].map(String::from);
        assert_eq!(parse_labels(&mut fields, "labels", &names), ["a", "b"]);
        let problem = fields.finish().unwrap_err();
        assert_eq!(problem.violations()[0].field, "labels[3]");
    }
}
