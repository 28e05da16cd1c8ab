//! Searching while the index is made, and making it: several at once, cut short, for mailboxes that go
//! away.

use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use tokio::time::timeout;
use turbomessage_service_kit::clock::{ManualClock, SharedClock};
use uuid::Uuid;

use super::{
    letter::{Letter, letter},
    office::{NOW, nothing, people},
    search::Library,
};
use crate::{
    commit::{Modify, Place},
    domain::FolderRole,
    search::{Block, VERSION},
    store::{Key, Segment, SegmentState, SharedStore},
};

/// As many messages as make a segment.
const SEGMENT: usize = 64;
/// As many segments as are merged.
const MERGED: usize = 8;
const DAY: Duration = Duration::from_secs(86_400);

/// The message of this number.
fn message(from: Uuid, to: Uuid, number: usize) -> Letter {
    let text = format!("common modulo{} unique{number}", number % 7);
    letter(from, &[to])
        .with_subject(number.to_string())
        .with_text(text)
}

impl Library {
    async fn send_all(&self, from: Uuid, to: Uuid, numbers: Range<usize>) {
        let letters: Vec<Letter> = numbers.map(|n| message(from, to, n)).collect();
        join_all(letters.iter().map(|letter| self.office.send(letter))).await;
    }

    /// The numbers of what `query` finds, newest first, each page being of this size.
    async fn numbers(&self, owner: Uuid, query: &str, size: i32) -> Vec<usize> {
        let found = self.pages(owner, query, size).await.unwrap();
        let numbers = found.iter().map(|copy| copy.subject.parse().unwrap());
        numbers.collect()
    }

    /// How many messages are in the segments that are searched.
    async fn indexed(&self, owner: Uuid) -> i64 {
        let segments = self.office.store.segments(owner).await.unwrap();
        segments.iter().map(|segment| segment.message_count).sum()
    }

    /// The owner's segments that are being written, or were replaced.
    async fn unused(&self, owner: Uuid) -> Vec<Key> {
        let store = &self.office.store;
        let all = store.unused_segments(NOW.plus(DAY * 365), i64::from(i32::MAX));
        let mut all = all.await.unwrap();
        all.retain(|key| key.0 == owner);
        all
    }

    /// Adds a segment with the same blocks as `one`.
    async fn add_twin(&self, one: &Segment, state: SegmentState) -> Segment {
        let store = &self.office.store;
        let blocks = store.blocks_after((one.owner_id, one.segment_id), &[], 10_000);
        let blocks = blocks.await.unwrap();
        let twin = Segment {
            segment_id: Uuid::new_v4(),
            ..*one
        };
        let (key, now) = ((twin.owner_id, twin.segment_id), self.indexer.clock.now());
        let mut transaction = store.begin().await.unwrap();
        transaction.lock_mailboxes(&[one.owner_id]).await.unwrap();
        transaction.add_segment(&twin, state, now).await.unwrap();
        transaction.add_blocks(key, &blocks).await.unwrap();
        transaction.commit().await.unwrap();
        twin
    }

    async fn has_blocks(&self, segment: Key) -> bool {
        let blocks = self.office.store.blocks_after(segment, &[], 1).await;
        !blocks.unwrap().is_empty()
    }
}

fn down_from(count: usize) -> Vec<usize> {
    (0..count).rev().collect()
}

pub(super) async fn what_was_acknowledged_is_found_once_while_the_index_is_made(
    store: SharedStore,
) {
    const MESSAGES: usize = SEGMENT * (MERGED + 2);
    let library = Library::new(store);
    let [ana, ben] = people();
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let sending = tokio::spawn({
        let (library, acknowledged) = (library.clone(), Arc::clone(&acknowledged));
        async move {
            for first in (0..MESSAGES).step_by(16) {
                library.send_all(ana, ben, first..first + 16).await;
                acknowledged.store(first + 16, Ordering::SeqCst);
            }
        }
    });
    let indexing = tokio::spawn({
        let (library, acknowledged) = (library.clone(), Arc::clone(&acknowledged));
        async move {
            while acknowledged.load(Ordering::SeqCst) < MESSAGES {
                library.index(ben).await;
            }
        }
    });
    let mut before = 0;
    while before < MESSAGES {
        before = acknowledged.load(Ordering::SeqCst);
        for query in ["common", "in:inbox", "in:inbox -nothing"] {
            let found = library.numbers(ben, query, 37).await;
            let count = found.len();
            assert!(count >= before, "{query}: {count} of {before}");
            assert_eq!(found, down_from(count), "{query}");
        }
        let without = library.numbers(ben, "-common", 37).await;
        assert_eq!(without, [0; 0], "all have the word, whenever they come");
    }
    sending.await.unwrap();
    indexing.await.unwrap();
    library.index(ben).await;
    assert!(library.segments(ben).await < MERGED, "some were merged");
    let found = library.numbers(ben, "modulo3", 10).await;
    let expected = down_from(MESSAGES).into_iter().filter(|n| n % 7 == 3);
    assert!(found.into_iter().eq(expected));
}

