//! Finding messages: newest first, looking only at as much as a page needs.
//!
//! Time is cut into slices, newest first: what is not indexed yet is read as it is, the rest found in
//! segments of the index (`slices`). In a slice the words of a query are found wherever they are; the
//! messages that may be meant (`candidates`) are then looked at themselves, because folder, flags and
//! labels are on them alone.

mod candidates;
mod people;
mod rest;
mod segments;
mod slices;

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;
use turbomessage_service_kit::{
    clock::Timestamp,
    problem::{Problem, Reason},
};
use uuid::Uuid;

use self::{
    candidates::Scan,
    people::People,
    slices::{Slice, Slices},
};
use super::Mail;
use crate::{
    domain::{Copy, Cursor, Folder, PageSize},
    search::{self, Facts, Query, QueryError, Window},
};

/// A search for a page that is not full after so long, or after looking at so many messages, answers
/// with what it has and where to go on.
const PATIENCE: Duration = Duration::from_secs(3);
const MOST_LOOKED_AT: usize = 20_000;
/// How many messages are looked at in one statement.
const STEP: usize = 100;

/// How a search goes about it. Whatever they are, the same is found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    /// How many indexed messages it looks through at first, at least, before it finds out whether its words
    /// are rare.
    pub(crate) first_group: i64,
    /// A word whose places in a segment take fewer blocks than this is rare there: most places of one take
    /// one block, and some go on in the next.
    pub(crate) few_blocks: i64,
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            first_group: 512,
            few_blocks: 3,
        }
    }
}

/// Messages that were found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Newest first.
    pub(crate) copies: Vec<Copy>,
    /// Where to go on, if there may be more.
    pub(crate) next: Option<Cursor>,
}

/// What a query asks for.
///
/// # Errors
/// `QUERY_INVALID`, with the position.
pub(crate) fn parse(query: &str) -> Result<Query, Problem> {
    search::parse(query).map_err(|error| refused(&error))
}

fn refused(error: &QueryError) -> Problem {
    let problem = Problem::new(Reason::QueryInvalid)
        .with("position", error.position.to_string())
        .with("kind", error.kind.name());
    match error.kind.operator() {
        Some(operator) => problem.with("operator", operator),
        None => problem,
    }
}

impl Mail {
    /// A page of what `query` finds after `cursor`.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn search(
        &self,
        owner: Uuid,
        query: &Query,
        cursor: Cursor,
        size: PageSize,
    ) -> Result<Found, Problem> {
        let before = Window {
            newest: cursor.time.as_micros().saturating_sub(1),
            ..Window::ALL
        };
        let window = search::span(query).and(before);
        let size = usize::try_from(size.get()).unwrap_or(usize::MAX);
        let folders = self.folders(owner).await?;
        let people = People::new(self, owner, query).await?;
        let mut slices = Slices::begin(self, owner, query, window).await?;
        let window = slices.window();
        let scan = Scan::of(self, owner, query, &folders, window).await?;
        let mut finder = Finder {
            mail: self,
            owner,
            folders: folders.into_iter().map(|f| (f.folder_id, f)).collect(),
            query,
            scan,
            people,
            wanted: size + 1,
            found: Vec::new(),
            looked_at: 0,
            last: window.newest.saturating_add(1),
            begun: Instant::now(),
        };
        while let Some(slice) = slices.next(self, query, &mut finder.people).await? {
            if finder.look_through(slice).await? {
                return Ok(finder.stopped(size));
            }
        }
        Ok(finder.ended(size))
    }
}

struct Finder<'a> {
    mail: &'a Mail,
    owner: Uuid,
    query: &'a Query,
    folders: HashMap<Uuid, Folder>,
    people: People,
    scan: Scan,
    wanted: usize,
    found: Vec<Copy>,
    looked_at: usize,
    /// When the last message came that was looked at.
    last: i64,
    begun: Instant,
}

impl Finder<'_> {
    /// Looks through a slice; answers whether that is enough.
    async fn look_through(&mut self, slice: Slice) -> Result<bool, Problem> {
        if let Some(times) = search::candidates(self.query, &slice.known()) {
            for times in times.chunks(STEP) {
                let times: Vec<Timestamp> =
                    times.iter().copied().map(Timestamp::from_micros).collect();
                let mut copies = self.mail.store.copies_at(self.owner, &times).await?;
                copies.sort_by_key(|copy| std::cmp::Reverse(copy.receive_time));
                for copy in copies {
                    if self.look_at(copy, &slice) {
                        return Ok(true);
                    }
                }
            }
        } else {
            while let Some(copy) = self.scan.next(self.mail, slice.window.oldest).await? {
                if self.look_at(copy, &slice) {
                    return Ok(true);
                }
            }
        }
        self.last = self.last.min(slice.window.oldest);
        Ok(self.begun.elapsed() > PATIENCE)
    }

    /// Looks at one message; answers whether that is enough.
    fn look_at(&mut self, copy: Copy, slice: &Slice) -> bool {
        self.looked_at += 1;
        let time = copy.receive_time.as_micros();
        let hits = slice.hits.iter();
        let hits: Vec<bool> = hits.map(|times| search::contains(times, time)).collect();
        let folder = self.folders.get(&copy.folder_id);
        let facts = Facts {
            time,
            role: folder.and_then(|f| f.role),
            folder: folder.map_or("", |f| f.name.as_str()),
            labels: &copy.labels,
            read: copy.read,
            starred: copy.starred,
            has_attachment: false,
            size: copy.size_bytes,
        };
        if search::matches(self.query, &hits, &facts) {
            self.found.push(copy);
            if self.found.len() == self.wanted {
                return true;
            }
        }
        self.last = time;
        self.looked_at >= MOST_LOOKED_AT || self.begun.elapsed() > PATIENCE
    }

    /// What was found when it was enough.
    fn stopped(mut self, size: usize) -> Found {
        let time = match self.found.get(size.saturating_sub(1)) {
            Some(copy) if self.found.len() > size => copy.receive_time,
            _ => Timestamp::from_micros(self.last),
        };
        self.found.truncate(size);
        Found {
            copies: self.found,
            next: Some(Cursor {
                time,
                id: Uuid::nil(),
            }),
        }
    }

    /// What was found when there was nothing more to look at.
    fn ended(self, size: usize) -> Found {
        if self.found.len() > size {
            return self.stopped(size);
        }
        Found {
            copies: self.found,
            next: None,
        }
    }
}
