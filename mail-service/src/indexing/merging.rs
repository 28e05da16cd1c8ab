//! Making one segment of several, beside everything else: who has begun to read the old ones can go on.

use std::collections::{HashSet, VecDeque};

use turbomessage_service_kit::clock::{Timestamp, new_id};
use uuid::Uuid;

use super::{Indexer, WORTH_MESSAGES, is_active};
use crate::{
    search::{self, Block, Merger},
    store::{Segment, SegmentState, SharedStore, StoreError},
};

/// So many segments of like size become one, but for the largest.
const MERGED: usize = 8;
const TIERS: u32 = 4;
/// How many blocks are read, or written in one transaction.
const BLOCKS: usize = 64;

impl Indexer {
    /// Merges segments of like size, if there are enough; answers whether it did.
    pub(super) async fn merge_some(
        &self,
        owner: Uuid,
        segments: &[Segment],
    ) -> Result<bool, StoreError> {
        let mut segments = segments.to_vec();
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
        let here = self.clone();
        let begun = self.at_home(async move { here.begin_segment(&new).await });
        if !begun.await? || !self.fill(&new, old, &alive).await? {
            return Ok(false);
        }
        let (here, old) = (self.clone(), old.to_vec());
        self.at_home(async move { here.put_into_use(&new, &old).await })
            .await
    }

    /// Begins a segment; answers whether the mailbox is still in use.
    pub(crate) async fn begin_segment(&self, new: &Segment) -> Result<bool, StoreError> {
        let mut transaction = self.store.begin_derived().await?;
        let (building, now) = (SegmentState::Building, self.clock.now());
        transaction.add_segment(new, building, now).await?;
        if !is_active(&mut *transaction, new.owner_id).await? {
            transaction.rollback().await;
            return Ok(false);
        }
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
            if ready.len() >= BLOCKS && !self.write_on(new, std::mem::take(&mut ready)).await? {
                return Ok(false);
            }
        }
        ready.extend(merger.finish());
        self.write_on(new, ready).await
    }

    async fn write_on(&self, new: &Segment, blocks: Vec<Block>) -> Result<bool, StoreError> {
        let (here, new) = (self.clone(), *new);
        self.at_home(async move { here.write(&new, &blocks).await })
            .await
    }

    /// Adds blocks to a segment; answers whether it is still wanted.
    pub(crate) async fn write(&self, new: &Segment, blocks: &[Block]) -> Result<bool, StoreError> {
        let key = (new.owner_id, new.segment_id);
        let still = (SegmentState::Building, SegmentState::Building);
        let mut transaction = self.store.begin_derived().await?;
        transaction.add_blocks(key, blocks).await?;
        // An erased mailbox must not get anything back. Locked last: nobody who sends to it waits for the blocks.
        let wanted = is_active(&mut *transaction, new.owner_id).await?
            && transaction
                .set_segment(key, still, self.clock.now())
                .await?;
        if !wanted {
            transaction.rollback().await;
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }

    async fn put_into_use(&self, new: &Segment, old: &[Segment]) -> Result<bool, StoreError> {
        use SegmentState::{Building, Replaced, Used};
        let (owner, now) = (new.owner_id, self.clock.now());
        let mut transaction = self.store.begin_derived().await?;
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

/// How large a segment is: each is eight times as large as the one before.
fn tier(segment: &Segment) -> u32 {
    let worth = i64::try_from(WORTH_MESSAGES).unwrap_or(i64::MAX);
    let times = u64::try_from(segment.message_count / worth).unwrap_or(0);
    times.checked_ilog(MERGED as u64).unwrap_or(0).min(TIERS)
}

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
