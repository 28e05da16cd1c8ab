//! Searching while many messages are marked.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use super::{Filled, Scale};
use crate::{
    commit::Modify,
    domain::{Cursor, PageSize},
    mail::parse_query,
    store::conformance::office::{Office, filter, nothing},
};

/// How many are marked at once: as many as one call may name.
const BATCH: usize = 1000;
/// How many a search shows.
const PAGE: usize = 500;

/// How that went.
#[derive(Debug)]
pub struct Marked {
    /// How long the marking took.
    pub took: Duration,
    /// How long the searches took meanwhile.
    pub searches: Vec<Duration>,
}

/// How many messages are about to be marked, and how many are.
#[derive(Debug, Default)]
struct Progress {
    begun: AtomicUsize,
    done: AtomicUsize,
}

impl Scale {
    /// Marks the oldest `count` messages of a mailbox as read, while it is searched for unread ones:
    /// what was marked before a search is not found, what is marked after it is.
    pub async fn mark(&self, mailbox: &Filled, count: usize) -> Marked {
        let oldest = self.oldest(mailbox, count).await;
        let progress = Arc::new(Progress::default());
        let ids = oldest.iter().map(|(id, _)| *id).collect();
        let (office, shared) = (self.library.office.clone(), Arc::clone(&progress));
        let marking = tokio::spawn(mark(office, mailbox.owner, ids, shared));
        let mut searches = Vec::new();
        loop {
            let done = progress.done.load(Ordering::SeqCst);
            if done == count {
                break;
            }
            // The newest of those that are being marked, and some of the next.
            let end = count.min(done + BATCH + PAGE / 2);
            let started = Instant::now();
            let found = self.unread(mailbox.owner, oldest[end - 1].1).await;
            searches.push(started.elapsed());
            let begun = progress.begun.load(Ordering::SeqCst);
            let is_found = |&(id, _): &(Uuid, Timestamp)| found.contains(&id);
            assert!(!oldest[..done].iter().any(is_found), "read before");
            let page = end.saturating_sub(PAGE).max(begun);
            assert!(
                oldest[page.min(end)..end].iter().all(is_found),
                "still unread"
            );
        }
        let took = marking.await.unwrap();
        Marked { took, searches }
    }

    /// The newest unread messages that have the word that all have, and came at `last` or before.
    async fn unread(&self, owner: Uuid, last: Timestamp) -> HashSet<Uuid> {
        let query = parse_query("common is:unread").unwrap();
        let size = PageSize::parse(PAGE.try_into().unwrap()).unwrap();
        let after = Cursor {
            time: last.plus(Duration::from_micros(1)),
            id: Uuid::nil(),
        };
        let found = self.library.mail.search(owner, &query, after, size).await;
        let copies = found.unwrap().copies.into_iter();
        copies.map(|copy| copy.message_id).collect()
    }

    /// The oldest messages and when they came, oldest first.
    async fn oldest(&self, mailbox: &Filled, count: usize) -> Vec<(Uuid, Timestamp)> {
        let inbox = filter(mailbox.owner, mailbox.inbox);
        let (mut all, mut cursor) = (Vec::new(), Cursor::NEWEST);
        loop {
            let page = self.library.office.store.list(&inbox, cursor, 5000).await;
            let page = page.unwrap();
            let Some(last) = page.last() else {
                break;
            };
            cursor = Cursor::after(last);
            all.extend(page.iter().map(|copy| (copy.message_id, copy.receive_time)));
        }
        all.reverse();
        all.truncate(count);
        all
    }
}

async fn mark(office: Office, owner: Uuid, ids: Vec<Uuid>, progress: Arc<Progress>) -> Duration {
    let started = Instant::now();
    for batch in ids.chunks(BATCH) {
        progress.begun.fetch_add(batch.len(), Ordering::SeqCst);
        let modify = Modify {
            read: Some(true),
            ..nothing(owner, batch)
        };
        office.modify(modify).await.unwrap();
        progress.done.fetch_add(batch.len(), Ordering::SeqCst);
    }
    started.elapsed()
}
