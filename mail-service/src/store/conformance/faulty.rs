//! A store with faults that a case can ask for.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use tokio::{runtime::Handle, sync::Semaphore};
use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use crate::{
    domain::{Began, Body, Change, Copy, Cursor, Filter, Folder, Label, Mailbox, ThreadPart},
    search::Block,
    store::{
        Account, BlockRange, Changes, Delivery, End, KeptAnswer, Key, MailStore, Queue, Retention,
        Segment, SegmentState, SharedStore, StoreError, Transaction, Unindexed,
    },
};

/// A message with this subject is refused, as an engine refuses values it cannot store.
pub(super) const POISON: &str = "poison";

/// A store that fails as told.
#[derive(Debug)]
pub(super) struct FaultyStore {
    inner: SharedStore,
    /// How many of the next transactions find another one in the way.
    pub(super) conflicts: Arc<AtomicU32>,
    /// How many of the next commits are lost.
    pub(super) lost_commits: Arc<AtomicU32>,
    /// Transactions begin only while there is room here.
    pub(super) gate: Arc<Semaphore>,
    /// How many transactions have been wanted.
    pub(super) wanted: AtomicU32,
}

impl FaultyStore {
    pub(super) fn over(inner: SharedStore) -> Arc<Self> {
        Arc::new(Self {
            inner,
            conflicts: Arc::default(),
            lost_commits: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            wanted: AtomicU32::new(0),
        })
    }

    /// Like `over`, but no transaction begins until the gate is given permits.
    pub(super) fn closed(inner: SharedStore) -> Arc<Self> {
        let store = Self::over(inner);
        store.close();
        store
    }

    /// Lets nobody through who is not through yet.
    pub(super) fn close(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Lets everybody through from now on.
    pub(super) fn open(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS);
    }

    async fn let_through(
        &self,
        begin: impl Future<Output = Result<Box<dyn Transaction>, StoreError>>,
    ) -> Result<Box<dyn Transaction>, StoreError> {
        self.wanted.fetch_add(1, Ordering::SeqCst);
        let _open = self.gate.acquire().await;
        let inner = begin.await?;
        Ok(Box::new(FaultyTransaction {
            inner,
            conflicts: Arc::clone(&self.conflicts),
            lost_commits: Arc::clone(&self.lost_commits),
        }))
    }
}

fn take_one(count: &AtomicU32) -> bool {
    let less = |n: u32| n.checked_sub(1);
    count
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        .is_ok()
}

#[async_trait]
impl MailStore for FaultyStore {
    fn home(&self) -> Handle {
        self.inner.home()
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.let_through(self.inner.begin()).await
    }

    async fn begin_derived(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.let_through(self.inner.begin_derived()).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }

    async fn mailbox(&self, owner: Uuid) -> Result<Option<Mailbox>, StoreError> {
        self.inner.mailbox(owner).await
    }

    async fn folders(&self, owner: Uuid) -> Result<Vec<Folder>, StoreError> {
        self.inner.folders(owner).await
    }

