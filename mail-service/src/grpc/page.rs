//! What an answer shows of what was asked for, and where the next page begins.

use std::collections::HashSet;

use turbomessage_proto::mail_v1 as proto;
use turbomessage_service_kit::{
    fields::parse_id,
    problem::{Problem, Reason},
};
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

/// Every message that was `asked` for is among `shown`, but for those after the last, which did not fit.
///
/// # Errors
/// `MESSAGE_NOT_FOUND`: some were deleted while the texts were read.
pub(super) fn all_there(asked: &[Uuid], shown: &[proto::Message]) -> Result<(), Problem> {
    let shown: HashSet<Uuid> = shown
        .iter()
        .filter_map(|message| parse_id(&message.message_id).ok())
        .collect();
    // Of what was there, at least the first fits.
    let last = asked.iter().rposition(|id| shown.contains(id)).unwrap_or(0);
    let gone = asked.iter().take(last + 1).copied();
    let gone: Vec<Uuid> = gone.filter(|id| !shown.contains(id)).collect();
    if gone.is_empty() {
        Ok(())
    } else {
        Err(Problem::new(Reason::MessageNotFound).with_culprits("message_ids", &gone))
    }
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

    #[test]
    fn what_was_deleted_meanwhile_is_named_and_what_did_not_fit_is_not() {
        let [a, b, c] = [1, 2, 3].map(Uuid::from_u128);
        let judge = |shown: &[Uuid]| {
            let shown = shown.iter().map(|id| proto::Message {
                message_id: id.to_string(),
                ..proto::Message::default()
            });
            let shown: Vec<proto::Message> = shown.collect();
            let missing = all_there(&[a, b, c], &shown).err();
            missing.map(|problem| problem.metadata("message_ids").unwrap().to_owned())
        };
        assert_eq!(judge(&[a, b, c]), None);
        assert_eq!(judge(&[a]), None, "the others did not fit");
        assert_eq!(judge(&[a, c]), Some(b.to_string()));
        assert_eq!(judge(&[c]), Some(format!("{a},{b}")));
        assert_eq!(judge(&[]), Some(a.to_string()));
        assert!(all_there(&[], &[]).is_ok());
    }
}
