//! Streams of changes: how much of them waits, and when they end.

use futures::future::join_all;
use tonic::Streaming;
use turbomessage_proto::mail_v1::{
    FolderRole, GetMailboxRequest, ModifyMessagesRequest, WatchMailboxRequest,
    WatchMailboxResponse, change::Change, watch_mailbox_response::Event,
};
use turbomessage_service_kit::problem::{Reason, reason_of};

use super::{Person, World};

async fn state(world: &World, person: &Person) -> String {
    let request = world.by(person, GetMailboxRequest {});
    let found = world.mail().get_mailbox(request).await.unwrap();
    found.into_inner().mailbox.unwrap().state
}

async fn watch(world: &World, person: &Person, since: &str) -> Streaming<WatchMailboxResponse> {
    let since_state = since.into();
    let request = world.by(person, WatchMailboxRequest { since_state });
    let stream = world.mail().watch_mailbox(request).await;
    stream.unwrap().into_inner()
}

/// Objects are shown as they are when they are read: this tells when that was.
#[tokio::test]
async fn what_nobody_takes_is_not_read() {
    const MESSAGES: usize = 600;
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let start = state(&world, &bob).await;
    let to = [&bob];
    for _ in 0..MESSAGES / 100 {
        join_all((0..100).map(|_| world.send(&ana, &to))).await;
    }
    let mut stream = watch(&world, &bob, &start).await;
    stream.message().await.unwrap();

    let newest = ModifyMessagesRequest {
        message_ids: ids(&world, &bob).await,
        set_starred: Some(true),
        ..ModifyMessagesRequest::default()
    };
    let starred = world.mail().modify_messages(world.by(&bob, newest)).await;
    starred.unwrap();
    let (mut before, mut after) = (0, 0);
    while before + after < MESSAGES - 1 {
        let Some(Event::Change(change)) = stream.message().await.unwrap().unwrap().event else {
            continue;
        };
        match change.change {
            Some(Change::MessageCreated(m)) if m.starred => after += 1,
            Some(Change::MessageCreated(_)) => before += 1,
            _ => {}
        }
    }
    assert!(before <= 100 + 150, "{before} were read ahead");
}

/// Of the newest, which are read last.
async fn ids(world: &World, person: &Person) -> Vec<String> {
    let inbox = world.list(person, FolderRole::Inbox).await;
    inbox.into_iter().map(|m| m.message_id).collect()
}

#[tokio::test]
async fn an_erased_accounts_stream_ends() {
    let world = World::open().await;
    let ana = world.person("ana");
    let mut stream = watch(&world, &ana, "").await;
    stream.message().await.unwrap();
    world.auth.tell(vec![world.auth.delete(ana.id)]);
    let end = loop {
        match stream.message().await {
            Ok(event) => drop(event.unwrap()),
            Err(status) => break status,
        }
    };
    assert_eq!(reason_of(&end), Some(Reason::SessionInvalid));
}
