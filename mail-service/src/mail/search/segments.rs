//! Finding the words of a query in segments of the index: in all that they hold, or, where a word is rare,
//! in little of it.

use std::{collections::BTreeMap, sync::Arc};

use turbomessage_service_kit::problem::Problem;
use uuid::Uuid;

use super::Mail;
use crate::{
    search::{self, Block, Blocks, Corrupt, Leaf, Query, Window},
    store::{BlockRange, Segment},
};

/// The most places to look at for rare words, or for other words where a rare one was found.
const MOST_PLACES: usize = 2048;
/// The most messages with rare words in which others are looked for one by one.
const MOST_MESSAGES: usize = 256;

/// Segments, and what is looked for in them.
pub(super) struct Segments<'a> {
    pub(super) mail: &'a Mail,
    pub(super) owner: Uuid,
    pub(super) all: &'a [Segment],
    /// Each with those in whose names it occurs.
    pub(super) leaves: Vec<(&'a Leaf, &'a [Uuid])>,
    pub(super) window: Window,
}

/// When messages came, newest first, by leaf.
type Hits = Vec<Vec<i64>>;
/// A leaf and where it is looked for: its number, the window, and the blocks of one segment.
type Task = (usize, Window, Arc<Blocks>);

impl Segments<'_> {
    /// Where each leaf is found.
    pub(super) async fn search(&self) -> Result<Hits, Problem> {
        let mut ranges = Vec::new();
        for segment in self.all {
            for leaf in 0..self.leaves.len() {
                ranges.extend(self.ranges(leaf, segment, self.window));
            }
        }
        let blocks = self.mail.store.blocks(self.owner, &ranges).await?;
        let every_leaf = 0..self.leaves.len();
        let by_segment = by_segment(blocks).into_values();
        let tasks = by_segment.flat_map(|blocks| {
            let with = move |leaf| (leaf, self.window, Arc::clone(&blocks));
            every_leaf.clone().map(with)
        });
        self.find(tasks.collect()).await
    }

    /// Where each leaf is found, if little has to be read for that: some are rare, and the others are looked
    /// for only in messages that `query` may ask for by those. Where nobody needs to know whether a
    /// leaf is there, it is not told.
    pub(super) async fn search_rare(&self, query: &Query) -> Result<Option<Hits>, Problem> {
        let Some(rare) = self.rare_leaves().await? else {
            return Ok(None);
        };
        if rare.iter().all(Option::is_some) {
            return Ok(rare.into_iter().collect());
        }
        let Some(times) = search::candidates(query, &rare) else {
            return Ok(None);
        };
        if times.len() > MOST_MESSAGES {
            return Ok(None);
        }
        let others = (0..rare.len()).filter(|leaf| rare[*leaf].is_none());
        let Some(mut hits) = self.search_at(&times, &others.collect::<Vec<_>>()).await? else {
            return Ok(None);
        };
        for (hits, rare) in hits.iter_mut().zip(rare) {
            hits.extend(rare.unwrap_or_default());
        }
        Ok(Some(hits))
    }

    /// Where those leaves are found that are rare; `None` if there are too many places to look at.
    async fn rare_leaves(&self) -> Result<Option<Vec<Option<Vec<i64>>>>, Problem> {
        let mut ranges = Vec::new();
        // Whose each range is: leaf and segment.
        let mut of = Vec::new();
        for (number, segment) in self.all.iter().enumerate() {
            for leaf in 0..self.leaves.len() {
                let wanted = self.ranges(leaf, segment, self.window);
                of.extend(std::iter::repeat_n((leaf, number), wanted.len()));
                ranges.extend(wanted);
            }
        }
        if ranges.len() > MOST_PLACES {
            return Ok(None);
        }
        let (store, few) = (&self.mail.store, self.mail.steps.few_blocks);
        let found = store.first_blocks(self.owner, &ranges, few).await?;
        let mut counts = vec![0; ranges.len()];
        let mut blocks: BTreeMap<(usize, usize), Vec<Block>> = BTreeMap::new();
        for (range, block) in found {
            counts[range] += 1;
            blocks.entry(of[range]).or_default().push(block);
        }
        let mut is_rare = vec![true; self.leaves.len()];
        for ((leaf, _), count) in of.iter().zip(counts) {
            is_rare[*leaf] &= count < few;
        }
        blocks.retain(|(leaf, _), _| is_rare[*leaf]);
        let tasks = blocks
            .into_iter()
            .map(|((leaf, _), blocks)| (leaf, self.window, Arc::new(Blocks::new(blocks))));
        let hits = self.find(tasks.collect()).await?;
        let known = hits.into_iter().zip(is_rare);
        let known = known.map(|(hits, is_rare)| is_rare.then_some(hits));
        Ok(Some(known.collect()))
    }

    /// In which of the messages that came at `times` each of `leaves` is found; `None` if there are too many
    /// places to look at.
    async fn search_at(&self, times: &[i64], leaves: &[usize]) -> Result<Option<Hits>, Problem> {
        let mut ranges = Vec::new();
        let mut places = Vec::new();
        for segment in self.all {
            let (oldest, newest) = (segment.oldest_time, segment.newest_time);
            let its = oldest.as_micros()..=newest.as_micros();
            for time in times.iter().copied().filter(|time| its.contains(time)) {
                let at = Window {
                    oldest: time,
                    newest: time,
                };
                for leaf in leaves {
                    ranges.extend(self.ranges(*leaf, segment, at));
                    places.push((segment.segment_id, *leaf, at));
                }
            }
        }
        if ranges.len() > MOST_PLACES {
            return Ok(None);
        }
        let blocks = by_segment(self.mail.store.blocks(self.owner, &ranges).await?);
        let tasks = places.into_iter().filter_map(|(segment, leaf, at)| {
            let blocks = blocks.get(&segment)?;
            Some((leaf, at, Arc::clone(blocks)))
        });
        self.find(tasks.collect()).await.map(Some)
    }

    fn ranges(
        &self,
        leaf: usize,
        segment: &Segment,
        window: Window,
    ) -> impl ExactSizeIterator<Item = BlockRange> + use<> {
        let (leaf, people) = self.leaves[leaf];
        let (oldest, newest) = (segment.oldest_time, segment.newest_time);
        let is_whole = window.contains(oldest.as_micros()) && window.contains(newest.as_micros());
        let window = if is_whole { Window::ALL } else { window };
        let segment_id = segment.segment_id;
        let wanted = search::ranges(leaf, people, window).into_iter();
        wanted.map(move |range| BlockRange {
            segment_id,
            start: range.start,
            end: range.end,
        })
    }

    /// Finds leaves in blocks, which takes the CPU for a while.
    async fn find(&self, tasks: Vec<Task>) -> Result<Hits, Problem> {
        let leaves = self.leaves.iter();
        let leaves: Vec<(Leaf, Vec<Uuid>)> = leaves
            .map(|(leaf, people)| ((*leaf).clone(), people.to_vec()))
            .collect();
        let found = tokio::task::spawn_blocking(move || find_all(&tasks, &leaves)).await;
        found.map_err(Problem::internal)?.map_err(Problem::internal)
    }
}

fn by_segment(blocks: Vec<(Uuid, Block)>) -> BTreeMap<Uuid, Arc<Blocks>> {
    let mut by_segment: BTreeMap<Uuid, Vec<Block>> = BTreeMap::new();
    for (segment, block) in blocks {
        by_segment.entry(segment).or_default().push(block);
    }
    let blocks = by_segment.into_iter();
    blocks
        .map(|(segment, blocks)| (segment, Arc::new(Blocks::new(blocks))))
        .collect()
}

fn find_all(tasks: &[Task], leaves: &[(Leaf, Vec<Uuid>)]) -> Result<Hits, Corrupt> {
    let mut hits = vec![Vec::new(); leaves.len()];
    for (number, window, blocks) in tasks {
        let (leaf, people) = &leaves[*number];
        hits[*number].extend(search::hits(blocks, leaf, people, *window)?);
    }
    for times in &mut hits {
        times.sort_unstable_by_key(|time| std::cmp::Reverse(*time));
        // Segments that overlap may have a message in common.
        times.dedup();
    }
    Ok(hits)
}
