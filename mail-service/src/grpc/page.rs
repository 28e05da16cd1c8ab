//! Where the next page begins.

use turbomessage_proto::mail_v1 as proto;
use turbomessage_service_kit::fields::parse_id;
use uuid::Uuid;

use crate::domain::Cursor;

/// Where the page begins that comes after `shown`, the last of the entries at `places` that the
/// answer shows: one that went meanwhile is not shown, one that did not fit comes on the next page.
pub(super) fn next_page(places: &[Cursor], shown: Option<Uuid>, more: bool) -> Option<Cursor> {
    let end = match shown {
        Some(shown) => places.iter().position(|place| place.id == shown),
        None => places.len().checked_sub(1),
    };
    match end {
        Some(end) if more || end + 1 < places.len() => Some(places[end]),
        _ => None,
    }
}

/// The id of the last of `messages`.
pub(super) fn last_id(messages: &[proto::Message]) -> Option<Uuid> {
    parse_id(&messages.last()?.message_id).ok()
}

#[cfg(test)]
mod tests {
    use turbomessage_service_kit::clock::Timestamp;

    use super::*;

    #[test]
    fn a_page_ends_after_the_last_entry_that_was_shown() {
        let id = Uuid::from_u128;
        let place = |n: u128| Cursor {
            time: Timestamp::from_micros(-i64::try_from(n).unwrap()),
            id: id(n),
        };
        let next = |last: Option<u128>, more| {
            let next = next_page(&[place(1), place(2), place(3)], last.map(id), more);
            next.map(|place| place.id)
        };
        assert_eq!(next(Some(3), true), Some(id(3)));
        assert_eq!(next(Some(3), false), None, "the last page");
        assert_eq!(next(Some(1), false), Some(id(1)), "the others did not fit");
        assert_eq!(next(None, true), Some(id(3)), "all of them went meanwhile");
        assert_eq!(next_page(&[], None, false), None);
    }
}
