//! Making one segment of several, a few blocks at a time.

use std::cmp::Reverse;

use super::{Block, Corrupt, cursor::Cursor, writer::Writer};

/// Merges segments. [`Self::hungry`] says of which the next block is needed; [`Self::feed`] takes it and
/// hands out what is finished: memory holds one block of each, whatever their size.
#[derive(Debug)]
pub struct Merger {
    inputs: Vec<Input>,
    /// Those that are at a posting, in the order of these postings.
    order: Vec<usize>,
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
            order: Vec::new(),
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
        if matches!(self.inputs[input], Input::At(_)) {
            let place = self.place(&self.order, input);
            self.order.insert(place, input);
        }
        while self.hungry().is_none()
            && let Some(&first) = self.order.first()
        {
            self.copy_from(first, &alive)?;
            if matches!(self.inputs[first], Input::At(_)) {
                let others = self.place(&self.order[1..], first);
                self.order[..=others].rotate_left(1);
            } else {
                self.order.remove(0);
            }
        }
        Ok(self.writer.take())
    }

    /// The last blocks of the new segment.
    #[must_use]
    pub fn finish(self) -> Vec<Block> {
        self.writer.finish()
    }

    /// Copies from the input that is `first` until another one is, or it has no more.
    fn copy_from(&mut self, first: usize, alive: impl Fn(i64) -> bool) -> Result<(), Corrupt> {
        let second = self.order.get(1).copied();
        // Segments are of different times, so much of one comes before anything of the others.
        while second.is_none_or(|second| self.comes_before(first, second))
            && let Input::At(cursor) = &mut self.inputs[first]
        {
            copy(cursor, &mut self.writer, &alive)?;
            if !cursor.advance()? {
                self.inputs[first] = Input::Hungry;
            }
        }
        Ok(())
    }

    /// How many of `others`, which are in order, come before an input.
    fn place(&self, others: &[usize], input: usize) -> usize {
        others.partition_point(|&other| self.comes_before(other, input))
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