    async fn copies(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<Copy>, StoreError> {
        self.inner.copies(owner, ids).await
    }

    async fn bodies(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<(Uuid, Body)>, StoreError> {
        self.inner.bodies(owner, ids).await
    }

    async fn list(
        &self,
        filter: &Filter,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Copy>, StoreError> {
        self.inner.list(filter, cursor, limit).await
    }

    async fn kept_answer(&self, request: Key) -> Result<Option<KeptAnswer>, StoreError> {
        self.inner.kept_answer(request).await
    }

    async fn accounts(&self, ids: &[Uuid]) -> Result<Vec<Account>, StoreError> {
        self.inner.accounts(ids).await
    }

    async fn feed_position(&self) -> Result<i64, StoreError> {
        self.inner.feed_position().await
    }

    async fn owners(&self, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
        self.inner.owners(after, limit).await
    }

    async fn labels(&self, owner: Uuid) -> Result<Vec<Label>, StoreError> {
        self.inner.labels(owner).await
    }

    async fn threads(
        &self,
        owner: Uuid,
        folder_id: Uuid,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Cursor>, StoreError> {
        self.inner.threads(owner, folder_id, cursor, limit).await
    }

    async fn moved_threads(
        &self,
        owner: Uuid,
        folder_id: Uuid,
        began: Began,
    ) -> Result<Vec<Cursor>, StoreError> {
        self.inner.moved_threads(owner, folder_id, began).await
    }

    async fn thread_parts(
        &self,
        owner: Uuid,
        thread_ids: &[Uuid],
    ) -> Result<Vec<ThreadPart>, StoreError> {
        self.inner.thread_parts(owner, thread_ids).await
    }

    async fn thread_ends(
        &self,
        owner: Uuid,
        thread_ids: &[Uuid],
        end: End,
        each: i64,
    ) -> Result<Vec<Copy>, StoreError> {
        self.inner.thread_ends(owner, thread_ids, end, each).await
    }

    async fn thread_page(
        &self,
        owner: Uuid,
        thread_id: Uuid,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Copy>, StoreError> {
        self.inner
            .thread_page(owner, thread_id, cursor, limit)
            .await
    }

    async fn changes(
        &self,
        owner: Uuid,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Change>, StoreError> {
        self.inner.changes(owner, after, limit).await
    }

    async fn last_changes(&self, owners: &[Uuid]) -> Result<Vec<(Uuid, i64)>, StoreError> {
        self.inner.last_changes(owners).await
    }

    async fn due(&self, queue: Queue, time: Timestamp, limit: i64) -> Result<Vec<Key>, StoreError> {
        self.inner.due(queue, time, limit).await
    }

    async fn long_histories(
        &self,
        owners: (Uuid, Uuid),
        kept: Retention,
    ) -> Result<Vec<Uuid>, StoreError> {
        self.inner.long_histories(owners, kept).await
    }

    async fn openings(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<(Uuid, Body)>, StoreError> {
        self.inner.openings(owner, ids).await
    }

    async fn copies_at(&self, owner: Uuid, times: &[Timestamp]) -> Result<Vec<Copy>, StoreError> {
        self.inner.copies_at(owner, times).await
    }

    async fn times(
        &self,
        owner: Uuid,
        stretch: (Timestamp, Timestamp),
    ) -> Result<Vec<Timestamp>, StoreError> {
        self.inner.times(owner, stretch).await
    }

    async fn unindexed(
        &self,
        owner: Uuid,
        stretch: (Timestamp, Timestamp),
    ) -> Result<Vec<Unindexed>, StoreError> {
        self.inner.unindexed(owner, stretch).await
    }

    async fn unindexed_sizes(
        &self,
        owner: Uuid,
        after: Timestamp,
        limit: i64,
    ) -> Result<Vec<(Timestamp, i64)>, StoreError> {
        self.inner.unindexed_sizes(owner, after, limit).await
    }

    async fn backlogs(&self, owners: (Uuid, Uuid), messages: i64) -> Result<Vec<Uuid>, StoreError> {
        self.inner.backlogs(owners, messages).await
    }

    async fn segments(&self, owner: Uuid) -> Result<Vec<Segment>, StoreError> {
        self.inner.segments(owner).await
    }

    async fn blocks(
        &self,
        owner: Uuid,
        ranges: &[BlockRange],
    ) -> Result<Vec<(Uuid, Block)>, StoreError> {
        self.inner.blocks(owner, ranges).await
    }

    async fn first_blocks(
        &self,
        owner: Uuid,
        ranges: &[BlockRange],
        most: i64,
    ) -> Result<Vec<(usize, Block)>, StoreError> {
        self.inner.first_blocks(owner, ranges, most).await
    }

    async fn blocks_after(
        &self,
        segment: Key,
        after: &[u8],
        limit: i64,
    ) -> Result<Vec<Block>, StoreError> {
        self.inner.blocks_after(segment, after, limit).await
    }

    async fn correspondents(&self, owner: Uuid) -> Result<Vec<Uuid>, StoreError> {
        self.inner.correspondents(owner).await
    }

    async fn unused_segments(&self, before: Timestamp, limit: i64) -> Result<Vec<Key>, StoreError> {
        self.inner.unused_segments(before, limit).await
    }
}

struct FaultyTransaction {
    inner: Box<dyn Transaction>,
    conflicts: Arc<AtomicU32>,
    lost_commits: Arc<AtomicU32>,
}

#[async_trait]
impl Transaction for FaultyTransaction {
    async fn lock_mailboxes(&mut self, owners: &[Uuid]) -> Result<Vec<Mailbox>, StoreError> {
        self.inner.lock_mailboxes(owners).await
    }

    async fn create_mailboxes(
        &mut self,
        mailboxes: &[Mailbox],
        folders: &[Folder],
    ) -> Result<(), StoreError> {
        self.inner.create_mailboxes(mailboxes, folders).await
    }

    async fn kept_answers(&mut self, requests: &[Key]) -> Result<Vec<KeptAnswer>, StoreError> {
        self.inner.kept_answers(requests).await
    }

    async fn folders(&mut self, owners: &[Uuid]) -> Result<Vec<Folder>, StoreError> {
        self.inner.folders(owners).await
    }

    async fn copies(&mut self, keys: &[Key]) -> Result<Vec<Copy>, StoreError> {
        self.inner.copies(keys).await
    }

    async fn copies_by_internet_id(
        &mut self,
        keys: &[(Uuid, String)],
    ) -> Result<Vec<Copy>, StoreError> {
        self.inner.copies_by_internet_id(keys).await
    }

    async fn deleted(&mut self, keys: &[Key]) -> Result<Vec<Key>, StoreError> {
        self.inner.deleted(keys).await
    }

    async fn write(&mut self, changes: &Arc<Changes>) -> Result<(), StoreError> {
        self.inner.write(changes).await?;
        if changes.contents.iter().any(|c| c.subject == POISON) {
            return Err(StoreError::Refused(anyhow::anyhow!("poison")));
        }
        if take_one(&self.conflicts) {
            return Err(StoreError::Conflict(anyhow::anyhow!("in the way")));
        }
        Ok(())
    }

    async fn some_copies(&mut self, owner: Uuid, limit: i64) -> Result<Vec<Copy>, StoreError> {
        self.inner.some_copies(owner, limit).await
    }

    async fn purge(&mut self, owner: Uuid) -> Result<(), StoreError> {
        self.inner.purge(owner).await
    }

    async fn orphans(
        &mut self,
        limit: i64,
    ) -> Result<Vec<(Uuid, Uuid, Vec<Delivery>)>, StoreError> {
        self.inner.orphans(limit).await
    }

    async fn sweep(&mut self, entries: &[Uuid], contents: &[Uuid]) -> Result<(), StoreError> {
        self.inner.sweep(entries, contents).await
    }

    async fn forget_answers(
        &mut self,
        owners: &[Uuid],
        before: Timestamp,
    ) -> Result<(), StoreError> {
        self.inner.forget_answers(owners, before).await
    }

    async fn note_accounts(
        &mut self,
        accounts: &[Account],
        position: i64,
    ) -> Result<(), StoreError> {
        self.inner.note_accounts(accounts, position).await
    }

    async fn begin_anew(
        &mut self,
        mark: &str,
        epoch: Uuid,
        time: Timestamp,
    ) -> Result<bool, StoreError> {
        self.inner.begin_anew(mark, epoch, time).await
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        if take_one(&self.lost_commits) {
            self.inner.rollback().await;
            return Err(StoreError::Unavailable(anyhow::anyhow!("the line is dead")));
        }
        self.inner.commit().await
    }

    async fn rollback(self: Box<Self>) {
        self.inner.rollback().await;
    }

    async fn labels(&mut self, owners: &[Uuid]) -> Result<Vec<Label>, StoreError> {
        self.inner.labels(owners).await
    }

    async fn thread_parts(&mut self, keys: &[Key]) -> Result<Vec<ThreadPart>, StoreError> {
        self.inner.thread_parts(keys).await
    }

    async fn copies_in(&mut self, folder: Key, limit: i64) -> Result<Vec<Copy>, StoreError> {
        self.inner.copies_in(folder, limit).await
    }

    async fn forget_history(
        &mut self,
        mailbox: &Mailbox,
        kept: Retention,
        limit: i64,
    ) -> Result<(), StoreError> {
        self.inner.forget_history(mailbox, kept, limit).await
    }

    async fn add_segment(
        &mut self,
        segment: &Segment,
        state: SegmentState,
        time: Timestamp,
    ) -> Result<(), StoreError> {
        self.inner.add_segment(segment, state, time).await
    }

    async fn add_blocks(&mut self, segment: Key, blocks: &[Block]) -> Result<(), StoreError> {
        self.inner.add_blocks(segment, blocks).await
    }

    async fn set_segment(
        &mut self,
        segment: Key,
        change: (SegmentState, SegmentState),
        time: Timestamp,
    ) -> Result<bool, StoreError> {
        self.inner.set_segment(segment, change, time).await
    }

    async fn drop_segment(&mut self, segment: Key) -> Result<(), StoreError> {
        self.inner.drop_segment(segment).await
    }

    async fn add_correspondents(
        &mut self,
        owner: Uuid,
        accounts: &[Uuid],
    ) -> Result<(), StoreError> {
        self.inner.add_correspondents(owner, accounts).await
    }

    async fn set_indexed(
        &mut self,
        owner: Uuid,
        times: (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        self.inner.set_indexed(owner, times).await
    }
}
