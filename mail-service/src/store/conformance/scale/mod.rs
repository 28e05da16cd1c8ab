//! Mailboxes of several sizes beside each other, and how long it takes to read in each of them. Not a
//! promise but a measurement: see `docs/performance.md`.

mod fill;
mod marking;
mod plans;
mod reading;

use std::time::Duration;

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

pub use self::{
    marking::Marked,
    plans::{plans_on_postgres, plans_on_sqlite},
    reading::{READINGS, Reading},
};
use super::{office::Office, search::Library};
use crate::{
    domain::{Began, Copy, Cursor, State, Walk},
    store::SharedStore,
};

/// Those who write to the mailboxes; each keeps a copy of what was sent.
const SENDERS: usize = 10;
/// More than is ever put into a mailbox.
const AMPLE: i64 = 1 << 40;

/// A store with mailboxes to measure.
#[derive(Debug)]
pub struct Scale {
    library: Library,
    senders: Vec<Uuid>,
}

/// A mailbox of a known size, all of it indexed.
#[derive(Debug)]
pub struct Filled {
    /// Whose it is.
    pub owner: Uuid,
    /// How many messages are in its Inbox.
    pub messages: usize,
    inbox: Uuid,
    /// The message in the middle of the Inbox.
    middle: Copy,
    /// Where the history stood shortly before its end.
    recently: State,
}

impl Filled {
    fn deep(&self) -> Cursor {
        Cursor::after(&self.middle)
    }

    fn deep_walk(&self) -> Walk {
        Walk {
            // Nothing came since.
            began: Began {
                time: Timestamp::from_micros(i64::MAX - 1),
                change: i64::MAX,
            },
            place: self.deep(),
        }
    }
}

impl Scale {
    /// In an empty store.
    pub async fn new(store: SharedStore) -> Self {
        let library = Library::of(Office::with_quota(store, AMPLE, AMPLE));
        let mut senders = Vec::new();
        for number in 0..SENDERS {
            let name = format!("sender{number}");
            senders.push(library.person(&name, &name).await);
        }
        Self { library, senders }
    }
}

/// The middle one of `times`, and the fastest.
#[must_use]
pub fn median_and_least(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[0])
}
