//! Keeping the index of search: messages that are not in it yet go in as one more segment, segments
//! of like size are merged, and what is no longer used is removed. All of it in short transactions
//! apart from those of senders, and never needed to find anything: a search reads what is not in the
//! index.

mod hints;
mod making;
mod merging;

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use turbomessage_service_kit::clock::{SharedClock, Timestamp, new_id};
use uuid::Uuid;

use self::making::{Made, make};
pub(crate) use self::{
    hints::Hints,
    making::{SYSTEM, document, people},
};
use crate::{
    domain::{Mailbox, MailboxState},
    search,
    store::{Segment, SegmentState, SharedStore, StoreError, Transaction},
};

/// So many messages, or so many bytes of them, are worth a segment.
const WORTH_MESSAGES: usize = 64;
const WORTH_BYTES: i64 = 256 * 1024;
/// The most that goes into a new segment at once. Whoever has more waiting is behind.
const MOST_MESSAGES: i64 = 2048;
const MOST_BYTES: i64 = 4 * 1024 * 1024;
/// A search that has begun ends long before; so does a merge that still goes on.
const UNUSED: Duration = Duration::from_secs(120);
const SWEEP: Duration = Duration::from_secs(30);
const SWEEP_STEP: i64 = 50;
/// How many mailboxes are looked for a backlog at once.
const OWNERS: i64 = 500;
const PAUSE: Duration = Duration::from_secs(1);

/// Indexes the mailboxes of one store.
#[derive(Debug, Clone)]
pub(crate) struct Indexer {
    pub(crate) store: SharedStore,
    pub(crate) clock: SharedClock,
    pub(crate) hints: Hints,
}

