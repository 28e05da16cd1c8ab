//! Keeping the index of search: messages that are not in it yet go in as one more segment, segments
//! of like size are merged, and what is no longer used is removed. All of it in short transactions
//! apart from those of senders, and never needed to find anything: a search reads what is not in the
//! index.

use std::{
    collections::{BTreeSet, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::sync::Cache;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use turbomessage_service_kit::clock::{SharedClock, Timestamp, new_id};
use uuid::Uuid;

use crate::{
    domain::{Mailbox, MailboxState, Participant, Participants},
    search::{self, Block, Document, Merger},
    store::{Segment, SegmentState, SharedStore, StoreError, Transaction, Unindexed},
};

/// So many messages, or so many bytes of them, are worth a segment.
const WORTH_MESSAGES: usize = 64;
const WORTH_BYTES: i64 = 256 * 1024;
/// The most that goes into a new segment at once.
const MOST_MESSAGES: i64 = 2048;
const MOST_BYTES: i64 = 4 * 1024 * 1024;
/// So many segments of like size become one, but for the largest.
const MERGED: usize = 8;
const TIERS: u32 = 3;
/// How many blocks are read, or written in one transaction.
const BLOCKS: usize = 64;
/// After so many changes a mailbox is looked at.
const CHANGES: i64 = 16;
/// Mailboxes whose last look is remembered.
const REMEMBERED: u64 = 100_000;
/// A search that has begun ends long before; so does a merge that still goes on.
const UNUSED: Duration = Duration::from_secs(120);
const SWEEP: Duration = Duration::from_secs(30);
const SWEEP_STEP: i64 = 50;
/// How many mailboxes are looked for a backlog at once.
const OWNERS: i64 = 500;
const PAUSE: Duration = Duration::from_secs(1);

/// Which mailboxes are to be looked at.
#[derive(Debug, Default)]
struct Queue {
    order: VecDeque<Uuid>,
    waiting: HashSet<Uuid>,
}

/// Takes hints of what may be worth indexing.
#[derive(Debug, Clone)]
pub(crate) struct Hints {
    queue: Arc<Mutex<Queue>>,
    some: Arc<Notify>,
    /// The number of the last change at which a mailbox was looked at.
    looked: Cache<Uuid, i64>,
}

impl Hints {
    pub(crate) fn new() -> Self {
        Self {
            queue: Arc::default(),
            some: Arc::default(),
            looked: Cache::new(REMEMBERED),
        }
    }

    /// These mailboxes have changed.
    pub(crate) fn changed(&self, changed: &[(Uuid, i64)]) {
        for &(owner, number) in changed {
            match self.looked.get(&owner) {
                Some(last) if number - last < CHANGES => {}
                Some(_) => {
                    self.looked.insert(owner, number);
                    self.look_at(owner);
                }
                None => self.looked.insert(owner, number),
            }
        }
    }

    /// This mailbox has much that is not indexed.
    pub(crate) fn look_at(&self, owner: Uuid) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.insert(owner) {
            queue.order.push_back(owner);
            self.some.notify_one();
        }
    }

    async fn next(&self) -> Uuid {
        loop {
            {
                let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(owner) = queue.order.pop_front() {
                    queue.waiting.remove(&owner);
                    return owner;
                }
            }
            self.some.notified().await;
        }
    }
}

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
            tokio::join!(self.find_backlogs(), self.sweep(), self.follow_hints());
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

    /// Takes the next step in the mailbox whose turn it is.
    pub(crate) async fn follow_hint(&self) {
        let owner = self.hints.next().await;
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
            let mut transaction = self.store.begin().await?;
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
        self.forget_other_rules(owner).await?;
        let more = self.index_some(owner).await?;
        while self.merge_some(owner).await? {}
        Ok(more)
    }

    /// An index that was made by other rules than these is made anew.
    async fn forget_other_rules(&self, owner: Uuid) -> Result<(), StoreError> {
        let segments = self.store.segments(owner).await?;
        if segments.iter().all(|s| s.tokenizer == search::VERSION) {
            return Ok(());
        }
        self.forget(owner, &segments).await
    }

    /// Begins anew, if all of these segments are still in use.
    pub(crate) async fn forget(&self, owner: Uuid, segments: &[Segment]) -> Result<(), StoreError> {
        let mut transaction = self.store.begin().await?;
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
            return Ok(false);
        };
        let indexed = mailbox.indexed_time;
        let sizes = self.store.unindexed_sizes(owner, indexed, MOST_MESSAGES);
        let sizes = sizes.await?;
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
        self.add(&mailbox, until, made).await
    }

    async fn add(
        &self,
        mailbox: &Mailbox,
        until: Timestamp,
        made: Made,
    ) -> Result<bool, StoreError> {
        let (owner, now) = (mailbox.owner_id, self.clock.now());
        let mut transaction = self.store.begin().await?;
        if !is_active(&mut *transaction, owner).await? {
            transaction.rollback().await;
            return Ok(false);
        }
        let times = (mailbox.indexed_time, until);
        if !transaction.set_indexed(owner, times).await? {
            // Somebody else did: there may be more all the same.
            transaction.rollback().await;
            return Ok(true);
        }
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
        transaction.commit().await?;
        Ok(true)
    }

    async fn active(&self, owner: Uuid) -> Result<Option<Mailbox>, StoreError> {
        let mailbox = self.store.mailbox(owner).await?;
        Ok(mailbox.filter(|m| m.state == MailboxState::Active))
    }

    /// Merges segments of like size, if there are enough; answers whether it did.
    async fn merge_some(&self, owner: Uuid) -> Result<bool, StoreError> {
        let mut segments = self.store.segments(owner).await?;
        segments.sort_by_key(|segment| segment.oldest_time);
        for size in 0..TIERS {
            let alike = segments.iter().filter(|segment| tier(segment) == size);
            let alike: Vec<Segment> = alike.copied().take(MERGED).collect();
            if alike.len() == MERGED {
                return self.merge(owner, &alike).await;
            }
        }
        Ok(false)
    }

    async fn merge(&self, owner: Uuid, old: &[Segment]) -> Result<bool, StoreError> {
        let oldest = old.iter().map(|segment| segment.oldest_time).min();
        let newest = old.iter().map(|segment| segment.newest_time).max();
        let (Some(oldest_time), Some(newest_time)) = (oldest, newest) else {
            return Ok(false);
        };
        let alive = self.store.times(owner, (oldest_time, newest_time)).await?;
        let alive: HashSet<i64> = alive.into_iter().map(Timestamp::as_micros).collect();
        let count: i64 = old.iter().map(|segment| segment.message_count).sum();
        let new = Segment {
            owner_id: owner,
            segment_id: new_id(self.clock.now()),
            tokenizer: search::VERSION,
            message_count: count.min(i64::try_from(alive.len()).unwrap_or(i64::MAX)),
            oldest_time,
            newest_time,
        };
        if !self.begin_segment(&new).await? || !self.fill(&new, old, &alive).await? {
            return Ok(false);
        }
        self.put_into_use(&new, old).await
    }

    /// Begins a segment; answers whether the mailbox is still in use.
    pub(crate) async fn begin_segment(&self, new: &Segment) -> Result<bool, StoreError> {
        let mut transaction = self.store.begin().await?;
        if !is_active(&mut *transaction, new.owner_id).await? {
            transaction.rollback().await;
            return Ok(false);
        }
        let building = SegmentState::Building;
        transaction
            .add_segment(new, building, self.clock.now())
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Writes the blocks of `old` to `new`, in short transactions; answers whether `new` is still
    /// wanted.
    async fn fill(
        &self,
        new: &Segment,
        old: &[Segment],
        alive: &HashSet<i64>,
    ) -> Result<bool, StoreError> {
        let corrupt = |error: search::Corrupt| StoreError::Refused(error.into());
        let mut merger = Merger::new(old.len());
        let mut inputs: Vec<Input> = old.iter().map(Input::new).collect();
        let mut ready: Vec<Block> = Vec::new();
        while let Some(hungry) = merger.hungry() {
            let block = inputs[hungry].next(&self.store).await?;
            let is_alive = |time| alive.contains(&time);
            ready.extend(merger.feed(hungry, block, is_alive).map_err(corrupt)?);
            if ready.len() >= BLOCKS && !self.write(new, &std::mem::take(&mut ready)).await? {
                return Ok(false);
            }
        }
        ready.extend(merger.finish());
        self.write(new, &ready).await
    }

    /// Adds blocks to a segment; answers whether it is still wanted.
    pub(crate) async fn write(&self, new: &Segment, blocks: &[Block]) -> Result<bool, StoreError> {
        let key = (new.owner_id, new.segment_id);
        let still = (SegmentState::Building, SegmentState::Building);
        let mut transaction = self.store.begin().await?;
        // An erased mailbox must not get anything back.
        let wanted = is_active(&mut *transaction, new.owner_id).await?
            && transaction
                .set_segment(key, still, self.clock.now())
                .await?;
        if !wanted {
            transaction.rollback().await;
            return Ok(false);
        }
        transaction.add_blocks(key, blocks).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn put_into_use(&self, new: &Segment, old: &[Segment]) -> Result<bool, StoreError> {
        use SegmentState::{Building, Replaced, Used};
        let (owner, now) = (new.owner_id, self.clock.now());
        let mut transaction = self.store.begin().await?;
        let mut wanted = is_active(&mut *transaction, owner).await?;
        for segment in old {
            let key = (owner, segment.segment_id);
            wanted = wanted && transaction.set_segment(key, (Used, Replaced), now).await?;
        }
        let key = (owner, new.segment_id);
        wanted = wanted && transaction.set_segment(key, (Building, Used), now).await?;
        if !wanted {
            transaction.rollback().await;
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
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

/// How large a segment is: each is eight times as large as the one before.
fn tier(segment: &Segment) -> u32 {
    let worth = i64::try_from(WORTH_MESSAGES).unwrap_or(i64::MAX);
    let times = u64::try_from(segment.message_count / worth).unwrap_or(0);
    times.checked_ilog(MERGED as u64).unwrap_or(0).min(TIERS)
}

/// A segment that was made.
struct Made {
    blocks: Vec<Block>,
    people: BTreeSet<Uuid>,
    messages: i64,
    /// None if all messages are gone.
    oldest: Option<Timestamp>,
}

fn make(messages: &[Unindexed]) -> Made {
    let people: Vec<Vec<(Uuid, search::Role)>> = messages
        .iter()
        .map(|message| people(&message.participants))
        .collect();
    let documents = messages.iter().zip(&people);
    let documents: Vec<Document<'_>> = documents
        .map(|(message, people)| document(message, people))
        .collect();
    Made {
        blocks: search::build(&documents),
        people: people.iter().flatten().map(|(id, _)| *id).collect(),
        messages: i64::try_from(messages.len()).unwrap_or(i64::MAX),
        oldest: messages.first().map(|message| message.receive_time),
    }
}

/// A message as search sees it.
pub(crate) fn document<'a>(
    message: &'a Unindexed,
    people: &'a [(Uuid, search::Role)],
) -> Document<'a> {
    Document {
        time: message.receive_time.as_micros(),
        subject: &message.subject,
        text: &message.body.text,
        html: &message.body.html,
        people,
    }
}

/// Who is named in a message, by id.
pub(crate) fn people(participants: &Participants) -> Vec<(Uuid, search::Role)> {
    use search::Role::{Bcc, Cc, From, To};
    let lists = [
        (From, std::slice::from_ref(&participants.from)),
        (To, participants.to.as_slice()),
        (Cc, &participants.cc),
        (Bcc, &participants.bcc),
    ];
    let all = lists.into_iter();
    let all = all.flat_map(|(role, list)| list.iter().map(move |person| (person, role)));
    all.filter_map(|(person, role)| match person {
        Participant::Account(id) => Some((*id, role)),
        Participant::System => Some((SYSTEM, role)),
        Participant::External { .. } => None,
    })
    .collect()
}

/// The system among the people of a search.
pub(crate) const SYSTEM: Uuid = Uuid::nil();

/// A segment that is read from its beginning to its end.
struct Input {
    segment: (Uuid, Uuid),
    after: Vec<u8>,
    blocks: VecDeque<Block>,
    ended: bool,
}

impl Input {
    fn new(segment: &Segment) -> Self {
        Self {
            segment: (segment.owner_id, segment.segment_id),
            after: Vec::new(),
            blocks: VecDeque::new(),
            ended: false,
        }
    }

    async fn next(&mut self, store: &SharedStore) -> Result<Option<Block>, StoreError> {
        if self.blocks.is_empty() && !self.ended {
            let limit = i64::try_from(BLOCKS).unwrap_or(i64::MAX);
            let found = store.blocks_after(self.segment, &self.after, limit).await?;
            self.ended = found.len() < BLOCKS;
            self.blocks = found.into();
            if let Some(last) = self.blocks.back() {
                self.after.clone_from(&last.first_key);
            }
        }
        Ok(self.blocks.pop_front())
    }
}
