//! What is sent later waits in the Outbox: then everybody gets it, or the sender is told.

use futures::future::join_all;
use uuid::Uuid;

use super::{
    letter::letter,
    office::{Office, nothing, people},
};
use crate::{
    commit::{Modify, Place, Refusal},
    domain::{Copy, FolderRole, Kind, Participant},
    mail::Delivery,
    store::SharedStore,
};

/// Delivers what is due for `owner`, and answers what became of it.
async fn deliver(office: &Office, owner: Uuid) -> Vec<Delivery> {
    let due = office.due(owner).await;
    join_all(due.iter().map(|&id| office.deliver(owner, id))).await
}

async fn is_given_back(office: &Office, waiting: &Copy) {
    let draft = office.only(waiting.owner_id, FolderRole::Drafts).await;
    let ids = (draft.message_id, draft.kind, draft.deliver_time);
    assert_eq!(ids, (waiting.message_id, Kind::Draft, None));
    assert_eq!(draft.labels, waiting.labels);
    assert_eq!(office.letter_of(&draft).await.text, "Hello");
    assert_eq!(office.list(waiting.owner_id, FolderRole::Outbox).await, []);
}

pub(super) async fn a_message_waits_for_its_time(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let message = letter(ana, &[bob])
        .labelled(&["a"])
        .at(office.in_seconds(60));
    let waiting = office.send(&message).await;
    assert_eq!(
        (waiting.kind, waiting.deliver_time),
        (Kind::Waiting, message.deliver_time)
    );
    assert_eq!(office.only(ana, FolderRole::Outbox).await, waiting);
    assert_eq!(office.list(ana, FolderRole::Sent).await, []);
    // Notes to oneself about it.
    for note in [
        letter(ana, &[ana]).answering(&waiting),
        letter(ana, &[ana]).passing_on(&waiting),
    ] {
        let note = office.send(&note).await;
        office.delete(ana, &[note.message_id]).await.unwrap();
        let note = office.only(ana, FolderRole::Inbox).await;
        office.delete(ana, &[note.message_id]).await.unwrap();
    }
    office.advance(59);
    assert_eq!(office.due(ana).await, [] as [Uuid; 0]);
    office.advance(1);
    assert_eq!(office.due(ana).await, [waiting.message_id]);
    assert_eq!(deliver(&office, ana).await, [Delivery::Done]);
    let sent = office.only(ana, FolderRole::Sent).await;
    assert_eq!(
        (sent.message_id, sent.kind),
        (waiting.message_id, Kind::Sent)
    );
    assert_eq!((sent.deliver_time, &sent.labels), (None, &waiting.labels));
    assert!(sent.answered && sent.forwarded, "as they were");
    let received = office.only(bob, FolderRole::Inbox).await;
    assert_eq!(received.receive_time, office.in_seconds(0), "when it came");
    assert_eq!(received.thread_id, waiting.thread_id);
    assert_eq!(office.letter_of(&received).await.text, "Hello");
    assert_eq!(office.due(ana).await, [] as [Uuid; 0]);
    for owner in [ana, bob] {
        assert_eq!(office.audit(owner).await.len(), 1);
    }
}

pub(super) async fn a_time_that_is_not_ahead_is_at_once(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let now = letter(ana, &[bob]).at(office.in_seconds(0));
    assert_eq!(office.send(&now).await.kind, Kind::Sent);
    let draft = office
        .save(&letter(ana, &[bob]).at(office.in_seconds(5)))
        .await;
    office.advance(5);
    assert_eq!(office.send_draft(&draft).await.unwrap().kind, Kind::Sent);
    let draft = office
        .save(&letter(ana, &[bob]).at(office.in_seconds(5)))
        .await;
    let waiting = office.send_draft(&draft).await.unwrap();
    assert_eq!(
        (waiting.message_id, waiting.kind),
        (draft.message_id, Kind::Waiting)
    );
    assert_eq!(office.inbox(bob).await.len(), 2);
    office.audit(ana).await;
}

