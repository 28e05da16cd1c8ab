//! Sets as JSON: ids and bytes in hexadecimal, everything else as it is.

use serde_json::{Value, json};
use uuid::Uuid;

pub(super) fn hex_of(id: Uuid) -> String {
    id.simple().to_string()
}

/// A set as JSON: one element a row.
pub(super) fn set<T>(rows: &[T], row: impl FnMut(&T) -> Value) -> String {
    Value::Array(rows.iter().map(row).collect()).to_string()
}

pub(super) fn ids(ids: &[Uuid]) -> String {
    set(ids, |id| json!(hex_of(*id)))
}
