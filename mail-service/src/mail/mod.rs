//! The use cases: what a caller can do with their mailbox.

mod changes;
mod changing;
mod reading;
mod refusals;
mod search;
mod sending;
mod threads;

use moka::sync::Cache;
use turbomessage_service_kit::{
    clock::{SharedClock, Timestamp},
    problem::{Problem, Reason},
};
use uuid::Uuid;

pub(crate) use self::{
    changes::{Happened, What},
    search::{Found, Steps, parse as parse_query},
    sending::Delivery,
    threads::ThreadSummary,
};
use crate::{
    commit::{MailboxDefaults, Writer, create_mailboxes},
    directory::Directory,
    domain::{FolderRole, Mailbox, MailboxState},
    indexing::Hints,
    store::{SharedStore, StoreError},
};

/// A page of something, and whether more follows.
pub(crate) struct Page<T> {
    pub(crate) entries: Vec<T>,
    pub(crate) more: bool,
}

impl<T> Page<T> {
    /// The first `size` of `entries`, of which one more was asked for.
    fn of(mut entries: Vec<T>, size: i64) -> Self {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let more = entries.len() > size;
        entries.truncate(size);
        Self { entries, more }
    }
}

/// Standard folders of mailboxes remembered; they never change.
const REMEMBERED: u64 = 100_000;

/// Everybody's mailboxes.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    store: SharedStore,
    writer: Writer,
    directory: Directory,
    clock: SharedClock,
    defaults: MailboxDefaults,
    standard_folders: Cache<(Uuid, FolderRole), Uuid>,
    hints: Hints,
    /// How searches go about it.
    pub(crate) steps: Steps,
}

impl Mail {
    /// Mailboxes in `store`, written by `writer`.
    #[must_use]
    pub(crate) fn new(
        store: SharedStore,
        writer: Writer,
        directory: Directory,
        clock: SharedClock,
        defaults: MailboxDefaults,
        hints: Hints,
    ) -> Self {
        let standard_folders = Cache::new(REMEMBERED);
        Self {
            store,
            writer,
            directory,
            clock,
            defaults,
            standard_folders,
            hints,
            steps: Steps::default(),
        }
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The mailbox as a whole.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn mailbox(&self, owner: Uuid) -> Result<Mailbox, Problem> {
        match self.store.mailbox(owner).await? {
            Some(mailbox) if mailbox.state == MailboxState::Active => Ok(mailbox),
            Some(_) => Err(Problem::new(Reason::SessionInvalid)),
            None => self.open(owner).await,
        }
    }

    /// A mailbox is made when it is first looked at or written to.
    async fn open(&self, owner: Uuid) -> Result<Mailbox, Problem> {
        create_mailboxes(&*self.store, &*self.clock, &self.defaults, &[owner]).await?;
        let mailbox = self.store.mailbox(owner).await?;
        let missing = || StoreError::Refused(anyhow::anyhow!("a new mailbox is not there"));
        let mailbox = mailbox.ok_or_else(missing)?;
        if mailbox.state == MailboxState::Erased {
            return Err(Problem::new(Reason::SessionInvalid));
        }
        Ok(mailbox)
    }
}
