//! Conversations.

use std::{cmp::Reverse, collections::HashMap};

use turbomessage_service_kit::{
    clock::Timestamp,
    problem::{Problem, Reason},
};
use uuid::Uuid;

use super::{Mail, Page};
use crate::{
    domain::{Began, Copy, Cursor, PageSize, Participant, ThreadPart, Walk},
    store::End,
};

/// Of how many messages, the newest ones, a conversation's participants are gathered.
const LOOKED_AT: i64 = 50;

/// A conversation as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ThreadSummary {
    pub(crate) thread_id: Uuid,
    pub(crate) subject: String,
    /// Who wrote last first.
    pub(crate) participants: Vec<Participant>,
    pub(crate) message_count: i64,
    pub(crate) unread_count: i64,
    pub(crate) snippet: String,
    pub(crate) last_time: Timestamp,
}

impl Mail {
    /// The places of a page of the conversations in a folder, newest activity first, and the
    /// conversations that are still there, and when the walk began that the page is of. One that mail has moved up since then
    /// stays where it was.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn threads(
        &self,
        owner: Uuid,
        folder_id: Uuid,
        walk: Option<Walk>,
        size: PageSize,
    ) -> Result<(Page<Cursor>, Vec<ThreadSummary>, Began), Problem> {
        // Before the page is read: what is made between is new to the walk.
        let change = match walk {
            None => self.mailbox(owner).await?.last_change,
            Some(walk) => walk.began.change,
        };
        let (place, limit) = (walk.map_or(Cursor::NEWEST, |w| w.place), size.get() + 1);
        let found = self.store.threads(owner, folder_id, place, limit);
        let mut places = found.await?;
        if let Some(walk) = walk {
            // After the others: one that moves between is in both, and not in none.
            let moved = self.store.moved_threads(owner, folder_id, walk.began);
            let moved = moved.await?.into_iter();
            places.extend(moved.filter(|moved| moved.order() < place.order()));
            places.sort_unstable_by_key(|place| Reverse(place.order()));
            places.dedup();
        }
        let time = places.first().map_or(Cursor::NEWEST.time, |p| p.time);
        let began = walk.map_or(Began { time, change }, |walk| walk.began);
        let page = Page::of(places, size.get());
        let ids: Vec<Uuid> = page.entries.iter().map(|place| place.id).collect();
        let mut summaries = self.summaries(owner, &ids).await?;
        let threads = ids.iter().filter_map(|id| summaries.remove(id)).collect();
        Ok((page, threads, began))
    }

    /// One conversation as a whole.
    ///
    /// # Errors
    /// `THREAD_NOT_FOUND`.
    pub(crate) async fn thread(
        &self,
        owner: Uuid,
        thread_id: Uuid,
    ) -> Result<ThreadSummary, Problem> {
        let mut summaries = self.summaries(owner, &[thread_id]).await?;
        summaries.remove(&thread_id).ok_or_else(|| {
            Problem::new(Reason::ThreadNotFound).with("thread_id", thread_id.to_string())
        })
    }

    /// A page of a conversation's messages after `cursor`, oldest first.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn thread_messages(
        &self,
        owner: Uuid,
        thread_id: Uuid,
        cursor: Cursor,
        size: PageSize,
    ) -> Result<Page<Copy>, Problem> {
        let limit = size.get() + 1;
        let found = self.store.thread_page(owner, thread_id, cursor, limit);
        Ok(Page::of(found.await?, size.get()))
    }

    async fn summaries(
        &self,
        owner: Uuid,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, ThreadSummary>, Problem> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let parts = self.store.thread_parts(owner, ids).await?;
        let newest = self.store.thread_ends(owner, ids, End::Newest, LOOKED_AT);
        let mut newest = by_thread(newest.await?);
        let oldest = self.store.thread_ends(owner, ids, End::Oldest, 1);
        let mut oldest = by_thread(oldest.await?);
        let mut summaries = HashMap::new();
        for &id in ids {
            let parts = parts.iter().filter(|part| part.thread_id == id);
            let (Some(newest), Some(oldest)) = (newest.remove(&id), oldest.remove(&id)) else {
                continue;
            };
            if let Some(summary) = summarize(parts, newest, oldest) {
                summaries.insert(id, summary);
            }
        }
        Ok(summaries)
    }
}

fn by_thread(copies: Vec<Copy>) -> HashMap<Uuid, Vec<Copy>> {
    let mut threads: HashMap<Uuid, Vec<Copy>> = HashMap::new();
    for copy in copies {
        threads.entry(copy.thread_id).or_default().push(copy);
    }
    threads
}

fn summarize<'a>(
    parts: impl Iterator<Item = &'a ThreadPart>,
    mut newest: Vec<Copy>,
    oldest: Vec<Copy>,
) -> Option<ThreadSummary> {
    newest.sort_by_key(|copy| std::cmp::Reverse(copy.receive_time));
    let mut participants: Vec<Participant> = Vec::new();
    let senders = newest.iter().map(|copy| &copy.participants.from);
    let everybody = newest.iter().flat_map(|copy| copy.participants.all());
    for participant in senders.chain(everybody) {
        if !participants.contains(participant) {
            participants.push(participant.clone());
        }
    }
    let (message_count, unread_count) = parts.fold((0, 0), |(messages, unread), part| {
        (messages + part.message_count, unread + part.unread_count)
    });
    let last = newest.into_iter().next()?;
    Some(ThreadSummary {
        thread_id: last.thread_id,
        subject: oldest.into_iter().next()?.subject,
        participants,
        message_count,
        unread_count,
        snippet: last.snippet,
        last_time: last.receive_time,
    })
}
