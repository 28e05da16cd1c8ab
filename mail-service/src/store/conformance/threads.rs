//! Conversations.

use super::{
    letter::letter,
    office::{Office, people},
};
use crate::{commit::Refusal, domain::FolderRole, store::SharedStore};

pub(super) async fn an_answer_joins_the_conversation_in_every_mailbox(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo] = people();
    let first = office.send(&letter(ana, &[bob, cleo])).await;
    let at_bob = office.newest(bob).await;
    let at_cleo = office.newest(cleo).await;
    let answer = office
        .send(&letter(bob, &[ana, cleo]).answering(&at_bob))
        .await;
    assert_eq!(answer.thread_id, at_bob.thread_id);
    assert_eq!(answer.in_reply_to, Some(at_bob.message_id));
    for (owner, parent) in [(ana, &first), (cleo, &at_cleo)] {
        let copy = office.newest(owner).await;
        assert_eq!(copy.thread_id, parent.thread_id);
        assert_eq!(copy.in_reply_to, Some(parent.message_id), "their own copy");
    }
}

pub(super) async fn an_answer_marks_what_it_answers_for_the_sender_only(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let first = office.send(&letter(ana, &[bob])).await;
    let at_bob = office.newest(bob).await;
    office.send(&letter(bob, &[ana]).answering(&at_bob)).await;
    let answered = office.copy(bob, at_bob.message_id).await.unwrap();
    assert!(answered.answered && !at_bob.answered);
    assert!(answered.change > at_bob.change, "the etag tells of it");
    assert_eq!(office.copy(ana, first.message_id).await, Some(first));
    office.audit(bob).await;
}

pub(super) async fn somebody_new_to_a_conversation_joins_it_without_the_past(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo] = people();
    office.send(&letter(ana, &[bob])).await;
    let at_bob = office.newest(bob).await;
    let answer = office.send(&letter(bob, &[cleo]).answering(&at_bob)).await;
    let at_cleo = office.newest(cleo).await;
    assert_eq!(at_cleo.in_reply_to, None);
    assert_eq!(at_cleo.thread_id, answer.thread_id);
}

pub(super) async fn only_ones_own_messages_can_be_answered(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo] = people();
    let foreign = office.send(&letter(ana, &[bob])).await;
    let refused = office
        .try_send(&letter(cleo, &[bob]).answering(&foreign))
        .await;
    assert_eq!(refused, Err(Refusal::ParentNotFound(foreign.message_id)));
    let gone = office.newest(bob).await;
    office.delete(bob, &[gone.message_id]).await.unwrap();
    let refused = office.try_send(&letter(bob, &[ana]).answering(&gone)).await;
    assert_eq!(refused, Err(Refusal::ParentNotFound(gone.message_id)));
    assert_eq!(office.inbox(ana).await, []);
    assert_eq!(office.inbox(bob).await, []);
}

pub(super) async fn an_answer_to_oneself_joins_the_conversation(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let note = office.send(&letter(ana, &[ana, bob])).await;
    let at_bob = office.newest(bob).await;
    office.send(&letter(bob, &[ana]).answering(&at_bob)).await;
    let answer = office.newest(ana).await;
    assert_eq!(answer.thread_id, note.thread_id);
    assert_eq!(
        answer.in_reply_to,
        Some(note.message_id),
        "what was sent, not what came back"
    );
    assert_eq!(office.list(ana, FolderRole::Sent).await.len(), 1);
}
