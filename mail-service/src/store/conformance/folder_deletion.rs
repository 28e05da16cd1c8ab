//! A deleted folder's messages go to Trash, in steps; the folder goes with the last of them.

use std::sync::Arc;

use futures::{FutureExt, future::join_all};
use uuid::Uuid;

use super::{
    clerk::{creation, deletion},
    faulty::FaultyStore,
    letter::letter,
    office::{Office, ids, nothing, people},
};
use crate::{
    commit::{Job, Modify, Place, Refusal},
    domain::{Copy, Event, Folder, FolderRole},
    store::SharedStore,
};

/// Bob with a folder, and as many messages in his inbox.
async fn with_folder(office: &Office, messages: usize) -> (Uuid, Folder, Vec<Copy>) {
    let [ana, bob] = people();
    let folder = office.create_folder(bob, "Plans").await.unwrap();
    let message = letter(ana, &[bob]);
    join_all((0..messages).map(|_| office.send(&message))).await;
    (bob, folder, office.inbox(bob).await)
}

pub(super) async fn its_messages_go_to_trash_and_it_is_gone(store: SharedStore) {
    let office = Office::new(store);
    let (bob, folder, inbox) = with_folder(&office, 3).await;
    office.mark_read(&inbox[1]).await;
    office.put_into(&folder, &ids(&inbox[..2])).await.unwrap();
    let last = office.mailbox(bob).await.last_change;
    assert!(office.delete_folder(bob, folder.folder_id).await.unwrap());
    let trash = office.list(bob, FolderRole::Trash).await;
    assert_eq!(ids(&trash), ids(&inbox[..2]), "in their order");
    assert!(trash.iter().all(|copy| copy.trash_time.is_some()));
    assert!(trash[1].read && !trash[0].read, "as they were");
    assert_eq!(ids(&office.inbox(bob).await), ids(&inbox[2..]));
    let again = office.delete_folder(bob, folder.folder_id).await;
    assert_eq!(again, Err(Refusal::FolderNotFound(folder.folder_id)));
    let told = office.history(bob, last).await;
    let told: Vec<(Event, Uuid)> = told.iter().map(|c| (c.event, c.object_id)).collect();
    let trash_id = office.folder(bob, FolderRole::Trash).await.folder_id;
    let expected = [
        (Event::MessageUpdated, inbox[1].message_id),
        (Event::MessageUpdated, inbox[0].message_id),
        (Event::FolderDeleted, folder.folder_id),
        (Event::FolderUpdated, trash_id),
    ];
    assert_eq!(told, expected);
    office.audit(bob).await;
}

pub(super) async fn a_large_folder_goes_in_steps_each_of_which_is_whole(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let folder = office.create_folder(bob, "Plans").await.unwrap();
    let message = letter(ana, &[bob]);
    let mut moved = 0;
    for _ in 0..4 {
        join_all((0..270).map(|_| office.send(&message))).await;
        let inbox = office.inbox(bob).await;
        office.put_into(&folder, &ids(&inbox)).await.unwrap();
        moved += inbox.len();
    }
    assert!(!office.delete_folder(bob, folder.folder_id).await.unwrap());
    assert_eq!(office.audit(bob).await.len(), moved);
    let left = office.folder_by_id(bob, folder.folder_id).await.unwrap();
    let trash = office.folder(bob, FolderRole::Trash).await.total_count;
    assert!(0 < left.total_count && 0 < trash);
    assert!(office.delete_folder(bob, folder.folder_id).await.unwrap());
    assert_eq!(office.folder_by_id(bob, folder.folder_id).await, None);
    assert_eq!(office.list(bob, FolderRole::Trash).await.len(), moved);
    office.audit(bob).await;
}

/// In one batch: into the folder, away with it, and once more into it.
pub(super) async fn what_moves_in_meanwhile_goes_to_trash_too(store: SharedStore) {
    let faulty = FaultyStore::closed(store);
    let office = Office::new(Arc::clone(&faulty) as SharedStore);
    faulty.open();
    let (bob, folder, inbox) = with_folder(&office, 3).await;
    office.put_into(&folder, &ids(&inbox[..1])).await.unwrap();
    faulty.close();
    let into = |copy: &Copy| {
        Job::Modify(Modify {
            place: Some(Place::Folder(folder.folder_id)),
            ..nothing(bob, &[copy.message_id])
        })
    };
    let jobs = [
        into(&inbox[1]),
        deletion(bob, folder.folder_id),
        creation(bob, "plans", None),
        into(&inbox[2]),
    ];
    let mut results: Vec<_> = jobs
        .into_iter()
        .map(|job| {
            let office = office.clone();
            Box::pin(async move { office.submit(job).await })
        })
        .collect();
    for result in &mut results {
        assert!(result.now_or_never().is_none(), "they wait for one batch");
    }
    faulty.open();
    let results = join_all(results).await;
    assert_eq!(
        results.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, true, true, false]
    );
    assert_eq!(
        ids(&office.list(bob, FolderRole::Trash).await),
        ids(&inbox[..2])
    );
    assert_eq!(ids(&office.inbox(bob).await), ids(&inbox[2..]));
    office.audit(bob).await;
}

/// From two replicas: nothing is lost, and nothing is where there is no folder.
pub(super) async fn moving_in_and_deleting_at_once_lose_nothing(store: SharedStore) {
    let offices = [Office::new(store.clone()), Office::new(store)];
    let (bob, folder, inbox) = with_folder(&offices[0], 12).await;
    let attempts = inbox
        .iter()
        .map(|copy| offices[0].put_into(&folder, std::slice::from_ref(&copy.message_id)));
    let deletion = async {
        tokio::task::yield_now().await;
        offices[1].delete_folder(bob, folder.folder_id).await
    };
    let (results, deleted) = futures::join!(join_all(attempts), deletion);
    assert_eq!(deleted, Ok(true));
    let moved = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(offices[0].list(bob, FolderRole::Trash).await.len(), moved);
    assert_eq!(offices[0].audit(bob).await.len(), 12);
}
