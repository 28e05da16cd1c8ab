//! What happened since.

use std::collections::{HashMap, HashSet};

use turbomessage_service_kit::problem::Problem;
use uuid::Uuid;

use super::{Mail, Page};
use crate::domain::{Change, Copy, Event, Folder, State};

/// One thing that happened, with the object as it is now, and the point in history right after it.
#[derive(Debug, Clone)]
pub(crate) struct Happened {
    pub(crate) state: State,
    pub(crate) what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub(crate) enum What {
    MessageCreated(Copy),
    MessageUpdated(Copy),
    MessageDeleted(Uuid),
    FolderCreated(Folder),
    FolderUpdated(Folder),
    FolderDeleted(Uuid),
}

impl What {
    /// The message that came or changed, if it was one.
    pub(crate) fn copy(&self) -> Option<&Copy> {
        match self {
            Self::MessageCreated(copy) | Self::MessageUpdated(copy) => Some(copy),
            Self::MessageDeleted(_)
            | Self::FolderCreated(_)
            | Self::FolderUpdated(_)
            | Self::FolderDeleted(_) => None,
        }
    }
}

/// A part of a mailbox's history.
pub(crate) struct History {
    /// What happened, in order.
    pub(crate) page: Page<Happened>,
    /// The point in history right after it.
    pub(crate) state: State,
}

impl Mail {
    /// What happened after `since`, in order: up to `limit` entries of the history, in which an
    /// object that appears more than once is shown once.
    ///
    /// # Errors
    /// `HISTORY_EXPIRED`.
    pub(crate) async fn history(
        &self,
        owner: Uuid,
        since: State,
        limit: i64,
    ) -> Result<History, Problem> {
        let found = self.store.changes(owner, since.change, limit + 1).await?;
        // Read after the entries: had some been forgotten in between, this would tell.
        let mailbox = self.mailbox(owner).await?;
        mailbox.check_history(since)?;
        let Page { entries, more } = Page::of(found, limit);
        let last = entries.last().map_or(since.change, |change| change.number);
        let told = told(entries);
        let (copies, folders) = self.objects(owner, &told).await?;
        let happened = told.into_iter().filter_map(|change| {
            Some(Happened {
                state: mailbox.state_at(change.number),
                what: what(change, &copies, &folders)?,
            })
        });
        Ok(History {
            page: Page {
                entries: happened.collect(),
                more,
            },
            state: mailbox.state_at(last),
        })
    }

    async fn objects(
        &self,
        owner: Uuid,
        changes: &[Change],
    ) -> Result<(HashMap<Uuid, Copy>, HashMap<Uuid, Folder>), Problem> {
        let of = |events: [Event; 2]| -> Vec<Uuid> {
            let changes = changes.iter().filter(|c| events.contains(&c.event));
            changes.map(|c| c.object_id).collect()
        };
        let messages = of([Event::MessageCreated, Event::MessageUpdated]);
        let mut copies = Vec::new();
        if !messages.is_empty() {
            copies = self.store.copies(owner, &messages).await?;
        }
        let mut folders = Vec::new();
        if !of([Event::FolderCreated, Event::FolderUpdated]).is_empty() {
            folders = self.store.folders(owner).await?;
        }
        Ok((
            copies.into_iter().map(|c| (c.message_id, c)).collect(),
            folders.into_iter().map(|f| (f.folder_id, f)).collect(),
        ))
    }
}

/// Of several changes of one object, those that tell something: its creation, or else the last.
fn told(changes: Vec<Change>) -> Vec<Change> {
    let is_creation =
        |change: &Change| matches!(change.event, Event::MessageCreated | Event::FolderCreated);
    let is_update =
        |change: &Change| matches!(change.event, Event::MessageUpdated | Event::FolderUpdated);
    let created = changes.iter().filter(|change| is_creation(change));
    let mut shown: HashSet<Uuid> = created.map(|change| change.object_id).collect();
    let mut told: Vec<Change> = changes
        .into_iter()
        .rev()
        .filter(|change| !is_update(change) || shown.insert(change.object_id))
        .collect();
    told.reverse();
    told
}

/// The change, with its object as it is now; nothing if the object is gone: that is told later.
fn what(
    change: Change,
    copies: &HashMap<Uuid, Copy>,
    folders: &HashMap<Uuid, Folder>,
) -> Option<What> {
    let id = change.object_id;
    Some(match change.event {
        Event::MessageCreated => What::MessageCreated(copies.get(&id)?.clone()),
        Event::MessageUpdated => What::MessageUpdated(copies.get(&id)?.clone()),
        Event::MessageDeleted => What::MessageDeleted(id),
        Event::FolderCreated => What::FolderCreated(folders.get(&id)?.clone()),
        Event::FolderUpdated => What::FolderUpdated(folders.get(&id)?.clone()),
        Event::FolderDeleted => What::FolderDeleted(id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(changes: &[(i64, Event, u128)]) -> Vec<i64> {
        let changes = changes.iter().map(|&(number, event, object)| Change {
            owner_id: Uuid::nil(),
            number,
            event,
            object_id: Uuid::from_u128(object),
        });
        told(changes.collect()).iter().map(|c| c.number).collect()
    }

    #[test]
    fn an_object_is_shown_once_where_it_began_or_else_where_it_changed_last() {
        use Event::{FolderUpdated, MessageCreated, MessageDeleted, MessageUpdated};
        let changes = [
            (1, MessageCreated, 10),
            (2, FolderUpdated, 20),
            (3, MessageUpdated, 10),
            (4, MessageUpdated, 11),
            (5, FolderUpdated, 20),
            (6, MessageUpdated, 11),
            (7, MessageDeleted, 12),
        ];
        assert_eq!(numbers(&changes), [1, 5, 6, 7]);
    }
}
