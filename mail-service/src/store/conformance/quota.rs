//! A mailbox holds what it may hold, to the last byte, and a send that one has no room for reaches
//! nobody.

use futures::future::join_all;
use uuid::Uuid;

use super::{
    letter::letter,
    office::{Office, people},
};
use crate::{commit::Refusal, domain::FolderRole, store::SharedStore};

fn sorted<const N: usize>(mut ids: [Uuid; N]) -> Vec<Uuid> {
    ids.sort_unstable();
    ids.to_vec()
}

pub(super) async fn the_full_are_named_the_sender_among_them(store: SharedStore) {
    let office = Office::with_quota(store, 1, 1 << 20);
    let [ana, bob, cleo, dan] = people();
    office.send(&letter(ana, &[bob])).await;
    let refused = office.try_send(&letter(ana, &[bob, cleo, dan])).await;
    assert_eq!(refused, Err(Refusal::MailboxesFull(sorted([ana, bob]))));
    let refused = office.try_send(&letter(cleo, &[bob, dan])).await;
    assert_eq!(refused, Err(Refusal::MailboxesFull(vec![bob])));
    for owner in [cleo, dan] {
        assert_eq!(office.audit(owner).await, []);
    }
}

pub(super) async fn bytes_count_to_the_last_one(store: SharedStore) {
    let office = Office::with_quota(store, 100, 1000);
    let [ana, bob] = people();
    let with_size = |size: usize| {
        let message = letter(ana, &[bob]).with_subject("é");
        message.with_text("x".repeat(size - 2))
    };
    assert_eq!(with_size(900).size(), 900);
    office.send(&with_size(900)).await;
    let refused = office.try_send(&with_size(101)).await;
    assert_eq!(refused, Err(Refusal::MailboxesFull(sorted([ana, bob]))));
    office.send(&with_size(100)).await;
    assert_eq!(office.mailbox(bob).await.used_bytes, 1000);
    office.audit(bob).await;
}

pub(super) async fn a_self_send_needs_room_for_two(store: SharedStore) {
    let office = Office::with_quota(store.clone(), 3, 1 << 20);
    let [ana, bob] = people();
    office.send(&letter(ana, &[ana])).await;
    let refused = office.try_send(&letter(ana, &[ana])).await;
    assert_eq!(refused, Err(Refusal::MailboxesFull(vec![ana])));
    office.send(&letter(ana, &[bob])).await;
    assert_eq!(office.audit(ana).await.len(), 3);

    let office = Office::with_quota(store, 100, 20);
    let [cleo] = people();
    let message = letter(cleo, &[cleo])
        .with_subject("")
        .with_text("x".repeat(11));
    let refused = office.try_send(&message).await;
    assert_eq!(refused, Err(Refusal::MailboxesFull(vec![cleo])));
    office.send(&message.with_text("x".repeat(10))).await;
    assert_eq!(office.mailbox(cleo).await.used_bytes, 20);
}

pub(super) async fn deleting_makes_room(store: SharedStore) {
    let office = Office::with_quota(store, 2, 1 << 20);
    let [ana, bob] = people();
    for _ in 0..5 {
        let sent = office.send(&letter(ana, &[bob])).await;
        let received = office.newest(bob).await;
        // In the trash it still counts.
        office.move_to(&received, FolderRole::Trash).await.unwrap();
        office.send(&letter(ana, &[bob])).await;
        assert!(office.try_send(&letter(ana, &[bob])).await.is_err());
        for copy in office.audit(ana).await {
            office.delete(ana, &[copy.message_id]).await.unwrap();
        }
        assert_eq!(office.mailbox(ana).await.used_bytes, 0);
        for copy in office.audit(bob).await {
            office.delete(bob, &[copy.message_id]).await.unwrap();
        }
        assert_ne!(sent.message_id, received.message_id);
    }
}

/// From two replicas, in and across batches.
pub(super) async fn exactly_as_many_as_fit_get_in_at_once(store: SharedStore) {
    const ROOM: usize = 7;
    let quota = i64::try_from(ROOM).unwrap();
    let offices = [
        Office::with_quota(store.clone(), quota, 1 << 20),
        Office::with_quota(store, quota, 1 << 20),
    ];
    let [bob] = people();
    let senders: [Uuid; 40] = people();
    let letters: Vec<_> = senders.iter().map(|&ana| letter(ana, &[bob])).collect();
    let sends = letters
        .iter()
        .enumerate()
        .map(|(n, letter)| offices[n % 2].try_send(letter));
    let results = join_all(sends).await;
    let done = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(done, ROOM);
    for result in results.into_iter().filter_map(Result::err) {
        assert_eq!(result, Refusal::MailboxesFull(vec![bob]));
    }
    assert_eq!(offices[0].audit(bob).await.len(), ROOM);
}