impl Indexer {
    /// Indexes until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let working = async {
            tokio::join!(
                self.find_backlogs(),
                self.sweep(),
                self.follow_hints(),
                self.help()
            );
        };
        tokio::select! {
            () = working => {}
            () = stop.cancelled() => {}
        }
    }

    async fn follow_hints(&self) {
        loop {
            self.follow_hint().await;
        }
    }

    /// Indexes a second mailbox beside the first, as long as one is far behind: while the transaction of one waits for
    /// those of senders, the next segment is made. At other times what senders do comes first.
    async fn help(&self) {
        loop {
            self.hints.some_behind().await;
            self.follow_hint().await;
        }
    }

    /// Takes the next step in the mailbox whose turn it is.
    pub(crate) async fn follow_hint(&self) {
        let turn = self.hints.next().await;
        let owner = turn.owner;
        match self.step(owner).await {
            // One with much to index does not hold up the others.
            Ok(true) => self.hints.look_at(owner),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(account.id = %owner, error.cause = %format_args!("{error:#}"), "not indexed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// What was not indexed when this started, whoever was to do it.
    async fn find_backlogs(&self) {
        let mut after = Uuid::nil();
        loop {
            match self.backlogs(after).await {
                Ok(Some(last)) => after = last,
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(error.cause = %error, "not looked for what is to be indexed");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn backlogs(&self, after: Uuid) -> Result<Option<Uuid>, StoreError> {
        let owners = self.store.owners(after, OWNERS).await?;
        let Some(&last) = owners.last() else {
            return Ok(None);
        };
        let worth = i64::try_from(WORTH_MESSAGES).unwrap_or(i64::MAX);
        for owner in self.store.backlogs((after, last), worth).await? {
            self.hints.look_at(owner);
        }
        Ok(Some(last))
    }

    async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP).await;
            if let Err(error) = self.remove_unused().await {
                tracing::warn!(error.cause = %error, "unused parts of the index not removed");
            }
        }
    }

    /// Removes some of what was replaced, or begun and given up.
    pub(crate) async fn remove_unused(&self) -> Result<(), StoreError> {
        let before = self.clock.now().minus(UNUSED);
        for segment in self.store.unused_segments(before, SWEEP_STEP).await? {
            let mut transaction = self.store.begin_derived().await?;
            transaction.drop_segment(segment).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Indexes what a mailbox has that is worth it, and merges.
    #[cfg(any(test, feature = "conformance"))]
    pub(crate) async fn tend(&self, owner: Uuid) -> Result<(), StoreError> {
        while self.step(owner).await? {}
        Ok(())
    }

    /// Makes one more segment of a mailbox, if it is worth it, and merges; answers whether there may be
    /// more to index.
    async fn step(&self, owner: Uuid) -> Result<bool, StoreError> {
        let mut segments = self.store.segments(owner).await?;
        // An index that was made by other rules than these is made anew.
        if segments.iter().any(|s| s.tokenizer != search::VERSION) {
            self.forget(owner, &segments).await?;
            segments = self.store.segments(owner).await?;
        }
        let more = self.index_some(owner).await?;
        if more {
            segments = self.store.segments(owner).await?;
        }
        while self.merge_some(owner, &segments).await? {
            segments = self.store.segments(owner).await?;
        }
        Ok(more)
    }

    /// Begins anew, if all of these segments are still in use.
    pub(crate) async fn forget(&self, owner: Uuid, segments: &[Segment]) -> Result<(), StoreError> {
        let mut transaction = self.store.begin_derived().await?;
        let mut ours = false;
        for mailbox in transaction.lock_mailboxes(&[owner]).await? {
            let times = (mailbox.indexed_time, Timestamp::from_micros(0));
            ours = transaction.set_indexed(owner, times).await?;
        }
        for segment in segments {
            let change = (SegmentState::Used, SegmentState::Replaced);
            let key = (owner, segment.segment_id);
            ours = ours
                && transaction
                    .set_segment(key, change, self.clock.now())
                    .await?;
        }
        if !ours {
            // Somebody else did, and may have begun to make it anew.
            transaction.rollback().await;
            return Ok(());
        }
        transaction.commit().await
    }

    /// Makes one more segment, if it is worth it; answers whether it did.
    async fn index_some(&self, owner: Uuid) -> Result<bool, StoreError> {
        let Some(mailbox) = self.active(owner).await? else {
            self.hints.set_behind(owner, false);
            return Ok(false);
        };
        let indexed = mailbox.indexed_time;
        let sizes = self.store.unindexed_sizes(owner, indexed, MOST_MESSAGES);
        let sizes = sizes.await?;
        let behind = i64::try_from(sizes.len()).is_ok_and(|n| n == MOST_MESSAGES);
        self.hints.set_behind(owner, behind);
        let bytes: i64 = sizes.iter().map(|(_, bytes)| bytes).sum();
        if sizes.len() < WORTH_MESSAGES && bytes < WORTH_BYTES {
            return Ok(false);
        }
        let Some(until) = first_of(&sizes) else {
            return Ok(false);
        };
        let messages = self.store.unindexed(owner, (indexed, until)).await?;
        let made = tokio::task::spawn_blocking(move || make(&messages)).await;
        let made = made.map_err(|error| StoreError::Refused(error.into()))?;
        let here = self.clone();
        self.at_home(async move { here.add(&mailbox, until, made).await })
            .await
    }

    /// Has a transaction carried out where it holds up those who send for the shortest time.
    async fn at_home<T: Send + 'static>(
        &self,
        transaction: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = self.store.home().spawn(transaction.in_current_span());
        done.await
            .unwrap_or_else(|error| Err(StoreError::Refused(error.into())))
    }

    async fn add(
        &self,
        mailbox: &Mailbox,
        until: Timestamp,
        made: Made,
    ) -> Result<bool, StoreError> {
        let (owner, now) = (mailbox.owner_id, self.clock.now());
        let mut transaction = self.store.begin_derived().await?;
        if let Some(oldest_time) = made.oldest {
            let segment = Segment {
                owner_id: owner,
                segment_id: new_id(now),
                tokenizer: search::VERSION,
                message_count: made.messages,
                oldest_time,
                newest_time: until,
            };
            let used = SegmentState::Used;
            transaction.add_segment(&segment, used, now).await?;
            let key = (owner, segment.segment_id);
            transaction.add_blocks(key, &made.blocks).await?;
            let people: Vec<Uuid> = made.people.into_iter().collect();
            transaction.add_correspondents(owner, &people).await?;
        }
        // Last, as it locks the mailbox: nobody who sends to it waits for what is above, and what is above waits for nobody
        // but another of these, as accounts come in one order.
        let times = (mailbox.indexed_time, until);
        if transaction.set_indexed(owner, times).await? {
            transaction.commit().await?;
        } else {
            // Somebody else did, or it was erased.
            transaction.rollback().await;
        }
        Ok(true)
    }

    async fn active(&self, owner: Uuid) -> Result<Option<Mailbox>, StoreError> {
        let mailbox = self.store.mailbox(owner).await?;
        Ok(mailbox.filter(|m| m.state == MailboxState::Active))
    }
}

/// Locks a mailbox; answers whether it is in use.
async fn is_active(transaction: &mut dyn Transaction, owner: Uuid) -> Result<bool, StoreError> {
    let mailboxes = transaction.lock_mailboxes(&[owner]).await?;
    Ok(mailboxes.iter().any(|m| m.state == MailboxState::Active))
}

/// Up to which time messages go into the next segment: as many as it takes.
fn first_of(sizes: &[(Timestamp, i64)]) -> Option<Timestamp> {
    let mut bytes = 0;
    let fit = sizes.iter().take_while(|(_, size)| {
        let fits = bytes == 0 || bytes + size <= MOST_BYTES;
        bytes += size;
        fits
    });
    fit.last().map(|(time, _)| *time)
}
