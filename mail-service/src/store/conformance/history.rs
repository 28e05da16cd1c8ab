//! The history of a mailbox: everything that happens, in order, under one number each.

use futures::future::join_all;
use uuid::Uuid;

use super::{
    letter::letter,
    office::{NOW, Office, ids, people},
};
use crate::{
    domain::{Change, Event, FolderRole},
    store::{Retention, SharedStore},
};

fn told(changes: &[Change]) -> Vec<(Event, Uuid)> {
    changes.iter().map(|c| (c.event, c.object_id)).collect()
}

/// Checks what happened to `owner` since the last look at it. Counts of several folders that change
/// together are told in no order.
async fn tells(office: &Office, owner: Uuid, last: &mut i64, expected: &[(Event, Uuid)]) {
    let news = office.history(owner, *last).await;
    assert!(
        news.iter()
            .map(|c| c.number)
            .eq((*last + 1..).take(news.len()))
    );
    *last = office.mailbox(owner).await.last_change;
    assert_eq!(news.last().map_or(*last, |change| change.number), *last);
    let unordered = |told: &[(Event, Uuid)]| {
        let mut told = told.to_vec();
        for run in told.chunk_by_mut(|a, b| a.0 == b.0 && a.0 == Event::FolderUpdated) {
            run.sort_by_key(|(_, folder)| *folder);
        }
        told
    };
    assert_eq!(unordered(&told(&news)), unordered(expected));
}

async fn standard_folders(office: &Office, owner: Uuid) -> [Uuid; 5] {
    use FolderRole::{Drafts, Inbox, Outbox, Sent, Trash};
    let mut ids = [Uuid::nil(); 5];
    for (id, role) in ids.iter_mut().zip([Inbox, Sent, Drafts, Outbox, Trash]) {
        *id = office.folder(owner, role).await.folder_id;
    }
    ids
}

/// Every change of one mailbox, step by step.
pub(super) async fn a_story_is_told_whole_and_in_order(store: SharedStore) {
    use Event::{
        FolderCreated, FolderDeleted, FolderUpdated, MessageCreated, MessageDeleted, MessageUpdated,
    };
    let office = Office::new(store);
    let [ana, bob] = people();
    office.send(&letter(bob, &[ana])).await;
    let mail = office.newest(ana).await;
    let [inbox, sent, drafts, outbox, trash] = standard_folders(&office, ana).await;
    let mut last = i64::try_from(FolderRole::ALL.len()).unwrap();
    assert_eq!(
        office.mailbox(ana).await.oldest_change,
        last,
        "a mailbox begins with its folders"
    );
    let id = mail.message_id;
    let expected = [(MessageCreated, id), (FolderUpdated, inbox)];
    tells(&office, ana, &mut last, &expected).await;

    office.mark_read(&mail).await;
    tells(
        &office,
        ana,
        &mut last,
        &[(MessageUpdated, id), (FolderUpdated, inbox)],
    )
    .await;
    office.label(ana, &[id], (&["a"], &[])).await.unwrap();
    tells(&office, ana, &mut last, &[(MessageUpdated, id)]).await;
    office.mark_read(&mail).await;
    tells(&office, ana, &mut last, &[]).await;

    let folder = office.create_folder(ana, "Plans").await.unwrap();
    let own = folder.folder_id;
    tells(&office, ana, &mut last, &[(FolderCreated, own)]).await;
    office.rename_folder(&folder, "Dreams").await.unwrap();
    tells(&office, ana, &mut last, &[(FolderUpdated, own)]).await;
    office.put_into(&folder, &[id]).await.unwrap();
    let expected = [
        (MessageUpdated, id),
        (FolderUpdated, inbox),
        (FolderUpdated, own),
    ];
    tells(&office, ana, &mut last, &expected).await;

    let draft = office.save(&letter(ana, &[bob]).answering(&mail)).await;
    let expected = [(MessageCreated, draft.message_id), (FolderUpdated, drafts)];
    tells(&office, ana, &mut last, &expected).await;
    let later = letter(ana, &[bob])
        .answering(&mail)
        .at(office.in_seconds(5));
    let draft = office.update(&later, &draft).await.unwrap();
    tells(
        &office,
        ana,
        &mut last,
        &[(MessageUpdated, draft.message_id)],
    )
    .await;
    let waiting = office.send_draft(&draft).await.unwrap();
    let moved = (MessageUpdated, waiting.message_id);
    let expected = [moved, (FolderUpdated, drafts), (FolderUpdated, outbox)];
    tells(&office, ana, &mut last, &expected).await;
    office.advance(5);
    office.deliver(ana, waiting.message_id).await;
    let expected = [
        (MessageUpdated, id),
        moved,
        (FolderUpdated, sent),
        (FolderUpdated, outbox),
    ];
    tells(&office, ana, &mut last, &expected).await;

    office.delete_folder(ana, own).await.unwrap();
    let expected = [
        (MessageUpdated, id),
        (FolderDeleted, own),
        (FolderUpdated, trash),
    ];
    tells(&office, ana, &mut last, &expected).await;
    office.delete(ana, &[id]).await.unwrap();
    tells(
        &office,
        ana,
        &mut last,
        &[(MessageDeleted, id), (FolderUpdated, trash)],
    )
    .await;
    let refused = office.delete(ana, &[Uuid::new_v4()]).await;
    assert!(refused.is_err());
    tells(&office, ana, &mut last, &[]).await;
    office.audit(ana).await;
}

