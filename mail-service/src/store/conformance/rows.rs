//! Rows go in and come back as they were.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use uuid::Uuid;

use super::{
    office::{NOW, filter, people},
    sample::{self, TEXTS},
};
use crate::{
    domain::{Body, Change, Copy, Cursor, Event, FolderRole, Kind, MailboxState},
    store::{Changes, SharedStore},
};

pub(super) async fn every_column_comes_back(store: SharedStore) {
    let [owner] = people();
    let inbox = sample::folder(owner, Some(FolderRole::Inbox), "Inbox", 1);
    let own = sample::folder(owner, None, "Ñandú 'x'", 2);
    let mailbox = sample::mailbox(owner);
    let mut transaction = store.begin().await.unwrap();
    transaction
        .create_mailboxes(
            std::slice::from_ref(&mailbox),
            &[own.clone(), inbox.clone()],
        )
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(store.mailbox(owner).await.unwrap(), Some(mailbox));
    let mut folders = store.folders(owner).await.unwrap();
    folders.sort_by_key(|folder| folder.change);
    assert_eq!(folders, [inbox.clone(), own]);

    let mut content = sample::content(owner, Body::default());
    let one = sample::copy(&mut content, owner, inbox.folder_id, 3);
    let other = Copy {
        kind: Kind::Sent,
        read: false,
        starred: true,
        answered: false,
        forwarded: true,
        in_reply_to: None,
        ..sample::copy(&mut content, owner, inbox.folder_id, 5)
    };
    let changes = Changes {
        contents: vec![content],
        new_copies: vec![one.clone(), other.clone()],
        ..Changes::default()
    };
    sample::write(&store, &changes).await;
    for copy in [one, other] {
        let found = store.copies(owner, &[copy.message_id]).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&copy));
        let mut transaction = store.begin().await.unwrap();
        let keys = [(owner, copy.message_id)];
        assert_eq!(transaction.copies(&keys).await.unwrap(), [copy]);
        transaction.rollback().await;
    }
}

pub(super) async fn any_text_comes_back_byte_for_byte(store: SharedStore) {
    let [owner] = people();
    let inbox = sample::open(&store, owner).await;
    let (mut changes, mut change) = (Changes::default(), 0);
    for &text in TEXTS {
        change += 2;
        let body = Body {
            text: text.into(),
            html: format!("<p>{text}</p>"),
        };
        let mut content = sample::content(owner, body);
        content.subject = text.into();
        let mut copy = sample::copy(&mut content, owner, inbox.folder_id, change);
        copy.snippet = text.into();
        changes.contents.push(content);
        changes.new_copies.push(copy);
    }
    sample::write(&store, &changes).await;
    for (content, copy) in changes.contents.iter().zip(&changes.new_copies) {
        let found = store.copies(owner, &[copy.message_id]).await.unwrap();
        assert_eq!(found, std::slice::from_ref(copy));
        let bodies = store.bodies(owner, &[copy.message_id]).await.unwrap();
        assert_eq!(bodies, [(copy.message_id, content.body.clone())]);
    }
}

pub(super) async fn a_megabyte_comes_back(store: SharedStore) {
    let [owner] = people();
    let inbox = sample::open(&store, owner).await;
    let body = Body {
        text: "\u{1f426}\"\\\u{1}".repeat((1 << 20) / 7),
        html: "<a&\n".repeat(1 << 18),
    };
    let mut content = sample::content(owner, body.clone());
    let copy = sample::copy(&mut content, owner, inbox.folder_id, 2);
    let id = copy.message_id;
    let changes = Changes {
        contents: vec![content],
        new_copies: vec![copy],
        ..Changes::default()
    };
    sample::write(&store, &changes).await;
    assert!(store.bodies(owner, &[id]).await.unwrap() == [(id, body)]);
}

pub(super) async fn a_change_leaves_the_rest_of_a_copy_alone(store: SharedStore) {
    let [owner] = people();
    let inbox = sample::open(&store, owner).await;
    let mut content = sample::content(owner, Body::default());
    let copy = sample::copy(&mut content, owner, inbox.folder_id, 3);
    let neighbour = Copy {
        kind: Kind::Sent,
        ..sample::copy(&mut content, owner, inbox.folder_id, 5)
    };
    let changes = Changes {
        contents: vec![content],
        new_copies: vec![copy.clone(), neighbour.clone()],
        ..Changes::default()
    };
    sample::write(&store, &changes).await;

    let edited = Copy {
        folder_id: Uuid::new_v4(),
        change: 9,
        read: false,
        starred: true,
        answered: false,
        forwarded: true,
        ..copy
    };
    let mut mailbox = sample::mailbox(owner);
    mailbox.epoch = store.mailbox(owner).await.unwrap().unwrap().epoch;
    mailbox.state = MailboxState::Erased;
    mailbox.last_change = 10;
    mailbox.used_bytes = 4;
    let mut folder = inbox.clone();
    (folder.total_count, folder.unread_count, folder.change) = (0, 0, 10);
    let changes = Changes {
        mailboxes: vec![mailbox.clone()],
        folders: vec![folder.clone()],
        changed_copies: vec![edited.clone()],
        ..Changes::default()
    };
    sample::write(&store, &changes).await;
    let ids = [edited.message_id, neighbour.message_id];
    let mut found = store.copies(owner, &ids).await.unwrap();
    found.sort_by_key(|c| std::cmp::Reverse(c.change));
    assert_eq!(found, [edited, neighbour]);
    assert_eq!(store.mailbox(owner).await.unwrap(), Some(mailbox));
    assert_eq!(store.folders(owner).await.unwrap(), [folder]);
}

