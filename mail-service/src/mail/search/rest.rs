//! What is not indexed yet, cut into stretches that can be read at once.

use std::collections::VecDeque;

use turbomessage_service_kit::{clock::Timestamp, problem::Problem};
use uuid::Uuid;

use super::Mail;
use crate::search::Window;

/// How much of what is not indexed is read at once.
const MOST_BYTES: i64 = 4 * 1024 * 1024;
const MOST_MESSAGES: usize = 500;
/// How many of what is not indexed are asked after at once.
const SIZES: usize = 10_000;

/// Such stretches, as they are made.
pub(super) struct Rest {
    /// Newest first: after the first time, up to the second.
    whole: VecDeque<(Timestamp, Timestamp)>,
    /// Where the stretch begins that is not whole yet, and where it ends so far.
    after: Timestamp,
    pub(super) last: Timestamp,
    bytes: i64,
    messages: usize,
    /// How many messages there are in all stretches.
    pub(super) seen: usize,
}

impl Rest {
    fn after(after: Timestamp) -> Self {
        Self {
            whole: VecDeque::new(),
            after,
            last: after,
            bytes: 0,
            messages: 0,
            seen: 0,
        }
    }

    /// Adds the next message.
    fn add(&mut self, time: Timestamp, size: i64) {
        let full = self.messages >= MOST_MESSAGES || self.bytes + size > MOST_BYTES;
        if self.messages > 0 && full {
            self.finish();
        }
        self.bytes += size;
        self.messages += 1;
        self.seen += 1;
        self.last = time;
    }

    fn finish(&mut self) {
        self.whole.push_front((self.after, self.last));
        (self.after, self.bytes, self.messages) = (self.last, 0, 0);
    }

    pub(super) fn stretches(mut self) -> VecDeque<(Timestamp, Timestamp)> {
        if self.messages > 0 {
            self.finish();
        }
        self.whole
    }
}

/// What of `window` is not indexed. A mailbox may have a great deal of it: what is kept of that is
/// only where it is cut.
pub(super) async fn rest(
    mail: &Mail,
    owner: Uuid,
    indexed: Timestamp,
    window: Window,
) -> Result<Rest, Problem> {
    let limit = i64::try_from(SIZES).unwrap_or(i64::MAX);
    let before = Timestamp::from_micros(window.oldest.saturating_sub(1));
    let mut rest = Rest::after(indexed.max(before));
    while rest.last.as_micros() < window.newest {
        let sizes = mail.store.unindexed_sizes(owner, rest.last, limit).await?;
        for &(time, size) in &sizes {
            if time.as_micros() > window.newest {
                return Ok(rest);
            }
            rest.add(time, size);
        }
        if sizes.len() < SIZES {
            break;
        }
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    /// Mostly so small that the number of messages counts, not their bytes.
    fn size() -> impl Strategy<Value = i64> {
        prop_oneof![200 => Just(1), 1 => 0..MOST_BYTES / 3]
    }

    proptest! {
        #[test]
        fn every_message_is_in_one_stretch_and_no_stretch_is_too_large(
            messages in prop::collection::vec((1..5_i64, size()), 0..1500),
            after in -3..3_i64,
        ) {
            let mut rest = Rest::after(at(after));
            let (mut time, mut sizes) = (after, BTreeMap::new());
            for (gap, size) in &messages {
                time += gap;
                sizes.insert(time, *size);
                rest.add(at(time), *size);
            }
            prop_assert_eq!(rest.seen, messages.len());
            let mut end = time;
            for (begin, until) in rest.stretches() {
                prop_assert_eq!(until.as_micros(), end, "one ends where the other begins");
                end = begin.as_micros();
                let inside = sizes.range(end + 1..=until.as_micros());
                prop_assert!((1..=MOST_MESSAGES).contains(&inside.clone().count()));
                prop_assert!(inside.map(|(_, size)| size).sum::<i64>() <= MOST_BYTES);
            }
            prop_assert_eq!(end, after);
        }
    }
}
