//! The history of a mailbox, listed and watched.

use std::collections::HashMap;

use tonic::{Status, Streaming};
use turbomessage_proto::mail_v1::{
    Change, DeleteMessagesRequest, Folder, FolderRole, GetMailboxRequest, ListChangesRequest,
    ListChangesResponse, Message, ModifyMessagesRequest, WatchMailboxRequest, WatchMailboxResponse,
    change::Change as What, watch_mailbox_response::Event,
};
use turbomessage_service_kit::problem::Reason;
use uuid::Uuid;

use super::{Person, World, fields, metadata, reason};
use crate::store::{MailStore, Retention, SqliteStore};

impl World {
    async fn state(&self, owner: &Person) -> String {
        let request = self.by(owner, GetMailboxRequest {});
        let mailbox = self.mail().get_mailbox(request).await.unwrap();
        mailbox.into_inner().mailbox.unwrap().state
    }

    async fn changes(
        &self,
        owner: &Person,
        since_state: &str,
        page_size: i32,
    ) -> Result<ListChangesResponse, Status> {
        let request = ListChangesRequest {
            since_state: since_state.into(),
            page_size,
        };
        let listed = self.mail().list_changes(self.by(owner, request)).await?;
        Ok(listed.into_inner())
    }

    async fn watch(
        &self,
        owner: &Person,
        since_state: &str,
    ) -> Result<Streaming<WatchMailboxResponse>, Status> {
        let request = WatchMailboxRequest {
            since_state: since_state.into(),
        };
        let watched = self.mail().watch_mailbox(self.by(owner, request)).await?;
        Ok(watched.into_inner())
    }

    /// Forgets all that happened to `owner`'s mailbox until now.
    async fn forget(&self, owner: &Person) {
        let file = self.directory.path().join("mail.db");
        let store = SqliteStore::open(&file).await.unwrap();
        let mut transaction = store.begin().await.unwrap();
        let mailbox = transaction.lock_mailboxes(&[owner.id]).await.unwrap();
        let kept = Retention {
            since: super::NOW,
            changes: 0,
        };
        let forgotten = transaction.forget_history(&mailbox[0], kept, i64::MAX);
        forgotten.await.unwrap();
        transaction.commit().await.unwrap();
    }
}

/// A client that knows a mailbox by its changes.
#[derive(Debug, Clone, Default, PartialEq)]
struct Replica {
    messages: HashMap<String, Message>,
    folders: HashMap<String, Folder>,
}

impl Replica {
    async fn of(world: &World, owner: &Person) -> Self {
        let mut replica = Self::default();
        for folder in world.folders(owner).await {
            if folder.role() != FolderRole::Unspecified {
                let messages = world.list(owner, folder.role()).await;
                let messages = messages.into_iter().map(|m| (m.message_id.clone(), m));
                replica.messages.extend(messages);
            }
            replica.folders.insert(folder.folder_id.clone(), folder);
        }
        replica
    }

    fn apply(&mut self, change: Change) {
        match change.change.unwrap() {
            What::MessageCreated(message) => {
                let before = self.messages.insert(message.message_id.clone(), message);
                assert_eq!(before, None, "created once");
            }
            What::MessageUpdated(message) => {
                let before = self.messages.insert(message.message_id.clone(), message);
                assert!(before.is_some(), "created before");
            }
            What::MessageDeleted(id) => drop(self.messages.remove(&id)),
            What::FolderCreated(folder) | What::FolderUpdated(folder) => {
                self.folders.insert(folder.folder_id.clone(), folder);
            }
            What::FolderDeleted(id) => drop(self.folders.remove(&id)),
        }
    }
}

/// Things that happen to bob, one by one.
async fn step(world: &World, [ana, bob]: [&Person; 2], number: usize) {
    let inbox = world.inbox(bob).await;
    let first = inbox.first().map(|m| m.message_id.clone());
    let modify = ModifyMessagesRequest {
        message_ids: first.into_iter().collect(),
        ..ModifyMessagesRequest::default()
    };
    match number % 7 {
        0 | 1 => drop(world.send(ana, &[bob]).await),
        2 => drop(world.save(bob, &[ana]).await),
        3 => {
            let modify = ModifyMessagesRequest {
                set_read: Some(true),
                add_labels: vec!["a".into()],
                ..modify
            };
            world.modify(bob, modify).await.unwrap();
        }
        4 => {
            let modify = ModifyMessagesRequest {
                move_to_folder_role: FolderRole::Archive.into(),
                ..modify
            };
            world.modify(bob, modify).await.unwrap();
        }
        5 => {
            let made = world.create_folder(bob, &number.to_string()).await;
            let id = made.unwrap().folder_id;
            if number.is_multiple_of(2) {
                world.delete_folder(bob, &id).await.unwrap();
            }
        }
        _ => {
            let archive = world.list(bob, FolderRole::Archive).await;
            let delete = DeleteMessagesRequest {
                message_ids: archive.into_iter().map(|m| m.message_id).collect(),
            };
            let request = world.by(bob, delete);
            world.mail().delete_messages(request).await.unwrap();
        }
    }
}