/// From two replicas, in and across batches.
pub(super) async fn many_deliverers_at_once_deliver_once(store: SharedStore) {
    let offices = [Office::new(store.clone()), Office::new(store)];
    let [ana, bob] = people();
    for _ in 0..3 {
        offices[0]
            .send(&letter(ana, &[ana, bob]).at(offices[0].in_seconds(1)))
            .await;
    }
    for office in &offices {
        office.advance(1);
    }
    let results = join_all((0..12).map(|n| deliver(&offices[n % 2], ana))).await;
    let done = results.iter().flatten().filter(|d| **d == Delivery::Done);
    assert_eq!(done.count(), 3);
    assert!(results.iter().flatten().all(|d| *d != Delivery::Returned));
    assert_eq!(offices[0].audit(bob).await.len(), 3);
    assert_eq!(offices[0].audit(ana).await.len(), 6);
}

pub(super) async fn what_is_taken_back_is_a_draft_again(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let message = letter(ana, &[bob])
        .labelled(&["a"])
        .at(office.in_seconds(9));
    let waiting = office.send(&message).await;
    let foreign = Copy {
        owner_id: bob,
        ..waiting.clone()
    };
    let refused = office.cancel(&foreign).await;
    let missing = Refusal::MessagesNotFound(vec![waiting.message_id]);
    assert_eq!(refused, Err(missing));
    let draft = office.cancel(&waiting).await.unwrap();
    is_given_back(&office, &waiting).await;
    assert_eq!(office.cancel(&waiting).await, Ok(draft.clone()), "again");
    office.advance(9);
    assert_eq!(deliver(&office, ana).await, []);
    assert_eq!(office.inbox(ana).await, [], "no notice");
    // It is as good a draft as any.
    let draft = office.update(&message, &draft).await.unwrap();
    let sent = office.send_draft(&draft).await.unwrap();
    assert_eq!(
        (sent.message_id, sent.kind),
        (waiting.message_id, Kind::Sent)
    );
    assert_eq!(office.cancel(&sent).await, Err(Refusal::AlreadyDelivered));
    let received = office.newest(bob).await;
    assert_eq!(
        office.cancel(&received).await,
        Err(Refusal::AlreadyDelivered)
    );
    for owner in [ana, bob] {
        assert_eq!(office.audit(owner).await.len(), 1);
    }
}

/// From two replicas: whoever wins, the mailboxes agree about it.
pub(super) async fn of_taking_back_and_delivering_one_wins(store: SharedStore) {
    let offices = [Office::new(store.clone()), Office::new(store)];
    for round in 0..12 {
        let [ana, bob] = people();
        let later = letter(ana, &[bob]).at(offices[0].in_seconds(1));
        let waiting = offices[0].send(&later).await;
        for office in &offices {
            office.advance(1);
        }
        let delivery = offices[round % 2].deliver(ana, waiting.message_id);
        let (delivered, cancelled) = futures::join!(delivery, offices[0].cancel(&waiting));
        match (delivered, cancelled) {
            (Delivery::Done, Err(refused)) => {
                assert_eq!(refused, Refusal::AlreadyDelivered);
                assert_eq!(offices[0].audit(bob).await.len(), 1);
                offices[0].only(ana, FolderRole::Sent).await;
            }
            (Delivery::Nothing, Ok(_)) => {
                assert_eq!(offices[0].inbox(bob).await, []);
                is_given_back(&offices[0], &waiting).await;
            }
            both => panic!("{both:?}"),
        }
        assert_eq!(offices[0].audit(ana).await.len(), 1);
    }
}

/// The notice comes however full the sender's mailbox is.
pub(super) async fn what_cannot_reach_all_goes_back_and_the_sender_is_told(store: SharedStore) {
    let office = Office::with_quota(store, 1, 1 << 20);
    let [ana, bob, cleo] = people();
    let message = letter(ana, &[bob, cleo])
        .labelled(&["a"])
        .at(office.in_seconds(9));
    let waiting = office.send(&message).await;
    office.save(&letter(bob, &[])).await;
    office.advance(9);
    assert_eq!(deliver(&office, ana).await, [Delivery::Returned]);
    is_given_back(&office, &waiting).await;
    let notice = office.only(ana, FolderRole::Inbox).await;
    assert_eq!(notice.participants.from, Participant::System);
    assert_eq!(notice.participants.to, [Participant::Account(ana)]);
    assert!(!notice.read && notice.thread_id != waiting.thread_id);
    assert_eq!(office.letter_of(&notice).await.text, "Nobody has got it.");
    assert_eq!(office.inbox(cleo).await, []);
    assert_eq!(
        office.mailbox(ana).await.message_count,
        2,
        "one more than fits"
    );
    assert_eq!(office.due(ana).await, [] as [Uuid; 0]);
    for owner in [ana, bob, cleo] {
        office.audit(owner).await;
    }
}

