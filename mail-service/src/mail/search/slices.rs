//! Slices of time, newest first, and where in them the words of a query are found.

use std::collections::VecDeque;

use turbomessage_service_kit::{clock::Timestamp, problem::Problem};
use uuid::Uuid;

use super::{Mail, people::People, rest::rest, segments::Segments};
use crate::{
    indexing::{document, people},
    search::{self, Leaf, Query, Window},
    store::{Segment, Unindexed},
};

/// How many times as many messages each group of segments has as the one before: a word that is in many
/// fills a page from the first, and one that is neither that nor rare is found in few steps.
const GROWTH: i64 = 8;
/// How often words may be found in a group: all of it is held in memory.
const LARGEST_GROUP: i64 = 1 << 20;
/// A mailbox with more than this is indexed before long.
const WORTH_A_HINT: usize = 128;

/// A stretch of time, and when the messages came in it where each leaf of the query is found, newest
/// first.
pub(super) struct Slice {
    pub(super) window: Window,
    pub(super) hits: Vec<Vec<i64>>,
}

impl Slice {
    /// The same, as [`search::candidates`] takes it.
    pub(super) fn known(&self) -> Vec<Option<&[i64]>> {
        self.hits.iter().map(|hits| Some(hits.as_slice())).collect()
    }
}

/// What is still to be looked through.
pub(super) struct Slices {
    owner: Uuid,
    window: Window,
    /// Stretches that are not indexed, newest first: after the first time, up to the second.
    unindexed: VecDeque<(Timestamp, Timestamp)>,
    /// Groups of segments that overlap with no others, newest first.
    groups: VecDeque<Vec<Segment>>,
    /// The newest instant not looked through yet.
    newest: i64,
    /// How many messages are looked through at once, and at the most.
    group: i64,
    largest: i64,
    /// Whether the next group is the first, or the second.
    first: bool,
    second: bool,
    ended: bool,
}

impl Slices {
    pub(super) async fn begin(
        mail: &Mail,
        owner: Uuid,
        query: &Query,
        window: Window,
    ) -> Result<Self, Problem> {
        let mut slices = Self {
            owner,
            window,
            unindexed: VecDeque::new(),
            groups: VecDeque::new(),
            newest: window.newest,
            group: mail.steps.first_group,
            largest: largest_group(query.leaves.len()),
            first: true,
            second: false,
            ended: window.newest < window.oldest,
        };
        if query.leaves.is_empty() || slices.ended {
            return Ok(slices);
        }
        // First how far the index goes, then the index, then the rest: what is indexed meanwhile is
        // in both, and is looked at in the rest alone.
        let mut indexed = mail.mailbox(owner).await?.indexed_time;
        let mut segments = mail.store.segments(owner).await?;
        if segments.iter().any(|s| s.tokenizer != search::VERSION) {
            mail.hints.look_at(owner);
            segments.clear();
            indexed = Timestamp::from_micros(0);
        }
        segments.retain(|segment| segment.oldest_time <= indexed);
        slices.groups = apart(segments);
        let rest = rest(mail, owner, indexed, window).await?;
        if rest.seen > WORTH_A_HINT {
            mail.hints.look_at(owner);
        }
        // What comes from now on was not read: nobody could say what is not in it.
        slices.newest = window.newest.min(rest.last.max(indexed).as_micros());
        slices.window.newest = slices.newest;
        slices.ended = slices.newest < window.oldest;
        slices.unindexed = rest.stretches();
        Ok(slices)
    }

    /// The stretch of time that is looked through.
    pub(super) fn window(&self) -> Window {
        self.window
    }

    pub(super) async fn next(
        &mut self,
        mail: &Mail,
        query: &Query,
        people: &mut People,
    ) -> Result<Option<Slice>, Problem> {
        if self.ended {
            return Ok(None);
        }
        if let Some(stretch) = self.unindexed.pop_front() {
            return self.read(mail, query, people, stretch).await.map(Some);
        }
        // A page that the first group did not fill is one of rare words, most likely.
        if std::mem::take(&mut self.second)
            && let Some(slice) = self.all_at_once(mail, query, people).await?
        {
            return Ok(Some(slice));
        }
        let group = self.next_group();
        self.second = std::mem::take(&mut self.first);
        let Some(oldest) = group.iter().map(|s| s.oldest_time.as_micros()).min() else {
            // Nothing is found before the first message; but what is not found is meant by `-x`.
            let rest = self.slice(i64::MIN, vec![Vec::new(); query.leaves.len()]);
            self.ended = true;
            return Ok(Some(rest));
        };
        let window = self.window.and(Window {
            oldest,
            newest: self.newest,
        });
        let segments = Segments {
            mail,
            owner: self.owner,
            all: &group,
            leaves: people.by_leaf(query).collect(),
            window,
        };
        let hits = segments.search().await?;
        Ok(Some(self.slice(oldest, hits)))
    }