#[tokio::test]
async fn from_every_state_the_changes_lead_to_what_is_there() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let mut points = vec![(world.state(&bob).await, Replica::of(&world, &bob).await)];
    for number in 0..21 {
        step(&world, [&ana, &bob], number).await;
        points.push((world.state(&bob).await, Replica::of(&world, &bob).await));
    }
    let (last, now) = points.last().cloned().unwrap();
    for (n, (mut state, mut replica)) in points.into_iter().enumerate() {
        let size = i32::try_from(n % 5 + 1).unwrap();
        loop {
            let page = world.changes(&bob, &state, size).await.unwrap();
            assert!(page.changes.len() <= n % 5 + 1);
            page.changes.into_iter().for_each(|c| replica.apply(c));
            state = page.state;
            if !page.has_more {
                break;
            }
        }
        assert_eq!(replica, now, "from state {n}");
        assert_eq!(state, last);
    }
}

#[tokio::test]
async fn a_state_that_was_never_handed_out_is_refused() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    world.send(&ana, &[&bob]).await;
    for bad in ["", "x", "\u{e9}"] {
        let refused = world.changes(&bob, bad, 0).await;
        assert_eq!(reason(&refused), Some(Reason::StateInvalid), "{bad:?}");
    }
    let refused = world.watch(&bob, "x").await.map(drop);
    assert_eq!(reason(&refused), Some(Reason::StateInvalid));
    let state = world.state(&bob).await;
    let refused = world.changes(&bob, &state, -1).await.unwrap_err();
    assert_eq!(fields(&refused), ["page_size"]);
    let now = world.changes(&bob, &state, 0).await.unwrap();
    assert_eq!(
        (now.changes.len(), now.has_more, &now.state),
        (0, false, &state)
    );
}

#[tokio::test]
async fn an_expired_state_is_answered_with_the_oldest_one() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let before = world.state(&bob).await;
    world.send(&ana, &[&bob]).await;
    let oldest = world.state(&bob).await;
    world.forget(&bob).await;
    world.send(&ana, &[&bob]).await;
    let foreign = world.state(&ana).await;
    for expired in [&before, &foreign] {
        let refused = world.changes(&bob, expired, 0).await;
        assert_eq!(reason(&refused), Some(Reason::HistoryExpired));
        assert_eq!(metadata(&refused.unwrap_err())["oldest_state"], oldest);
        let refused = world.watch(&bob, expired).await.map(drop);
        assert_eq!(reason(&refused), Some(Reason::HistoryExpired));
        assert_eq!(metadata(&refused.unwrap_err())["oldest_state"], oldest);
    }
    let known = world.changes(&bob, &oldest, 0).await.unwrap();
    assert_eq!(known.changes.len(), 2);
}

async fn next(stream: &mut Streaming<WatchMailboxResponse>) -> WatchMailboxResponse {
    let next = tokio::time::timeout(std::time::Duration::from_secs(10), stream.message());
    next.await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn a_watch_replays_and_then_goes_on_live() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let (since, mut replica) = (world.state(&bob).await, Replica::of(&world, &bob).await);
    for number in 0..9 {
        step(&world, [&ana, &bob], number).await;
    }
    let mut stream = world.watch(&bob, &since).await.unwrap();
    let (mut states, mut points) = (Vec::new(), Vec::new());
    for target in 9..16 {
        let state = world.state(&bob).await;
        while states.last() != Some(&state) {
            let happened = next(&mut stream).await;
            let Some(Event::Change(change)) = happened.event else {
                continue;
            };
            replica.apply(change);
            states.push(happened.state);
        }
        assert_eq!(
            replica,
            Replica::of(&world, &bob).await,
            "before step {target}"
        );
        points.push((state, replica.clone()));
        step(&world, [&ana, &bob], target).await;
    }
    let count = states.len();
    states.dedup();
    assert_eq!(states.len(), count, "a state after each");
    // From any of them it goes on.
    let last = world.state(&bob).await;
    for (mut state, mut replica) in points {
        let mut stream = world.watch(&bob, &state).await.unwrap();
        while state != last {
            let happened = next(&mut stream).await;
            state = happened.state;
            if let Some(Event::Change(change)) = happened.event {
                replica.apply(change);
            }
        }
        assert_eq!(replica, Replica::of(&world, &bob).await);
    }
}

#[tokio::test]
async fn a_watch_with_nothing_to_replay_begins_with_a_sign_of_life() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    world.send(&ana, &[&bob]).await;
    let state = world.state(&bob).await;
    for since in ["", &state] {
        let mut stream = world.watch(&bob, since).await.unwrap();
        let first = next(&mut stream).await;
        assert!(matches!(first.event, Some(Event::Heartbeat(_))));
        assert_eq!(first.state, state);
    }
    let mut stream = world.watch(&bob, "").await.unwrap();
    next(&mut stream).await;
    let id = Uuid::parse_str(&world.send(&ana, &[&bob]).await.message_id).unwrap();
    let Some(Event::Change(change)) = next(&mut stream).await.event else {
        panic!("a change");
    };
    let Some(What::MessageCreated(message)) = change.change else {
        panic!("a message came: {change:?}");
    };
    assert_eq!(message.snippet, "Hello");
    assert_ne!(message.message_id, id.to_string(), "bob's own copy");
}
