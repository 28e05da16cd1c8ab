//! Labels come with their first use and go with their last.

use futures::future::join_all;
use uuid::Uuid;

use super::{
    letter::letter,
    office::{Office, filter, ids, nothing, people},
};
use crate::{
    commit::{Modify, Refusal},
    domain::{Copy, Cursor, Filter, FolderRole, MAX_LABELS},
    store::SharedStore,
};

/// Somebody with so many messages, newest first.
async fn with_inbox(store: SharedStore, messages: usize) -> (Office, Uuid, Vec<Copy>) {
    let office = Office::new(store);
    let [ana, bob] = people();
    for _ in 0..messages {
        office.send(&letter(ana, &[bob])).await;
    }
    let inbox = office.inbox(bob).await;
    (office, bob, inbox)
}

/// Name, messages and unread messages of each.
async fn counts(office: &Office, owner: Uuid) -> Vec<(String, i64, i64)> {
    let labels = office.labels(owner).await.into_iter();
    let counts = labels.map(|l| (l.name, l.total_count, l.unread_count));
    counts.collect()
}

fn count(name: &str, total: i64, unread: i64) -> (String, i64, i64) {
    (name.into(), total, unread)
}

pub(super) async fn labels_are_put_on_and_taken_off_many_at_once(store: SharedStore) {
    let (office, bob, inbox) = with_inbox(store, 4).await;
    let all = ids(&inbox);
    office.mark_read(&inbox[3]).await;
    let labelled = office.label(bob, &all, (&["b", "A"], &[])).await.unwrap();
    assert!(labelled.iter().all(|copy| copy.labels == ["A", "b"]));
    let expected = [count("A", 4, 3), count("b", 4, 3)];
    assert_eq!(counts(&office, bob).await, expected);
    let changed = office.label(bob, &all[2..], (&["a"], &["b", "never"]));
    let changed = changed.await.unwrap();
    assert!(changed.iter().all(|copy| copy.labels == ["A", "a"]));
    let mut found = counts(&office, bob).await;
    found.sort();
    let expected = [count("A", 4, 3), count("a", 2, 1), count("b", 2, 2)];
    assert_eq!(found, expected, "case matters");
    office.audit(bob).await;
}

pub(super) async fn a_label_that_is_there_already_changes_nothing(store: SharedStore) {
    let (office, bob, inbox) = with_inbox(store, 2).await;
    let all = ids(&inbox);
    office.label(bob, &all[..1], (&["a"], &[])).await.unwrap();
    let before = (office.mailbox(bob).await, office.inbox(bob).await);
    office
        .label(bob, &all[..1], (&["a"], &["b"]))
        .await
        .unwrap();
    assert_eq!((office.mailbox(bob).await, office.inbox(bob).await), before);
    office.label(bob, &all, (&["a"], &[])).await.unwrap();
    let after = office.inbox(bob).await;
    assert_eq!(after[0], before.1[0], "only the other one changed");
    assert!(after[1].change > before.1[1].change);
    office.audit(bob).await;
}

pub(super) async fn a_label_goes_with_its_last_use(store: SharedStore) {
    let (office, bob, inbox) = with_inbox(store, 3).await;
    let all = ids(&inbox);
    office.label(bob, &all, (&["a", "b"], &[])).await.unwrap();
    office.label(bob, &all[..2], (&[], &["a"])).await.unwrap();
    office.delete(bob, &all[2..]).await.unwrap();
    assert_eq!(counts(&office, bob).await, [count("b", 2, 2)]);
    office.label(bob, &all[..2], (&[], &["b"])).await.unwrap();
    assert_eq!(counts(&office, bob).await, []);
    office.label(bob, &all[..1], (&["a"], &[])).await.unwrap();
    assert_eq!(counts(&office, bob).await, [count("a", 1, 1)]);
    office.audit(bob).await;
}

pub(super) async fn a_mailbox_has_a_hundred_labels(store: SharedStore) {
    let (office, bob, inbox) = with_inbox(store, 2).await;
    let names: Vec<String> = (0..=MAX_LABELS).map(|n| format!("l{n}")).collect();
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    let all = ids(&inbox);
    let refused = office.label(bob, &all, (&names, &[])).await;
    assert_eq!(refused, Err(Refusal::TooManyLabels));
    assert_eq!(office.labels(bob).await, [], "all or none");
    let (last, fit) = names.split_last().unwrap();
    office.label(bob, &all[..1], (fit, &[])).await.unwrap();
    let refused = office.label(bob, &all[1..], (&[last], &[])).await;
    assert_eq!(refused, Err(Refusal::TooManyLabels));
    office
        .label(bob, &all[1..], (&fit[..5], &[]))
        .await
        .unwrap();
    for letter in [
        letter(bob, &[bob]).labelled(&[last]),
        letter(bob, &[]).labelled(&[last]),
    ] {
        let refused = office.message(letter.save_job(None)).await;
        assert_eq!(refused, Err(Refusal::TooManyLabels));
        assert_eq!(office.try_send(&letter).await, Err(Refusal::TooManyLabels));
    }
    office
        .label(bob, &all[..1], (&[], &fit[99..]))
        .await
        .unwrap();
    office.send(&letter(bob, &[bob]).labelled(&[last])).await;
    assert_eq!(office.labels(bob).await.len(), MAX_LABELS);
    let draft = letter(bob, &[]).labelled(&[fit[1], last]);
    let draft = office.message(draft.save_job(None)).await.unwrap();
    let sent = office.only(bob, FolderRole::Sent).await;
    let other = letter(bob, &[]).labelled(&["other"]);
    let refused = office.update(&other, &draft).await;
    assert_eq!(
        refused,
        Err(Refusal::TooManyLabels),
        "both are used elsewhere"
    );
    office
        .label(bob, &[sent.message_id], (&[], &[last]))
        .await
        .unwrap();
    let draft = office.update(&other, &draft).await.unwrap();
    office
        .update(&letter(bob, &[]).labelled(&[last]), &draft)
        .await
        .unwrap();
    assert_eq!(office.labels(bob).await.len(), MAX_LABELS);

    // The last use of one makes room for another; one that is used elsewhere too does not.
    let (used_twice, used_once) = (fit[0], fit[50]);
    for (from, outcome) in [
        (used_twice, Err(Refusal::TooManyLabels)),
        ("nowhere", Err(Refusal::TooManyLabels)),
        (used_once, Ok(())),
    ] {
        let swapped = office.label(bob, &all[..1], (&["new"], &[from])).await;
        assert_eq!(swapped.map(drop), outcome, "{from}");
    }
    assert_eq!(office.labels(bob).await.len(), MAX_LABELS);
    office.audit(bob).await;
}