    /// All segments that are left, if the words of `query` are so rare that little has to be read.
    async fn all_at_once(
        &mut self,
        mail: &Mail,
        query: &Query,
        people: &People,
    ) -> Result<Option<Slice>, Problem> {
        let left = self.groups.iter().flatten().copied();
        let left: Vec<Segment> = left.filter(|s| overlaps(s, self.window)).collect();
        let Some(oldest) = left.iter().map(|s| s.oldest_time.as_micros()).min() else {
            return Ok(None);
        };
        let segments = Segments {
            mail,
            owner: self.owner,
            all: &left,
            leaves: people.by_leaf(query).collect(),
            window: self.window.and(Window {
                oldest,
                newest: self.newest,
            }),
        };
        let Some(hits) = segments.search_rare(query).await? else {
            return Ok(None);
        };
        self.groups.clear();
        Ok(Some(self.slice(oldest, hits)))
    }

    /// The slice down to `oldest`; the next one begins there.
    fn slice(&mut self, oldest: i64, hits: Vec<Vec<i64>>) -> Slice {
        let window = self.window.and(Window {
            oldest,
            newest: self.newest,
        });
        self.newest = oldest.saturating_sub(1);
        self.ended = oldest <= self.window.oldest;
        Slice { window, hits }
    }

    /// Reads messages that are not indexed.
    async fn read(
        &mut self,
        mail: &Mail,
        query: &Query,
        people: &mut People,
        (after, until): (Timestamp, Timestamp),
    ) -> Result<Slice, Problem> {
        let oldest = after.as_micros().saturating_add(1);
        let messages = mail.store.unindexed(self.owner, (after, until)).await?;
        let named = messages
            .iter()
            .flat_map(|m| crate::indexing::people(&m.participants));
        let named: Vec<Uuid> = named.map(|(id, _)| id).collect();
        people.learn(mail, query, named).await?;
        let leaves = people.by_leaf(query);
        let leaves: Vec<(Leaf, Vec<Uuid>)> = leaves
            .map(|(leaf, ids)| (leaf.clone(), ids.to_vec()))
            .collect();
        let hits = tokio::task::spawn_blocking(move || match_all(&messages, &leaves)).await;
        let hits = hits.map_err(Problem::internal)?;
        Ok(self.slice(oldest, hits))
    }

    /// The next segments to search at once.
    fn next_group(&mut self) -> Vec<Segment> {
        let mut group = Vec::new();
        let mut messages = 0;
        while messages < self.group
            && let Some(segments) = self.groups.pop_front()
        {
            let newest = segments.iter().map(|s| s.newest_time.as_micros()).max();
            let oldest = segments.iter().map(|s| s.oldest_time.as_micros()).min();
            if newest < Some(self.window.oldest) {
                self.groups.clear();
                break;
            }
            if oldest > Some(self.window.newest) {
                continue;
            }
            messages += segments.iter().map(|s| s.message_count).sum::<i64>();
            group.extend(segments);
        }
        self.group = self.largest.min(self.group * GROWTH);
        group
    }
}

fn overlaps(segment: &Segment, window: Window) -> bool {
    let (oldest, newest) = (segment.oldest_time, segment.newest_time);
    oldest.as_micros() <= window.newest && newest.as_micros() >= window.oldest
}

/// The most messages to look through at once for so many leaves of a query.
fn largest_group(leaves: usize) -> i64 {
    LARGEST_GROUP / i64::try_from(leaves.max(1)).unwrap_or(LARGEST_GROUP)
}

/// Segments, newest first; those that overlap stay together.
fn apart(mut segments: Vec<Segment>) -> VecDeque<Vec<Segment>> {
    segments.sort_by_key(|segment| std::cmp::Reverse(segment.newest_time));
    let mut groups: VecDeque<Vec<Segment>> = VecDeque::new();
    let mut oldest = None;
    for segment in segments {
        match groups.back_mut() {
            Some(group) if Some(segment.newest_time) >= oldest => group.push(segment),
            _ => {
                oldest = None;
                groups.push_back(vec![segment]);
            }
        }
        oldest = Some(oldest.map_or(segment.oldest_time, |o| segment.oldest_time.min(o)));
    }
    groups
}

fn match_all(messages: &[Unindexed], leaves: &[(Leaf, Vec<Uuid>)]) -> Vec<Vec<i64>> {
    let leaves: Vec<(&Leaf, &[Uuid])> = leaves
        .iter()
        .map(|(leaf, people)| (leaf, people.as_slice()))
        .collect();
    let mut hits = vec![Vec::new(); leaves.len()];
    for message in messages.iter().rev() {
        let people = people(&message.participants);
        let found = search::matching(&document(message, &people), &leaves);
        for (hits, found) in hits.iter_mut().zip(found) {
            if found {
                hits.push(message.receive_time.as_micros());
            }
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn segment((oldest, length): (i64, i64)) -> Segment {
        Segment {
            owner_id: Uuid::nil(),
            segment_id: Uuid::nil(),
            tokenizer: search::VERSION,
            message_count: 1,
            oldest_time: at(oldest),
            newest_time: at(oldest + length),
        }
    }

    proptest! {
        #[test]
        fn segments_that_overlap_stay_together(
            stretches in prop::collection::vec((0..100_i64, 0..20_i64), 0..12),
        ) {
            let groups = apart(stretches.iter().copied().map(segment).collect());
            prop_assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), stretches.len());
            let oldest = groups.iter().map(|group| group.iter().map(|s| s.oldest_time).min());
            let newest = groups.iter().map(|group| group.iter().map(|s| s.newest_time).max());
            for (oldest, newest_of_next) in oldest.zip(newest.skip(1)) {
                prop_assert!(newest_of_next < oldest);
            }
        }
    }
}
