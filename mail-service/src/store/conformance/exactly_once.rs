//! A request id makes a send safe to repeat.

use futures::future::join_all;
use uuid::Uuid;

use super::{
    letter::letter,
    office::{Office, people, refusal},
};
use crate::{commit::Refusal, domain::FolderRole, store::SharedStore};

pub(super) async fn the_same_request_gets_the_first_answer(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, request] = people();
    let message = letter(ana, &[bob]).with_request(request);
    let first = office.send(&message).await;
    office.move_to(&first, FolderRole::Archive).await.unwrap();
    assert_eq!(office.send(&message).await, first, "as it was then");
    assert_eq!(office.audit(bob).await.len(), 1);
    assert_eq!(office.audit(ana).await.len(), 1);
}

pub(super) async fn other_content_is_refused_and_the_first_stays(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo, request] = people();
    let message = letter(ana, &[bob]).with_request(request);
    let first = office.send(&message).await;
    for other in [
        message.clone().with_text("Other"),
        message.clone().with_subject("Other"),
        message.clone().answering(&first),
        letter(ana, &[cleo]).with_request(request),
    ] {
        assert_eq!(office.try_send(&other).await, Err(Refusal::RequestIdReused));
    }
    assert_eq!(office.send(&message).await, first);
    assert_eq!(office.audit(bob).await.len(), 1);
    assert_eq!(office.audit(cleo).await, []);
}

pub(super) async fn the_answer_survives_the_deletion_of_its_copy(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, request] = people();
    let message = letter(ana, &[bob]).with_request(request);
    let first = office.send(&message).await;
    let received = office.newest(bob).await;
    office.delete(ana, &[first.message_id]).await.unwrap();
    office.delete(bob, &[received.message_id]).await.unwrap();
    office.sweep().await;
    assert_eq!(office.send(&message).await, first);
    assert_eq!(office.audit(ana).await, []);
    assert_eq!(office.audit(bob).await, []);
}

pub(super) async fn the_answer_comes_before_anything_else_is_looked_at(store: SharedStore) {
    let office = Office::with_quota(store, 2, 1 << 20);
    let [ana, bob, request] = people();
    let parent = office.send(&letter(ana, &[bob])).await;
    let message = letter(ana, &[bob]).answering(&parent).with_request(request);
    let first = office.send(&message).await;
    office.delete(ana, &[parent.message_id]).await.unwrap();
    assert_eq!(office.send(&message).await, first, "full, its parent gone");
    office.erase(bob).await;
    assert_eq!(office.send(&message).await, first, "its recipient gone");
}

pub(super) async fn a_request_id_belongs_to_its_sender(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo, request] = people();
    let first = office
        .send(&letter(ana, &[cleo]).with_request(request))
        .await;
    let second = office
        .send(&letter(bob, &[cleo]).with_request(request))
        .await;
    assert_ne!(first.content_id, second.content_id);
    assert_eq!(office.audit(cleo).await.len(), 2);
}

/// From two replicas, in and across batches.
pub(super) async fn a_hundred_at_once_send_one_message(store: SharedStore) {
    let offices = [Office::new(store.clone()), Office::new(store)];
    let [ana, bob, request] = people();
    let message = letter(ana, &[bob]).with_request(request);
    let sends = (0..100).map(|n| offices[n % 2].send(&message));
    let answers = join_all(sends).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(offices[0].audit(bob).await.len(), 1);
    assert_eq!(offices[0].audit(ana).await.len(), 1);
}

pub(super) async fn a_refused_request_may_be_tried_again(store: SharedStore) {
    let office = Office::with_quota(store, 1, 1 << 20);
    let [ana, bob, cleo] = people();
    office.send(&letter(cleo, &[bob])).await;
    let message = letter(ana, &[bob]).with_request(Uuid::new_v4());
    let refused = refusal(office.submit(message.job()).await);
    assert_eq!(refused, Refusal::MailboxesFull(vec![bob]));
    let in_the_way = office.newest(bob).await;
    office.delete(bob, &[in_the_way.message_id]).await.unwrap();
    office.send(&message).await;
    assert_eq!(office.audit(bob).await.len(), 1);
}
