//! A mailbox as a client has it who knows only what changes told, and the rules that these keep.

use std::collections::{BTreeMap, BTreeSet};

use tonic::Code;
use turbomessage_mail_service::domain::State;
use turbomessage_proto::mail_v1::{
    Change, Folder, ListChangesResponse, Message, WatchMailboxResponse,
    change::Change::{
        FolderCreated, FolderDeleted, FolderUpdated, MessageCreated, MessageDeleted, MessageUpdated,
    },
    watch_mailbox_response::Event,
};
use turbomessage_tests::User;

/// A client's copy of a mailbox.
#[derive(Debug, Clone)]
pub(super) struct Replica {
    /// Where in the mailbox's history it is.
    pub(super) state: String,
    pub(super) messages: Objects<Message>,
    pub(super) folders: Objects<Folder>,
    /// What the stream told after which change: the object.
    pub(super) told: BTreeMap<i64, String>,
}

/// The objects of one kind.
#[derive(Debug, Clone)]
pub(super) struct Objects<T> {
    pub(super) live: BTreeMap<String, T>,
    /// All that were there, or were told to have gone.
    known: BTreeSet<String>,
    /// Whether everything there was is known, not only what was listed while it changed.
    complete: bool,
}

impl<T> Objects<T> {
    fn new(objects: impl IntoIterator<Item = (String, T)>, complete: bool) -> Self {
        let live: BTreeMap<_, _> = objects.into_iter().collect();
        let known = live.keys().cloned().collect();
        Self {
            live,
            known,
            complete,
        }
    }

    fn created(&mut self, id: &str, object: T) {
        let new = self.known.insert(id.into());
        let listed = !self.complete && self.live.contains_key(id);
        assert!(new || listed, "created twice, or after its end: {id}");
        self.live.insert(id.into(), object);
    }

    fn updated(&mut self, id: &str, object: T) {
        let unlisted = !self.complete && self.known.insert(id.into());
        let there = self.live.insert(id.into(), object).is_some();
        assert!(
            there || unlisted,
            "updated before created or after deleted: {id}"
        );
    }

    fn deleted(&mut self, id: &str) {
        let there = self.live.remove(id).is_some();
        assert!(there || self.known.insert(id.into()), "deleted twice: {id}");
    }
}

impl Replica {
    /// Of a mailbox in which nothing has happened yet.
    pub(super) async fn of_new(user: &User) -> Self {
        Self::listed(user, true).await.unwrap()
    }

    /// Of a mailbox in which things happen meanwhile: the state first, then what is there.
    pub(super) async fn listed(user: &User, complete: bool) -> Result<Self, tonic::Status> {
        let state = user.state().await?;
        let folders = user.folders().await?;
        let mut messages = Vec::new();
        for folder in &folders {
            match user.list_all(&folder.folder_id).await {
                Ok(found) => messages.extend(found),
                // It has gone since, and that is told.
                Err(status) if status.code() == Code::NotFound && !complete => {}
                Err(status) => return Err(status),
            }
        }
        let messages = messages.into_iter().map(|m| (m.message_id.clone(), m));
        let folders = folders.into_iter().map(|f| (f.folder_id.clone(), f));
        Ok(Self {
            state,
            messages: Objects::new(messages, complete),
            folders: Objects::new(folders, complete),
            told: BTreeMap::new(),
        })
    }

    /// The number of the last change that it knows.
    pub(super) fn at(&self) -> i64 {
        number(&self.state)
    }

    /// Takes in what a stream told; answers whether it was a change.
    pub(super) fn hear(&mut self, response: WatchMailboxResponse) -> bool {
        let (before, now) = (self.at(), number(&response.state));
        self.state = response.state;
        match response.event.unwrap() {
            Event::Heartbeat(_) => {
                assert!(now >= before, "a heartbeat goes back: {before} {now}");
                false
            }
            Event::Change(change) => {
                assert!(
                    now > before,
                    "a change twice, or out of order: {before} {now}"
                );
                let object = self.apply(change);
                self.told.insert(now, object);
                true
            }
        }
    }

    /// Takes in a page of changes.
    pub(super) fn turn(&mut self, page: ListChangesResponse) {
        let (before, now) = (self.at(), number(&page.state));
        let moves = page.has_more || !page.changes.is_empty();
        assert!(
            if moves { now > before } else { now >= before },
            "a page that does not go on: {before} {now}"
        );
        self.state = page.state;
        for change in page.changes {
            self.apply(change);
        }
    }

    /// Answers with the id of what has changed.
    fn apply(&mut self, change: Change) -> String {
        let change = change.change.unwrap();
        let id = match &change {
            MessageCreated(m) | MessageUpdated(m) => &m.message_id,
            FolderCreated(f) | FolderUpdated(f) => &f.folder_id,
            MessageDeleted(id) | FolderDeleted(id) => id,
        };
        let id = id.clone();
        match change {
            MessageCreated(message) => self.messages.created(&id, message),
            MessageUpdated(message) => self.messages.updated(&id, message),
            MessageDeleted(_) => self.messages.deleted(&id),
            FolderCreated(folder) => self.folders.created(&id, folder),
            FolderUpdated(folder) => self.folders.updated(&id, folder),
            FolderDeleted(_) => self.folders.deleted(&id),
        }
        id
    }

    /// Fails unless it is the mailbox as `listed`.
    pub(super) fn assert_is(&self, listed: &Self, who: &str) {
        assert_eq!(self.at(), listed.at(), "{who} is at another state");
        assert_same(&self.messages.live, &listed.messages.live, who);
        assert_same(&self.folders.live, &listed.folders.live, who);
    }

    /// Fails unless both were told the same wherever both were told something.
    pub(super) fn assert_agrees(&self, other: &Self) {
        for (number, object) in &self.told {
            let told = other.told.get(number).unwrap_or(object);
            assert_eq!(object, told, "watchers disagree on change {number}");
        }
    }
}

/// As `assert_eq`, but shows only what differs.
fn assert_same<T>(have: &BTreeMap<String, T>, want: &BTreeMap<String, T>, who: &str)
where
    T: PartialEq + std::fmt::Debug,
{
    for id in have.keys().chain(want.keys()) {
        assert_eq!(
            have.get(id),
            want.get(id),
            "{who} has (left) what is (right)"
        );
    }
}

/// The number of a change: to clients states say nothing but that they are equal or not.
pub(super) fn number(state: &str) -> i64 {
    State::decode(state).unwrap().change
}