pub(super) async fn at_once_there_are_no_more_than_a_hundred(store: SharedStore) {
    let offices = [Office::new(store.clone()), Office::new(store)];
    let [ana, bob] = people();
    offices[0].send(&letter(ana, &[bob])).await;
    let id = [offices[0].newest(bob).await.message_id];
    let names: Vec<String> = (0..130).map(|n| format!("l{n}")).collect();
    let attempts = names.iter().enumerate().map(|(n, name)| {
        let (office, id) = (&offices[n % 2], &id);
        async move { office.label(bob, id, (&[name], &[])).await }
    });
    let results = join_all(attempts).await;
    let done = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(done, MAX_LABELS);
    assert_eq!(offices[0].labels(bob).await.len(), MAX_LABELS);
    offices[0].audit(bob).await;
}

pub(super) async fn a_folder_is_listed_by_label_with_the_other_filters(store: SharedStore) {
    let (office, bob, inbox) = with_inbox(store, 8).await;
    let every = |n: usize, of: usize| -> Vec<Uuid> {
        let some = inbox.iter().skip(n).step_by(of);
        some.map(|copy| copy.message_id).collect()
    };
    office
        .label(bob, &every(0, 2), (&["a"], &[]))
        .await
        .unwrap();
    office
        .label(bob, &every(1, 2), (&["b"], &[]))
        .await
        .unwrap();
    for copy in [&inbox[0], &inbox[1], &inbox[4]] {
        office.mark_read(copy).await;
    }
    let star = Modify {
        starred: Some(true),
        ..nothing(bob, &ids(&inbox[..3]))
    };
    office.modify(star).await.unwrap();
    let folder_id = inbox[0].folder_id;
    for (unread_only, starred_only, expected) in [
        (false, false, vec![0, 2, 4, 6]),
        (true, false, vec![2, 6]),
        (false, true, vec![0, 2]),
        (true, true, vec![2]),
    ] {
        let filter = Filter {
            unread_only,
            starred_only,
            label: Some("a".into()),
            ..filter(bob, folder_id)
        };
        let expected: Vec<Uuid> = expected
            .iter()
            .map(|&n: &usize| inbox[n].message_id)
            .collect();
        let found = office
            .store
            .list(&filter, Cursor::NEWEST, 10)
            .await
            .unwrap();
        assert_eq!(ids(&found), expected);
        for (n, copy) in found.iter().enumerate() {
            let next = office.store.list(&filter, Cursor::after(copy), 1).await;
            let expected = expected.iter().skip(n + 1).take(1);
            assert!(ids(&next.unwrap()).iter().eq(expected), "page by page");
        }
    }
}

pub(super) async fn a_label_follows_its_message_from_folder_to_folder(store: SharedStore) {
    let (office, bob, inbox) = with_inbox(store, 3).await;
    office
        .label(bob, &ids(&inbox), (&["a"], &[]))
        .await
        .unwrap();
    let mut copy = inbox[1].clone();
    for role in [
        FolderRole::Archive,
        FolderRole::Trash,
        FolderRole::Inbox,
        FolderRole::Spam,
    ] {
        copy = office.move_to(&copy, role).await.unwrap();
        assert_eq!(copy.labels, ["a"]);
        let filter = Filter {
            label: Some("a".into()),
            ..filter(bob, copy.folder_id)
        };
        let found = office
            .store
            .list(&filter, Cursor::NEWEST, 10)
            .await
            .unwrap();
        assert!(found.contains(&copy), "listed where it is");
        office.audit(bob).await;
    }
    assert_eq!(counts(&office, bob).await, [count("a", 3, 3)]);
    office.mark_read(&copy).await;
    assert_eq!(counts(&office, bob).await, [count("a", 3, 2)]);
}

pub(super) async fn labels_of_a_sent_message_are_the_senders_alone(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let sent = office
        .send(&letter(ana, &[ana, bob]).labelled(&["a", "b"]))
        .await;
    assert_eq!(sent.labels, ["a", "b"]);
    let received = office.newest(ana).await;
    assert_eq!(received.labels, Vec::<String>::new());
    assert_eq!(
        counts(&office, ana).await,
        [count("a", 1, 0), count("b", 1, 0)]
    );
    assert_eq!(counts(&office, bob).await, []);
    let foreign = office.label(bob, &[sent.message_id], (&["x"], &[])).await;
    assert_eq!(
        foreign,
        Err(Refusal::MessagesNotFound(vec![sent.message_id]))
    );
    for owner in [ana, bob] {
        office.audit(owner).await;
    }
}
