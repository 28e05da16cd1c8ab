//! Folders of the owner's own: their names, and requests about them that are repeated.

use futures::future::join_all;
use uuid::Uuid;

use super::{
    clerk::{creation, key_of, renaming},
    letter::letter,
    office::{Office, ids, people, refusal},
};
use crate::{
    commit::Refusal,
    domain::{FolderRole, MAX_FOLDERS},
    store::SharedStore,
};

pub(super) async fn a_folder_is_made_empty_and_found_by_its_owner(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let folder = office
        .create_folder(ana, "Añó \u{1f426} 'x'")
        .await
        .unwrap();
    assert_eq!((folder.total_count, folder.unread_count), (0, 0));
    assert_eq!((folder.role, &*folder.name), (None, "Añó \u{1f426} 'x'"));
    let found = office.folder_by_id(ana, folder.folder_id).await;
    assert_eq!(found.as_ref(), Some(&folder));
    assert_eq!(office.folder_by_id(bob, folder.folder_id).await, None);
    let refused = office.delete_folder(bob, folder.folder_id).await;
    assert_eq!(refused, Err(Refusal::FolderNotFound(folder.folder_id)));
    assert_eq!(
        office.folder_by_id(ana, folder.folder_id).await,
        Some(folder)
    );
    office.audit(ana).await;
}

pub(super) async fn names_differ_by_more_than_case(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let plans = office.create_folder(ana, "Pläne").await.unwrap();
    let before = office.mailbox(ana).await;
    for taken in [
        "Pläne",
        "PLÄNE",
        "pläne",
        "Inbox",
        "TRASH",
        "outbox",
        "Anywhere",
        "Sént",
        "Ánywhere",
    ] {
        let refused = office.create_folder(ana, taken).await;
        assert_eq!(refused, Err(Refusal::FolderNameTaken), "{taken}");
    }
    assert_eq!(office.mailbox(ana).await, before, "nothing happened");
    office.create_folder(ana, "Plane").await.unwrap();
    office.create_folder(bob, "Pläne").await.unwrap();
    let other = office.create_folder(ana, "Other").await.unwrap();
    for taken in ["plÄne", "drafts", "anywhere"] {
        let refused = office.rename_folder(&other, taken).await;
        assert_eq!(refused, Err(Refusal::FolderNameTaken), "{taken}");
    }
    office.delete_folder(ana, plans.folder_id).await.unwrap();
    office.rename_folder(&other, "plÄne").await.unwrap();
    office.audit(ana).await;
}

pub(super) async fn one_of_two_of_the_same_name_at_once_is_made(store: SharedStore) {
    let offices = [Office::new(store.clone()), Office::new(store)];
    let [ana] = people();
    let attempts = (0..20).map(|n| {
        let name = if n % 3 == 0 { "News" } else { "NEWS" };
        offices[n % 2].create_folder(ana, name)
    });
    let results = join_all(attempts).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let folders = offices[0].store.folders(ana).await.unwrap();
    assert_eq!(folders.len(), FolderRole::ALL.len() + 1);
}

pub(super) async fn standard_folders_keep_their_names_and_stay(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    office.send(&letter(ana, &[bob])).await;
    let before = office.mailbox(bob).await;
    for role in FolderRole::ALL {
        let folder = office.folder(bob, role).await;
        let protected = Refusal::FolderProtected(folder.folder_id);
        let renamed = office.rename_folder(&folder, "Other").await;
        assert_eq!(renamed, Err(protected.clone()));
        let deleted = office.delete_folder(bob, folder.folder_id).await;
        assert_eq!(deleted, Err(protected));
    }
    assert_eq!(office.mailbox(bob).await, before);
    assert_eq!(office.audit(bob).await.len(), 1);
}