pub(super) async fn mailboxes_are_made_once(store: SharedStore) {
    let [owner] = people();
    let attempts = (0..5).map(|_| sample::open(&store, owner));
    let inboxes = join_all(attempts).await;
    let folders = store.folders(owner).await.unwrap();
    assert_eq!(folders.len(), 1, "{folders:?}");
    assert!(inboxes.contains(&folders[0]));
    let first = store.mailbox(owner).await.unwrap();
    sample::open(&store, owner).await;
    assert_eq!(store.mailbox(owner).await.unwrap(), first);
    assert_eq!(store.folders(owner).await.unwrap(), folders);
}

pub(super) async fn others_ids_are_not_found(store: SharedStore) {
    let [owner, other] = people();
    let inbox = sample::open(&store, owner).await;
    let mut content = sample::content(owner, Body::default());
    let copy = sample::copy(&mut content, owner, inbox.folder_id, 2);
    let answer = sample::kept_answer(copy.clone());
    let (id, request) = (copy.message_id, answer.request.1);
    let internet_id = copy.internet_message_id.clone();
    let changes = Changes {
        contents: vec![content],
        new_copies: vec![copy],
        answers: vec![answer],
        ..Changes::default()
    };
    sample::write(&store, &changes).await;

    assert_eq!(store.copies(other, &[id]).await.unwrap(), []);
    assert_eq!(store.bodies(other, &[id]).await.unwrap(), []);
    assert_eq!(store.kept_answer((other, request)).await.unwrap(), None);
    assert_eq!(store.mailbox(other).await.unwrap(), None);
    assert_eq!(store.folders(other).await.unwrap(), []);
    let filter = filter(other, inbox.folder_id);
    assert_eq!(store.list(&filter, Cursor::NEWEST, 5).await.unwrap(), []);

    let mut transaction = store.begin().await.unwrap();
    assert_eq!(transaction.copies(&[(other, id)]).await.unwrap(), []);
    assert_eq!(
        transaction.kept_answers(&[(other, request)]).await.unwrap(),
        []
    );
    for (owner, expected) in [(other, 0), (owner, 1)] {
        let key = [(owner, internet_id.clone())];
        let found = transaction.copies_by_internet_id(&key).await.unwrap();
        assert_eq!(found.len(), expected);
    }
    transaction.rollback().await;
}

pub(super) async fn the_history_tells_what_was_deleted(store: SharedStore) {
    let [owner, other, id, never] = people();
    let deleted = Change {
        owner_id: owner,
        number: 4,
        event: Event::MessageDeleted,
        object_id: id,
    };
    let updated = Change {
        number: 5,
        event: Event::MessageUpdated,
        object_id: never,
        ..deleted
    };
    let changes = Changes {
        time: NOW.as_micros(),
        history: vec![deleted, updated],
        ..Changes::default()
    };
    sample::write(&store, &changes).await;
    let mut transaction = store.begin().await.unwrap();
    let asked = [(owner, id), (owner, never), (other, id)];
    assert_eq!(transaction.deleted(&asked).await.unwrap(), [(owner, id)]);
    transaction.purge(owner).await.unwrap();
    assert_eq!(transaction.deleted(&asked).await.unwrap(), []);
    transaction.rollback().await;
}

pub(super) async fn answers_are_kept_until_they_are_old(store: SharedStore) {
    let [owner, other] = people();
    let answer_of = |owner| {
        let mut content = sample::content(owner, Body::default());
        sample::kept_answer(sample::copy(&mut content, owner, Uuid::new_v4(), 2))
    };
    let (mine, theirs) = (answer_of(owner), answer_of(other));
    let changes = Changes {
        time: NOW.as_micros(),
        answers: vec![mine.clone(), theirs.clone()],
        ..Changes::default()
    };
    sample::write(&store, &changes).await;
    assert_eq!(
        store.kept_answer(mine.request).await.unwrap(),
        Some(mine.clone())
    );
    let mut transaction = store.begin().await.unwrap();
    let found = transaction.kept_answers(&[mine.request]).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&mine));
    transaction.forget_answers(&[owner], NOW).await.unwrap();
    let found = transaction.kept_answers(&[mine.request]).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&mine), "not older than that");
    let later = NOW.plus(Duration::from_micros(1));
    transaction.forget_answers(&[owner], later).await.unwrap();
    let found = transaction.kept_answers(&[mine.request]).await.unwrap();
    assert_eq!(found, []);
    // Other tests may have answers in this database too.
    transaction.rollback().await;
}

pub(super) async fn owners_come_in_pages(store: SharedStore) {
    let mine: [Uuid; 7] = people();
    for owner in mine {
        sample::open(&store, owner).await;
    }
    let (mut seen, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let page = store.owners(after, 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = *last;
        seen.extend(page);
    }
    assert!(seen.is_sorted(), "in the order of their ids");
    let unique: BTreeSet<Uuid> = seen.iter().copied().collect();
    assert_eq!(unique.len(), seen.len(), "each once");
    assert!(mine.iter().all(|owner| unique.contains(owner)));
}
