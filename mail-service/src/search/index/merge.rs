//! Making one segment of several, a few blocks at a time.

use std::cmp::Reverse;

use super::{Block, Corrupt, cursor::Cursor, writer::Writer};

/// Merges segments. [`Self::hungry`] says of which the next block is needed; [`Self::feed`] takes it and
/// hands out what is finished: memory holds one block of each, whatever their size.
#[derive(Debug)]
pub struct Merger {
    inputs: Vec<Input>,
    writer: Writer,
}

#[derive(Debug)]
enum Input {
    Hungry,
    /// At a posting.
    At(Cursor<'static>),
    Ended,
}

impl Input {
    fn begin(block: Block) -> Result<Self, Corrupt> {
        let mut cursor = Cursor::owned(block)?;
        Ok(if cursor.advance()? {
            Self::At(cursor)
        } else {
            Self::Hungry
        })
    }

    /// What comes before what in the new segment.
    fn order(&self) -> Option<(&[u8], Reverse<i64>)> {
        match self {
            Self::At(cursor) => Some((cursor.key(), Reverse(cursor.time()))),
            Self::Hungry | Self::Ended => None,
        }
    }
}

impl Merger {
    /// A merge of this many segments.
    #[must_use]
    pub fn new(inputs: usize) -> Self {
        Self {
            inputs: (0..inputs).map(|_| Input::Hungry).collect(),
            writer: Writer::default(),
        }
    }

    /// The segment whose next block, in order, is needed; `None` when all have ended.
    #[must_use]
    pub fn hungry(&self) -> Option<usize> {
        self.inputs
            .iter()
            .position(|input| matches!(input, Input::Hungry))
    }

    /// Takes the next block of the segment `input`, `None` after its last, and answers with blocks of the
    /// new segment, in order. Messages that are not `alive` are left out.
    ///
    /// # Errors
    /// The block cannot be read: the merge must be given up.
    pub fn feed(
        &mut self,
        input: usize,
        block: Option<Block>,
        alive: impl Fn(i64) -> bool,
    ) -> Result<Vec<Block>, Corrupt> {
        self.inputs[input] = match block {
            Some(block) => Input::begin(block)?,
            None => Input::Ended,
        };
        while self.hungry().is_none()
            && let Some((first, second)) = self.first_two()
        {
            // Segments are of different times, so much of one comes before anything of the others.
            while second.is_none_or(|second| self.comes_before(first, second))
                && let Input::At(cursor) = &mut self.inputs[first]
            {
                copy(cursor, &mut self.writer, &alive)?;
                if !cursor.advance()? {
                    self.inputs[first] = Input::Hungry;
                }
            }
        }
        Ok(self.writer.take())
    }

    /// The last blocks of the new segment.
    #[must_use]
    pub fn finish(self) -> Vec<Block> {
        self.writer.finish()
    }

    /// The segment whose posting comes next, and the one that comes after it.
    fn first_two(&self) -> Option<(usize, Option<usize>)> {
        let orders = self.inputs.iter().map(Input::order).enumerate();
        let ready = orders.filter_map(|(number, order)| Some((order?, number)));
        let mut ready: Vec<_> = ready.collect();
        ready.sort_unstable();
        let mut numbers = ready.into_iter().map(|(_, number)| number);
        Some((numbers.next()?, numbers.next()))
    }

    fn comes_before(&self, one: usize, other: usize) -> bool {
        (self.inputs[one].order(), one) < (self.inputs[other].order(), other)
    }
}

fn copy(
    cursor: &Cursor<'_>,
    writer: &mut Writer,
    alive: impl Fn(i64) -> bool,
) -> Result<(), Corrupt> {
    if alive(cursor.time()) {
        writer.open_posting(cursor.key(), cursor.time());
        for position in cursor.positions() {
            writer.push_position(position?);
        }
    }
    Ok(())
}
