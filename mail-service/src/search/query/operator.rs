//! Operators and the values that they take.

use time::{Date, Month};

use super::{Attribute, Place, Scope};
use crate::{domain::FolderRole, search::tokenizer::fold};

const OPERATORS: [&str; 12] = [
    "from", "to", "cc", "subject", "in", "label", "is", "has", "before", "after", "larger",
    "smaller",
];

/// The operator called `name`, in whatever case.
pub(super) fn find(name: &str) -> Option<&'static str> {
    OPERATORS
        .into_iter()
        .find(|operator| name.eq_ignore_ascii_case(operator))
}

/// Where `operator` searches words, if it does.
pub(super) fn scope(operator: &str) -> Option<Scope> {
    match operator {
        "from" => Some(Scope::From),
        "to" => Some(Scope::To),
        "cc" => Some(Scope::Cc),
        "subject" => Some(Scope::Subject),
        _ => None,
    }
}

/// What `operator` asks for with `value`, if it knows it.
pub(super) fn attribute(operator: &str, value: &str) -> Option<Attribute> {
    let name = fold(value);
    match (operator, name.as_str()) {
        ("is", "read") => Some(Attribute::Read(true)),
        ("is", "unread") => Some(Attribute::Read(false)),
        ("is", "starred") => Some(Attribute::Starred),
        ("has", "attachment") => Some(Attribute::HasAttachment),
        ("before", _) => date(value).map(Attribute::Before),
        ("after", _) => date(value).map(Attribute::After),
        ("larger", _) => size(value).map(Attribute::Larger),
        ("smaller", _) => size(value).map(Attribute::Smaller),
        ("label", _) => Some(Attribute::Label(name)),
        ("in", _) => Some(Attribute::In(place(name))),
        _ => None,
    }
}

fn place(name: String) -> Place {
    let is = |role: &FolderRole| role.name().eq_ignore_ascii_case(&name);
    match FolderRole::ALL.into_iter().find(is) {
        Some(role) => Place::Role(role),
        None if name == "anywhere" => Place::Anywhere,
        None => Place::Named(name),
    }
}

/// A day written `YYYY-MM-DD`.
fn date(value: &str) -> Option<Date> {
    let (year, rest) = value.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let month = Month::try_from(u8::try_from(digits(month, 2)?).ok()?).ok()?;
    let day = digits(day, 2)?.try_into().ok()?;
    Date::from_calendar_date(digits(year, 4)?, month, day).ok()
}

fn digits(text: &str, count: usize) -> Option<i32> {
    let only = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    only.then(|| text.parse().ok())?
}

/// Bytes, or kibibytes with `K`, or mebibytes with `M`.
fn size(value: &str) -> Option<i64> {
    let (number, unit) = match value.as_bytes().last()? {
        b'k' | b'K' => (&value[..value.len() - 1], 1 << 10),
        b'm' | b'M' => (&value[..value.len() - 1], 1 << 20),
        _ => (value, 1),
    };
    let only = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    only.then(|| number.parse::<i64>().ok()?.checked_mul(unit))?
}
