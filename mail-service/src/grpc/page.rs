//! Where the next page begins.

use turbomessage_proto::mail_v1 as proto;
use turbomessage_service_kit::fields::parse_id;
use uuid::Uuid;

use crate::domain::{Cursor, List};

/// The token of the page that begins after `shown`, the last of the entries at `places` that the
/// answer shows: one that went meanwhile is not shown, one that did not fit comes on the next page.
pub(super) fn next_page(
    places: &[Cursor],
    shown: Option<Uuid>,
    more: bool,
    list: &List<'_>,
) -> String {
    let end = match shown {
        Some(shown) => places.iter().position(|place| place.id == shown),
        None => places.len().checked_sub(1),
    };
    match end {
        Some(end) if more || end + 1 < places.len() => places[end].encode(list),
        _ => String::new(),
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
        let list = List::Threads {
            owner_id: id(7),
            folder_id: id(8),
        };
        let next = |last: Option<u128>, more| {
            let token = next_page(&[place(1), place(2), place(3)], last.map(id), more, &list);
            Cursor::decode(&token, &list).unwrap().map(|place| place.id)
        };
        assert_eq!(next(Some(3), true), Some(id(3)));
        assert_eq!(next(Some(3), false), None, "the last page");
        assert_eq!(next(Some(1), false), Some(id(1)), "the others did not fit");
        assert_eq!(next(None, true), Some(id(3)), "all of them went meanwhile");
        assert_eq!(next_page(&[], None, false, &list), "");
    }
}