pub(super) async fn searches_see_marks_while_they_are_made(store: SharedStore) {
    const MESSAGES: usize = 2000;
    const BATCH: usize = 100;
    let library = Library::new(store);
    let [ana, ben] = people();
    for first in (0..MESSAGES).step_by(BATCH) {
        library.send_all(ana, ben, first..first + BATCH).await;
    }
    library.index(ben).await;
    let inbox = library.office.inbox(ben).await;
    let ids: Vec<Uuid> = inbox.iter().map(|copy| copy.message_id).collect();
    let [begun, done] = std::array::from_fn(|_| Arc::new(AtomicUsize::new(0)));
    // Newest first: a page is full of what is being marked.
    let marking = tokio::spawn({
        let (library, begun, done) = (library.clone(), Arc::clone(&begun), Arc::clone(&done));
        async move {
            for batch in ids.chunks(BATCH) {
                begun.fetch_add(batch.len(), Ordering::SeqCst);
                let modify = Modify {
                    read: Some(true),
                    ..nothing(ben, batch)
                };
                library.office.modify(modify).await.unwrap();
                done.fetch_add(batch.len(), Ordering::SeqCst);
            }
        }
    });
    loop {
        let read_before = done.load(Ordering::SeqCst);
        for query in ["is:unread", "common is:unread"] {
            let found = library.numbers(ben, query, 70).await;
            let read_after = begun.load(Ordering::SeqCst);
            let found: BTreeSet<usize> = found.into_iter().collect();
            let mut read = MESSAGES - read_before..MESSAGES;
            let mut unread = 0..MESSAGES - read_after;
            assert!(read.all(|n| !found.contains(&n)), "{query}: read before");
            assert!(unread.all(|n| found.contains(&n)), "{query}: still unread");
        }
        let all = library.numbers(ben, "common", 500).await;
        assert_eq!(all, down_from(MESSAGES));
        if read_before == MESSAGES {
            break;
        }
    }
    marking.await.unwrap();
}

pub(super) async fn what_moves_while_it_is_searched_for_is_found_once(store: SharedStore) {
    const MESSAGES: usize = 600;
    const SEARCHES: usize = 30;
    let library = Library::new(store);
    let [ana, ben] = people();
    library.send_all(ana, ben, 0..MESSAGES).await;
    library.index(ben).await;
    let inbox = library.office.inbox(ben).await;
    let ids: Vec<Uuid> = inbox.iter().map(|copy| copy.message_id).collect();
    let ended = AtomicBool::new(false);
    let moving = async {
        let roles = [FolderRole::Archive, FolderRole::Inbox];
        for role in roles.into_iter().cycle() {
            for batch in ids.chunks(60) {
                let modify = Modify {
                    place: Some(Place::Role(role)),
                    ..nothing(ben, batch)
                };
                library.office.modify(modify).await.unwrap();
            }
            if ended.load(Ordering::SeqCst) {
                break;
            }
        }
    };
    let searching = async {
        for _ in 0..SEARCHES {
            let found = library.numbers(ben, "common", 500).await;
            assert_eq!(found, down_from(MESSAGES));
            // Found folder by folder: none comes twice.
            library.numbers(ben, "is:unread", 500).await;
        }
        ended.store(true, Ordering::SeqCst);
    };
    futures::join!(moving, searching);
    let found = library.numbers(ben, "is:unread", 500).await;
    assert_eq!(found, down_from(MESSAGES));
}

