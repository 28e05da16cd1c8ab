//! A send reaches everybody or nobody.

use std::{collections::HashSet, time::Duration};

use uuid::Uuid;

use super::{
    letter::letter,
    office::{NOW, Office, people},
};
use crate::{
    commit::Refusal,
    domain::{FolderRole, Kind, Participant},
    store::SharedStore,
};

pub(super) async fn a_message_reaches_everybody_once(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo, dan] = people();
    let mut message = letter(ana, &[bob]);
    (message.cc, message.bcc) = (vec![cleo], vec![dan]);
    let sent = office.send(&message).await;
    assert_eq!(
        (sent.owner_id, sent.kind, sent.read),
        (ana, Kind::Sent, true)
    );
    assert_eq!(
        office.list(ana, FolderRole::Sent).await,
        std::slice::from_ref(&sent)
    );
    assert_eq!(office.inbox(ana).await, []);
    let mut ids = HashSet::from([sent.message_id]);
    for owner in [bob, cleo, dan] {
        let [copy] = &office.audit(owner).await[..] else {
            panic!("one copy");
        };
        assert_eq!(
            copy.folder_id,
            office.folder(owner, FolderRole::Inbox).await.folder_id
        );
        assert_eq!((copy.kind, copy.read), (Kind::Received, false));
        assert_eq!(copy.content_id, sent.content_id);
        assert_eq!(copy.internet_message_id, sent.internet_message_id);
        assert_eq!(
            (copy.send_time, copy.size_bytes),
            (sent.send_time, message.size())
        );
        assert_eq!((&*copy.subject, &*copy.snippet), ("A letter", "Hello"));
        assert!(ids.insert(copy.message_id), "an id of its own");
        let bodies = office
            .store
            .bodies(owner, &[copy.message_id])
            .await
            .unwrap();
        assert_eq!(bodies[0].1.text, "Hello");
    }
    office.audit(ana).await;
}

pub(super) async fn only_the_sender_sees_bcc(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo] = people();
    let mut message = letter(ana, &[bob]);
    message.bcc = vec![cleo];
    let sent = office.send(&message).await;
    assert_eq!(sent.participants.bcc, [Participant::Account(cleo)]);
    for owner in [bob, cleo] {
        let copy = office.newest(owner).await;
        assert_eq!(copy.participants.bcc, []);
        assert_eq!(copy.participants.to, [Participant::Account(bob)]);
    }
}

pub(super) async fn a_self_send_makes_two_copies(store: SharedStore) {
    let office = Office::new(store);
    let [ana] = people();
    let sent = office.send(&letter(ana, &[ana])).await;
    let [received] = &office.inbox(ana).await[..] else {
        panic!("one in the inbox");
    };
    assert_ne!(received.message_id, sent.message_id);
    assert_eq!(received.thread_id, sent.thread_id);
    assert!(!received.read && sent.read);
    assert_eq!(office.audit(ana).await.len(), 2);
    assert_eq!(office.mailbox(ana).await.message_count, 2);
}

pub(super) async fn one_erased_recipient_stops_the_whole_send(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo, dan] = people();
    office.erase(cleo).await;
    office.erase(dan).await;
    let refused = office.try_send(&letter(ana, &[bob, cleo, dan])).await;
    let mut gone = vec![cleo, dan];
    gone.sort_unstable();
    assert_eq!(refused, Err(Refusal::RecipientsGone(gone)));
    assert_eq!(office.audit(ana).await, []);
    assert_eq!(office.audit(bob).await, []);
}

pub(super) async fn a_hundred_recipients_are_reached(store: SharedStore) {
    let office = Office::new(store);
    let [ana] = people();
    let all: [Uuid; 100] = people();
    let sent = office.send(&letter(ana, &all)).await;
    assert_eq!(sent.participants.to.len(), 100);
    for owner in all {
        assert_eq!(office.audit(owner).await.len(), 1);
    }
}

pub(super) async fn times_increase_though_the_clock_stands_still_or_goes_back(store: SharedStore) {
    let office = Office::new(store.clone());
    let [ana, bob] = people();
    office.clock.advance(Duration::from_secs(3600));
    for n in 0..3 {
        office
            .send(&letter(ana, &[bob]).with_text(n.to_string()))
            .await;
    }
    // Another replica, whose clock is an hour behind.
    let behind = Office::new(store);
    for n in 3..6 {
        behind
            .send(&letter(ana, &[bob]).with_text(n.to_string()))
            .await;
    }
    let inbox = office.inbox(bob).await;
    let texts: Vec<&str> = inbox.iter().map(|c| &*c.snippet).collect();
    assert_eq!(
        texts,
        ["5", "4", "3", "2", "1", "0"],
        "the order of acknowledgement"
    );
    assert!(inbox.is_sorted_by(|a, b| a.receive_time > b.receive_time));
    assert_eq!(inbox[5].receive_time, NOW.plus(Duration::from_secs(3600)));
    assert_eq!(inbox[0].send_time, NOW, "what the sender's server said");
}