pub(super) async fn an_object_has_the_number_of_its_last_change(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    for _ in 0..3 {
        office.send(&letter(ana, &[bob, ana])).await;
    }
    let inbox = office.inbox(bob).await;
    office
        .label(bob, &ids(&inbox), (&["a"], &[]))
        .await
        .unwrap();
    office
        .move_to(&inbox[1], FolderRole::Archive)
        .await
        .unwrap();
    for owner in [ana, bob] {
        let all = office.history(owner, 0).await;
        let last = |id: Uuid| all.iter().rfind(|c| c.object_id == id).map(|c| c.number);
        for copy in office.audit(owner).await {
            assert_eq!(last(copy.message_id), Some(copy.change));
            let first = all.iter().find(|c| c.object_id == copy.message_id).unwrap();
            assert_eq!(
                (first.event, first.number),
                (Event::MessageCreated, copy.create_change)
            );
        }
        for folder in office.store.folders(owner).await.unwrap() {
            let last = last(folder.folder_id).unwrap_or(folder.create_change);
            assert_eq!(folder.change, last);
        }
        let numbers = office.store.last_changes(&[owner, Uuid::new_v4()]).await;
        let mailbox = office.mailbox(owner).await;
        assert_eq!(numbers.unwrap(), [(owner, mailbox.last_change)]);
    }
}

pub(super) async fn the_history_comes_in_pages(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    join_all((0..20).map(|_| async { office.send(&letter(ana, &[bob])).await })).await;
    let all = office.history(bob, 0).await;
    let (mut seen, mut after) = (Vec::new(), 0);
    loop {
        let page = office.store.changes(bob, after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        after = last.number;
        seen.extend(page);
    }
    assert_eq!(seen, all);
    assert!(all.iter().all(|change| change.owner_id == bob));
}

async fn forget(office: &Office, owner: Uuid, kept: Retention, limit: i64) {
    let mut transaction = office.store.begin().await.unwrap();
    let mailboxes = transaction.lock_mailboxes(&[owner]).await.unwrap();
    let forgotten = transaction.forget_history(&mailboxes[0], kept, limit);
    forgotten.await.unwrap();
    transaction.commit().await.unwrap();
}

/// Whether `owner` has more history than is `kept`.
async fn is_long(office: &Office, owner: Uuid, kept: Retention) -> bool {
    let before = Uuid::from_u128(owner.as_u128() - 1);
    let long = office
        .store
        .long_histories((before, owner), kept)
        .await
        .unwrap();
    assert!(
        long.iter().all(|id| *id == owner),
        "nobody else is asked for"
    );
    long == [owner]
}

const ALL: i64 = i64::MAX;

pub(super) async fn what_is_too_old_is_forgotten(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    office.send(&letter(ana, &[bob])).await;
    let old = office.mailbox(bob).await;
    office.advance(10);
    office.send(&letter(ana, &[bob])).await;
    let kept = |seconds| Retention {
        since: office.in_seconds(seconds),
        changes: ALL,
    };
    let at = Retention {
        since: NOW,
        changes: ALL,
    };
    assert!(
        !is_long(&office, bob, at).await,
        "nothing is older than that"
    );
    forget(&office, bob, at, ALL).await;
    assert_eq!(office.mailbox(bob).await.oldest_change, old.oldest_change);

    assert!(is_long(&office, bob, kept(0)).await);
    forget(&office, bob, kept(0), ALL).await;
    let mailbox = office.mailbox(bob).await;
    assert_eq!(mailbox.oldest_change, old.last_change);
    assert_eq!(office.history(bob, 0).await.len(), 2);
    assert!(!is_long(&office, bob, kept(0)).await);
    forget(&office, bob, kept(1), ALL).await;
    let mailbox = office.mailbox(bob).await;
    assert_eq!(mailbox.oldest_change, mailbox.last_change, "all of it");
    assert_eq!(office.history(bob, 0).await, []);
    assert!(!is_long(&office, bob, kept(1)).await);

    office.send(&letter(ana, &[bob])).await;
    let news = office.history(bob, mailbox.last_change).await;
    let numbers: Vec<i64> = news.iter().map(|change| change.number).collect();
    let next = mailbox.last_change + 1;
    assert_eq!(numbers, [next, next + 1], "the numbers go on");
    for owner in [ana, bob] {
        office.audit(owner).await;
    }
}

pub(super) async fn of_a_long_history_the_last_changes_are_kept(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    for _ in 0..5 {
        office.send(&letter(ana, &[bob])).await;
    }
    let all = office.history(bob, 0).await;
    let kept = |changes| Retention {
        since: NOW,
        changes,
    };
    assert!(!is_long(&office, bob, kept(10)).await);
    assert!(is_long(&office, bob, kept(9)).await);
    forget(&office, bob, kept(10), ALL).await;
    assert_eq!(office.history(bob, 0).await, all);
    // A step at a time.
    for left in [8, 6, 4, 4] {
        forget(&office, bob, kept(4), 2).await;
        assert_eq!(office.history(bob, 0).await, all[all.len() - left..]);
        assert_eq!(is_long(&office, bob, kept(4)).await, left > 4);
        office.audit(bob).await;
    }
    let theirs = office.history(ana, 0).await;
    assert_eq!(theirs.len(), 10, "nobody else's");
}

/// How long the trace of what was deleted is known.
pub(super) async fn what_was_deleted_is_known_as_long_as_the_history(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    office.send(&letter(ana, &[bob])).await;
    let id = [office.newest(bob).await.message_id];
    office.delete(bob, &id).await.unwrap();
    office.delete(bob, &id).await.unwrap();
    let kept = Retention {
        since: office.in_seconds(1),
        changes: ALL,
    };
    forget(&office, bob, kept, ALL).await;
    let refused = office.delete(bob, &id).await;
    assert_eq!(
        refused,
        Err(crate::commit::Refusal::MessagesNotFound(id.to_vec()))
    );
}
