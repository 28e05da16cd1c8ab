//! Drafts that are sent: with the promises of every send.

use futures::future::join_all;

use super::{
    letter::letter,
    office::{Office, ids, people},
};
use crate::{
    commit::Refusal,
    domain::{FolderRole, Kind},
    store::SharedStore,
};

pub(super) async fn a_sent_draft_keeps_its_id_and_its_labels(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo] = people();
    let parent = office.send(&letter(ana, &[bob])).await;
    let original = office.send(&letter(ana, &[bob])).await;
    let mut message = letter(ana, &[bob]).answering(&parent).passing_on(&original);
    message.bcc = vec![cleo];
    let draft = office.save(&message.labelled(&["a"])).await;
    let sent = office.send_draft(&draft).await.unwrap();
    assert_eq!((sent.message_id, sent.kind), (draft.message_id, Kind::Sent));
    assert_eq!(
        (sent.thread_id, &sent.labels),
        (parent.thread_id, &draft.labels)
    );
    assert!(sent.change > draft.change && sent.receive_time > draft.receive_time);
    let found = office.list(ana, FolderRole::Sent).await;
    assert_eq!(found[0], sent, "the newest");
    assert_eq!(office.list(ana, FolderRole::Drafts).await, []);
    let answered = office.copy(ana, parent.message_id).await.unwrap();
    let forwarded = office.copy(ana, original.message_id).await.unwrap();
    assert!(answered.answered && !answered.forwarded);
    assert!(forwarded.forwarded && !forwarded.answered);
    for owner in [bob, cleo] {
        let received = office.newest(owner).await;
        assert_eq!(received.content_id, sent.content_id);
        assert_eq!(received.thread_id, parent.thread_id);
        assert_eq!(received.participants.bcc, []);
        assert_eq!(received.labels, Vec::<String>::new());
        assert_eq!(office.letter_of(&received).await.text, "Hello");
        office.audit(owner).await;
    }
    office.audit(ana).await;
}

pub(super) async fn a_draft_to_oneself_comes_back(store: SharedStore) {
    let office = Office::new(store);
    let [ana] = people();
    let draft = office.save(&letter(ana, &[ana])).await;
    let sent = office.send_draft(&draft).await.unwrap();
    let received = office.only(ana, FolderRole::Inbox).await;
    assert_eq!(received.thread_id, sent.thread_id);
    assert!(received.receive_time < sent.receive_time && !received.read);
    assert_eq!(office.audit(ana).await.len(), 2);
}

/// From two replicas, in and across batches, all with one request id.
pub(super) async fn a_hundred_repeats_send_a_draft_once(store: SharedStore) {
    let offices = [Office::new(store.clone()), Office::new(store)];
    let [ana, bob, request] = people();
    let draft = offices[0].save(&letter(ana, &[bob])).await;
    let message = offices[0].letter_of(&draft).await.with_request(request);
    let answers = join_all((0..100).map(|n| offices[n % 2].send(&message))).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let office = &offices[0];
    assert_eq!(office.audit(bob).await.len(), 1);
    assert_eq!(ids(&office.audit(ana).await), [draft.message_id]);
    office.delete(ana, &[draft.message_id]).await.unwrap();
    office.erase(bob).await;
    assert_eq!(office.send(&message).await, answers[0], "before all else");
}

/// From two replicas, and nobody gives a request id.
pub(super) async fn a_draft_sent_by_many_at_once_goes_out_once(store: SharedStore) {
    let offices = [Office::new(store.clone()), Office::new(store)];
    let [ana, bob] = people();
    let draft = offices[0].save(&letter(ana, &[bob])).await;
    let sends = (0..40).map(|n| offices[n % 2].send_draft(&draft));
    let results = join_all(sends).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for refused in results.into_iter().filter_map(Result::err) {
        assert_eq!(refused, Refusal::NotADraft);
    }
    assert_eq!(offices[0].audit(bob).await.len(), 1);
    assert_eq!(offices[0].audit(ana).await.len(), 1);
}

/// What goes out is what was read, or nothing: of a change and a send at once, either the send
/// comes first, or it has to look again.
pub(super) async fn a_draft_that_changes_while_it_is_sent_is_looked_at_again(store: SharedStore) {
    let offices = [Office::new(store.clone()), Office::new(store)];
    for round in 0..12 {
        let [ana, bob] = people();
        let draft = offices[0].save(&letter(ana, &[bob])).await;
        let sending = offices[0].letter_of(&draft).await;
        let other = letter(ana, &[bob]).with_text("Other");
        let update = offices[round % 2].update(&other, &draft);
        let (sent, updated) = futures::join!(offices[1].try_send(&sending), update);
        match (sent, updated) {
            (Ok(_), Err(refused)) => {
                assert_eq!(refused, Refusal::NotADraft);
                assert_eq!(offices[0].newest(bob).await.snippet, "Hello");
            }
            (Err(refused), Ok(draft)) => {
                assert_eq!(refused, Refusal::SourceChanged);
                assert_eq!(offices[0].inbox(bob).await, []);
                assert_eq!(offices[0].only(ana, FolderRole::Drafts).await, draft);
            }
            both => panic!("{both:?}"),
        }
        offices[0].audit(ana).await;
    }
}

pub(super) async fn an_answer_goes_out_though_what_it_answers_is_gone(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    office.send(&letter(bob, &[ana])).await;
    let parent = office.newest(ana).await;
    let draft = office
        .save(&letter(ana, &[bob]).answering(&parent).passing_on(&parent))
        .await;
    office.delete(ana, &[parent.message_id]).await.unwrap();
    let sent = office.send_draft(&draft).await.unwrap();
    assert_eq!(sent.thread_id, parent.thread_id, "its conversation stays");
    let received = office.newest(bob).await;
    assert_eq!(received.thread_id, parent.thread_id);
    for owner in [ana, bob] {
        office.audit(owner).await;
    }
}

pub(super) async fn a_draft_that_cannot_be_sent_stays_as_it_is(store: SharedStore) {
    let office = Office::with_quota(store, 2, 1 << 20);
    let [ana, bob, cleo] = people();
    let draft = office.save(&letter(ana, &[bob, cleo])).await;
    for _ in 0..2 {
        office.save(&letter(bob, &[ana])).await;
    }
    let full = Err(Refusal::MailboxesFull(vec![bob]));
    assert_eq!(office.send_draft(&draft).await, full);
    office.erase(cleo).await;
    let gone = Err(Refusal::RecipientsGone(vec![cleo]));
    assert_eq!(office.send_draft(&draft).await, gone);
    assert_eq!(office.only(ana, FolderRole::Drafts).await, draft);
    assert_eq!(office.inbox(bob).await, []);
    office.audit(ana).await;
}