pub(super) async fn two_indexers_at_once_make_no_doubles(store: SharedStore) {
    const MESSAGES: usize = SEGMENT * MERGED;
    let library = Library::new(store);
    let [ana, ben] = people();
    for part in 0..MERGED {
        let first = part * SEGMENT;
        library.send_all(ana, ben, first..first + SEGMENT).await;
        join_all((0..4).map(|_| library.index(ben))).await;
    }
    let count = i64::try_from(MESSAGES).unwrap();
    assert_eq!(library.indexed(ben).await, count, "each is indexed once");
    assert_eq!(library.segments(ben).await, 1, "all are merged");
    let found = library.numbers(ben, "common", 100).await;
    assert_eq!(found, down_from(MESSAGES));
}

pub(super) async fn a_mailbox_with_much_to_index_does_not_hold_up_others(store: SharedStore) {
    // No word in it: only its size counts.
    let large = " ".repeat(1 << 20);
    let library = Library::new(store);
    let [ana, ben, cleo] = people();
    for _ in 0..9 {
        let letter = letter(ana, &[ben]).with_text(&large);
        library.office.send(&letter).await;
    }
    library.send_all(ana, cleo, 0..SEGMENT).await;
    library.indexer.hints.look_at(ben);
    library.indexer.hints.look_at(cleo);
    let mut segments = Vec::new();
    for _ in 0..2 {
        library.indexer.follow_hint().await;
        let [of_ben, of_cleo] = [ben, cleo].map(|owner| library.segments(owner));
        segments.push((of_ben.await, of_cleo.await));
    }
    assert_eq!(segments, [(1, 0), (1, 1)]);
    library.index(ben).await;
    assert_eq!(library.segments(ben).await, 3, "there was more");
}

pub(super) async fn nobody_waits_for_the_index_of_an_erased_mailbox(store: SharedStore) {
    /// What goes into a segment at once: as much as it is held to be far behind.
    const FAR_BEHIND: usize = 2048;
    let library = Library::new(store);
    let [ana, ben] = people();
    library.send_all(ana, ben, 0..FAR_BEHIND).await;
    let hints = &library.indexer.hints;
    let sending = || timeout(Duration::ZERO, hints.let_catch_up(|b| b.contains(&ben)));
    hints.look_at(ben);
    library.indexer.follow_hint().await;
    sending().await.expect_err("it is far behind");
    library.office.erase(ben).await;
    library.indexer.follow_hint().await;
    sending().await.expect("nothing to wait for");
}

pub(super) async fn an_index_by_other_rules_is_made_anew(store: SharedStore) {
    const MESSAGES: usize = SEGMENT * 3;
    let library = Library::new(store);
    let [ana, ben] = people();
    library.send_all(ana, ben, 0..MESSAGES).await;
    library.index(ben).await;
    let old = library.office.store.segments(ben).await.unwrap();
    let other = Segment {
        segment_id: Uuid::new_v4(),
        tokenizer: VERSION + 1,
        ..old[0]
    };
    let mut transaction = library.office.store.begin().await.unwrap();
    transaction.lock_mailboxes(&[ben]).await.unwrap();
    let used = SegmentState::Used;
    transaction.add_segment(&other, used, NOW).await.unwrap();
    transaction.commit().await.unwrap();

    let found = library.numbers(ben, "common", 50).await;
    assert_eq!(found, down_from(MESSAGES), "found without the index");
    join_all((0..4).map(|_| library.index(ben))).await;
    let new = library.office.store.segments(ben).await.unwrap();
    assert!(new.iter().all(|segment| segment.tokenizer == VERSION));
    assert!(new.iter().all(|segment| !old.contains(segment)));
    // Somebody else who has only now seen the old ones.
    let seen = [old.as_slice(), &[other]].concat();
    library.indexer.forget(ben, &seen).await.unwrap();
    library.index(ben).await;
    let count = i64::try_from(MESSAGES).unwrap();
    assert_eq!(library.indexed(ben).await, count, "each is indexed once");
    let found = library.numbers(ben, "common", 50).await;
    assert_eq!(found, down_from(MESSAGES));
}

