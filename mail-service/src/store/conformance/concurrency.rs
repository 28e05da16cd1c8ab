//! Many at once, from several replicas.

use std::{collections::HashMap, sync::Arc};

use futures::future::join_all;
use uuid::Uuid;

use super::{
    letter::letter,
    office::{Office, nothing, people},
};
use crate::{
    commit::{MailboxDefaults, Modify},
    domain::{Copy, FolderRole},
    store::SharedStore,
};

/// Two replicas, the second with two writers.
fn replicas(store: &SharedStore) -> [Office; 2] {
    let one = Office::new(Arc::clone(store));
    let defaults = MailboxDefaults {
        ..one.defaults.clone()
    };
    [one, Office::with_writers(Arc::clone(store), defaults, 2)]
}

pub(super) async fn change_numbers_are_unique_and_increase(store: SharedStore) {
    let offices = replicas(&store);
    let [ana, bob] = people();
    let mut seen: HashMap<Uuid, i64> = HashMap::new();
    let mut highest = 0;
    for round in 0..4 {
        let letters = [letter(ana, &[bob]), letter(bob, &[ana, bob])];
        let sends = (0..16).map(|n| offices[n % 2].send(&letters[n / 8]));
        join_all(sends).await;
        let all = offices[0].audit(bob).await;
        for copy in &all {
            let old = seen.insert(copy.message_id, copy.change);
            match old {
                Some(old) => assert_eq!(copy.change, old, "not changed since"),
                None => assert!(copy.change > highest, "newer than all before"),
            }
        }
        highest = offices[0].mailbox(bob).await.last_change;
        assert_eq!(all.len(), (round + 1) * 24);
    }
}

pub(super) async fn overlapping_recipients_get_everything_in_order(store: SharedStore) {
    const EACH: usize = 12;
    let offices = replicas(&store);
    let owners: [Uuid; 4] = people();
    // Everybody writes to everybody, one letter after the other, all at the same time.
    let writers = owners.iter().enumerate().map(|(n, &from)| {
        let office = offices[n % 2].clone();
        let mut others = owners.to_vec();
        others.rotate_left(n);
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for _ in 0..EACH {
                acknowledged.push(office.send(&letter(from, &others)).await);
            }
            acknowledged
        })
    });
    let sent: Vec<Copy> = join_all(writers)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    for owner in owners {
        offices[0].audit(owner).await;
        let mut inbox = offices[0].inbox(owner).await;
        assert_eq!(inbox.len(), sent.len(), "all of them, once");
        inbox.reverse();
        for acknowledged in sent.chunks(EACH) {
            let wanted: Vec<Uuid> = acknowledged.iter().map(|c| c.content_id).collect();
            let found: Vec<Uuid> = inbox
                .iter()
                .map(|c| c.content_id)
                .filter(|id| wanted.contains(id))
                .collect();
            assert_eq!(found, wanted, "the order of acknowledgement");
        }
    }
}

/// Sends with request ids, repeated from the other replica at once.
pub(super) async fn two_writers_keep_all_promises(store: SharedStore) {
    let offices = replicas(&store);
    let owners: [Uuid; 6] = people();
    let letters: Vec<_> = (0..36)
        .map(|n| {
            let to = [owners[(n + 1) % 6], owners[(n * 5 + 2) % 6]];
            let mut to = to.to_vec();
            to.dedup();
            letter(owners[n % 6], &to).with_request(Uuid::new_v4())
        })
        .collect();
    let first = letters.iter().map(|letter| offices[0].send(letter));
    let again = letters.iter().map(|letter| offices[1].send(letter));
    let answers = futures::future::join(join_all(first), join_all(again)).await;
    assert_eq!(answers.0, answers.1, "one answer each");
    let mut copies = 0;
    for owner in owners {
        copies += offices[0].audit(owner).await.len();
    }
    let expected: usize = letters.iter().map(|letter| letter.to.len() + 1).sum();
    assert_eq!(copies, expected);
}

pub(super) async fn marks_and_sends_at_once_lose_nothing(store: SharedStore) {
    let offices = replicas(&store);
    let [ana, bob] = people();
    for _ in 0..20 {
        offices[0].send(&letter(ana, &[bob])).await;
    }
    let inbox = offices[0].inbox(bob).await;
    let marks = inbox.iter().enumerate().map(|(n, copy)| {
        offices[n % 2].modify(Modify {
            read: Some(true),
            ..nothing(bob, &[copy.message_id])
        })
    });
    let stars = inbox.iter().enumerate().map(|(n, copy)| {
        offices[(n + 1) % 2].modify(Modify {
            starred: Some(true),
            ..nothing(bob, &[copy.message_id])
        })
    });
    let message = letter(ana, &[bob]);
    let sends = (0..20).map(|n| offices[n % 2].send(&message));
    futures::join!(join_all(marks), join_all(stars), join_all(sends));
    let all = offices[0].audit(bob).await;
    assert_eq!(all.len(), 40);
    assert_eq!(all.iter().filter(|c| c.read && c.starred).count(), 20);
    let folder = offices[0].folder(bob, FolderRole::Inbox).await;
    assert_eq!((folder.total_count, folder.unread_count), (40, 20));
}