pub(super) async fn a_new_name_leaves_the_messages_where_they_are(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let folder = office.create_folder(bob, "Old").await.unwrap();
    for _ in 0..2 {
        office.send(&letter(ana, &[bob])).await;
    }
    let inbox = office.inbox(bob).await;
    office.put_into(&folder, &ids(&inbox)).await.unwrap();
    let renamed = office.rename_folder(&folder, "OLD").await.unwrap();
    assert_eq!(renamed.folder_id, folder.folder_id);
    let found = office.folder_by_id(bob, folder.folder_id).await.unwrap();
    assert_eq!(
        (&*found.name, found.total_count, found.unread_count),
        ("OLD", 2, 2)
    );
    assert!(found.change > folder.change, "the history tells of it");
    assert_eq!(ids(&office.listed(&found).await), ids(&inbox));
    let before = office.mailbox(bob).await;
    office.rename_folder(&folder, "OLD").await.unwrap();
    assert_eq!(
        office.mailbox(bob).await,
        before,
        "the same name is no change"
    );
    office.audit(bob).await;
}

pub(super) async fn a_mailbox_has_a_hundred_folders_of_its_owners_own(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let names: Vec<String> = (0..MAX_FOLDERS).map(|n| format!("F{n}")).collect();
    let made = join_all(names.iter().map(|name| office.create_folder(ana, name))).await;
    let one = made.into_iter().map(Result::unwrap).next_back().unwrap();
    let refused = office.create_folder(ana, "One more").await;
    assert_eq!(refused, Err(Refusal::TooManyFolders));
    office.rename_folder(&one, "Another").await.unwrap();
    office.create_folder(bob, "One more").await.unwrap();
    assert!(office.delete_folder(ana, one.folder_id).await.unwrap());
    office.create_folder(ana, "One more").await.unwrap();
    office.audit(ana).await;
}

pub(super) async fn a_repeated_request_about_a_folder_gets_the_first_answer(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, making, naming] = people();
    let make = || creation(ana, "Plans", Some(making));
    let folder = office.folder_job(make()).await.unwrap();
    let name = || renaming(key_of(&folder), "Dreams", Some(naming));
    let renamed = office.folder_job(name()).await.unwrap();
    assert!(office.delete_folder(ana, folder.folder_id).await.unwrap());
    assert_eq!(office.folder_job(make()).await, Ok(folder.clone()));
    assert_eq!(office.folder_job(name()).await, Ok(renamed));
    assert_eq!(office.folder_by_id(ana, folder.folder_id).await, None);
    let theirs = office
        .folder_job(creation(bob, "Plans", Some(making)))
        .await;
    assert_ne!(theirs.unwrap().folder_id, folder.folder_id);
}

pub(super) async fn a_request_id_serves_for_one_thing_only(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, making, sending, saving] = people();
    let folder = office.folder_job(creation(ana, "Plans", Some(making)));
    let folder = folder.await.unwrap();
    let message = letter(ana, &[bob]);
    let sent = office.send(&message.clone().with_request(sending)).await;
    let draft = message.clone().with_request(saving);
    let draft = office.message(draft.save_job(None)).await.unwrap();
    let before = office.mailbox(ana).await;
    for request in [making, sending, saving] {
        let kept = message.clone().with_request(request);
        let others = [
            (kept.job(), request == sending),
            (kept.save_job(None), request == saving),
            (creation(ana, "Plans", Some(request)), request == making),
            (creation(ana, "Other", Some(request)), false),
            (renaming(key_of(&folder), "Plans", Some(request)), false),
            (with_source(&office, &draft, request).await, false),
        ];
        for (job, is_the_first) in others {
            let result = office.submit(job).await;
            if is_the_first {
                assert!(result.is_ok());
            } else {
                assert_eq!(refusal(result), Refusal::RequestIdReused);
            }
        }
    }
    assert_eq!(office.mailbox(ana).await, before, "the first stay");
    assert_ne!(sent.message_id, draft.message_id);
}

async fn with_source(office: &Office, draft: &crate::domain::Copy, id: Uuid) -> crate::commit::Job {
    office.letter_of(draft).await.with_request(id).job()
}