pub(super) async fn segments_that_overlap_find_each_message_once(store: SharedStore) {
    let library = Library::new(store);
    let [ana, ben] = people();
    library.send_all(ana, ben, 0..SEGMENT * 3).await;
    library.index(ben).await;
    // The same twice more, as some who make an index anew might leave it.
    let one = library.office.store.segments(ben).await.unwrap()[0];
    for _ in 0..2 {
        library.add_twin(&one, SegmentState::Used).await;
    }
    for query in ["common", "modulo3 OR common", "common is:unread"] {
        let found = library.numbers(ben, query, 500).await;
        assert_eq!(found, down_from(SEGMENT * 3), "{query}");
    }
}

pub(super) async fn an_abandoned_merge_is_swept(store: SharedStore) {
    let mut library = Library::new(store);
    // Long before all other cases: theirs is not swept.
    let clock = ManualClock::at(NOW.minus(DAY));
    library.indexer.clock = Arc::clone(&clock) as SharedClock;
    let [ana, ben] = people();
    library.send_all(ana, ben, 0..SEGMENT).await;
    library.index(ben).await;
    let one = library.office.store.segments(ben).await.unwrap()[0];
    let begun = library.add_twin(&one, SegmentState::Building).await;
    let abandoned = [(ben, begun.segment_id)];
    assert_eq!(library.unused(ben).await, abandoned);
    library.indexer.remove_unused().await.unwrap();
    assert_eq!(library.unused(ben).await, abandoned, "it may be going on");
    clock.advance(Duration::from_secs(600));
    while !library.unused(ben).await.is_empty() {
        library.indexer.remove_unused().await.unwrap();
    }
    for segment in abandoned {
        assert!(!library.has_blocks(segment).await);
    }
    let blocks = [Block::default()];
    let wanted = library.indexer.write(&begun, &blocks).await.unwrap();
    assert!(!wanted, "who began it cannot go on");
    let found = library.numbers(ben, "common", 500).await;
    assert_eq!(found, down_from(SEGMENT));
}

pub(super) async fn a_merge_ends_with_its_mailbox(store: SharedStore) {
    let library = Library::new(store);
    let [ana, ben] = people();
    library.send_all(ana, ben, 0..SEGMENT).await;
    library.index(ben).await;
    let one = library.office.store.segments(ben).await.unwrap()[0];
    let [begun, late] = std::array::from_fn(|_| Segment {
        segment_id: Uuid::new_v4(),
        ..one
    });
    assert!(library.indexer.begin_segment(&begun).await.unwrap());
    library.office.erase(ben).await;
    let blocks = [Block::default()];
    assert!(!library.indexer.write(&begun, &blocks).await.unwrap());
    assert!(!library.indexer.begin_segment(&late).await.unwrap());
    assert_eq!(library.unused(ben).await, []);
    for segment in [one, begun] {
        assert!(!library.has_blocks((ben, segment.segment_id)).await);
    }
}

pub(super) async fn erasing_while_the_index_is_made_leaves_nothing_of_it(store: SharedStore) {
    let library = Library::new(store);
    for wait in [0, 1, 2, 4, 8, 16, 32, 64] {
        let [ana, ben] = people();
        for part in 0..MERGED {
            let words = |n: usize| (0..20).map(move |word| format!("{n}x{word} "));
            let letters = (0..SEGMENT).map(|n| {
                let text: String = words(part * SEGMENT + n).collect();
                letter(ana, &[ben]).with_text(text)
            });
            let letters: Vec<Letter> = letters.collect();
            join_all(letters.iter().map(|one| library.office.send(one))).await;
            if part + 2 < MERGED {
                library.index(ben).await;
            }
        }
        let mut seen = BTreeSet::new();
        let erased = AtomicBool::new(false);
        let watching = async {
            while !erased.load(Ordering::SeqCst) {
                let used = library.office.store.segments(ben).await.unwrap();
                seen.extend(used.iter().map(|segment| (ben, segment.segment_id)));
                seen.extend(library.unused(ben).await);
            }
        };
        let erasing = async {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            library.office.erase(ben).await;
            erased.store(true, Ordering::SeqCst);
        };
        futures::join!(watching, erasing, library.index(ben));
        library.index(ben).await;
        let store = &library.office.store;
        assert_eq!(store.segments(ben).await.unwrap(), []);
        assert_eq!(library.unused(ben).await, []);
        assert!(store.correspondents(ben).await.unwrap().is_empty());
        for segment in seen {
            assert!(!library.has_blocks(segment).await, "after {wait} ms");
        }
    }
}