pub(super) async fn a_recipient_gone_at_its_time_stops_the_whole_delivery(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo] = people();
    let waiting = letter(ana, &[bob, cleo]).at(office.in_seconds(9));
    let waiting = office.send(&waiting).await;
    office.erase(cleo).await;
    office.advance(9);
    assert_eq!(deliver(&office, ana).await, [Delivery::Returned]);
    is_given_back(&office, &waiting).await;
    office.only(ana, FolderRole::Inbox).await;
    assert_eq!(office.audit(bob).await, []);
    office.audit(ana).await;
}

pub(super) async fn of_many_deliverers_one_tells_the_sender(store: SharedStore) {
    let offices = [Office::new(store.clone()), Office::new(store)];
    let [ana, bob] = people();
    let waiting = letter(ana, &[bob]).at(offices[0].in_seconds(1));
    let waiting = offices[0].send(&waiting).await;
    offices[0].erase(bob).await;
    for office in &offices {
        office.advance(1);
    }
    let results = join_all((0..10).map(|n| deliver(&offices[n % 2], ana))).await;
    let returned = results
        .iter()
        .flatten()
        .filter(|d| **d == Delivery::Returned);
    assert_eq!(returned.count(), 1);
    is_given_back(&offices[0], &waiting).await;
    offices[0].only(ana, FolderRole::Inbox).await;
    offices[0].audit(ana).await;
}

pub(super) async fn what_is_answered_is_marked_when_the_answer_goes_out(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    office.send(&letter(bob, &[ana])).await;
    let parent = office.newest(ana).await;
    let message = letter(ana, &[bob]).answering(&parent).passing_on(&parent);
    office.send(&message.at(office.in_seconds(9))).await;
    let same = office.copy(ana, parent.message_id).await;
    assert_eq!(same.as_ref(), Some(&parent), "not yet");
    office.advance(9);
    assert_eq!(deliver(&office, ana).await, [Delivery::Done]);
    let marked = office.copy(ana, parent.message_id).await.unwrap();
    assert!(marked.answered && marked.forwarded);
    let received = office.newest(bob).await;
    assert_eq!(received.thread_id, parent.thread_id);
    assert!(received.in_reply_to.is_some(), "what bob sent");
    for owner in [ana, bob] {
        office.audit(owner).await;
    }
}

pub(super) async fn what_waits_is_not_written_on_or_moved(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let message = letter(ana, &[bob]).at(office.in_seconds(9));
    let waiting = office.send(&message).await;
    assert_eq!(
        office.update(&message, &waiting).await,
        Err(Refusal::NotADraft)
    );
    for place in [FolderRole::Inbox, FolderRole::Sent, FolderRole::Trash] {
        let modify = Modify {
            place: Some(Place::Role(place)),
            ..nothing(ana, &[waiting.message_id])
        };
        let protected = Refusal::FolderProtected(waiting.folder_id);
        assert_eq!(office.modify(modify).await, Err(protected));
    }
    // A mark on it does not keep it from going out.
    let stale = office.letter_of(&waiting).await;
    office
        .label(ana, &[waiting.message_id], (&["a"], &[]))
        .await
        .unwrap();
    office.advance(9);
    assert_eq!(office.try_send(&stale).await, Err(Refusal::SourceChanged));
    assert_eq!(deliver(&office, ana).await, [Delivery::Done]);
    assert_eq!(office.only(ana, FolderRole::Sent).await.labels, ["a"]);

    let waiting = office
        .send(&letter(ana, &[bob]).at(office.in_seconds(9)))
        .await;
    office.delete(ana, &[waiting.message_id]).await.unwrap();
    office.advance(9);
    assert_eq!(office.due(ana).await, [] as [Uuid; 0]);
    assert_eq!(office.audit(bob).await.len(), 1);
    office.audit(ana).await;
}

pub(super) async fn what_waits_goes_with_its_owner(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let waiting = office
        .send(&letter(ana, &[bob]).at(office.in_seconds(9)))
        .await;
    let stale = office.letter_of(&waiting).await;
    office.erase(ana).await;
    office.advance(9);
    assert_eq!(office.due(ana).await, [] as [Uuid; 0]);
    assert_eq!(office.try_send(&stale).await, Err(Refusal::OwnerGone));
    assert_eq!(office.audit(bob).await, []);
}
