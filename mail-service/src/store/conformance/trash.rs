//! What has been in Trash for long enough goes, and nothing else.

use uuid::Uuid;

use super::{
    letter::letter,
    office::{Office, ids, people},
};
use crate::{
    commit::Refusal,
    domain::{Copy, FolderRole},
    store::{Queue, SharedStore},
};

/// Somebody with three messages in their inbox, newest first.
async fn three_messages(store: SharedStore) -> (Office, Uuid, Vec<Copy>) {
    let office = Office::new(store);
    let [ana, bob] = people();
    for _ in 0..3 {
        office.send(&letter(ana, &[bob])).await;
    }
    let inbox = office.inbox(bob).await;
    (office, bob, inbox)
}

/// What of `owner`'s is in Trash since before so many seconds from now.
async fn due(office: &Office, owner: Uuid, seconds: u64) -> Vec<Uuid> {
    let time = office.in_seconds(seconds);
    let due = office.store.due(Queue::Trash, time, i64::from(i32::MAX));
    let ours = due.await.unwrap().into_iter().filter(|key| key.0 == owner);
    ours.map(|(_, id)| id).collect()
}

pub(super) async fn a_message_knows_since_when_it_is_in_trash(store: SharedStore) {
    let (office, bob, inbox) = three_messages(store).await;
    assert!(inbox.iter().all(|copy| copy.trash_time.is_none()));
    let trashed = office.move_to(&inbox[0], FolderRole::Trash).await.unwrap();
    assert_eq!(trashed.trash_time, Some(office.in_seconds(0)));
    assert_eq!(
        office.copy(bob, trashed.message_id).await.as_ref(),
        Some(&trashed)
    );
    office.advance(5);
    office.mark_read(&trashed).await;
    let again = office.move_to(&trashed, FolderRole::Trash).await.unwrap();
    assert_eq!(again.trash_time, trashed.trash_time, "since the first time");
    for role in [FolderRole::Inbox, FolderRole::Archive] {
        let back = office.move_to(&trashed, role).await.unwrap();
        assert_eq!(back.trash_time, None);
        assert_eq!(office.copy(bob, back.message_id).await, Some(back));
        assert_eq!(due(&office, bob, 99).await, [] as [Uuid; 0]);
    }
    let later = office.move_to(&trashed, FolderRole::Trash).await.unwrap();
    assert_eq!(later.trash_time, Some(office.in_seconds(0)));
}

pub(super) async fn only_what_was_in_trash_before_goes(store: SharedStore) {
    let (office, bob, inbox) = three_messages(store).await;
    let old = office.move_to(&inbox[2], FolderRole::Trash).await.unwrap();
    office.advance(10);
    let new = office.move_to(&inbox[1], FolderRole::Trash).await.unwrap();
    assert_eq!(due(&office, bob, 0).await, [old.message_id]);
    assert_eq!(due(&office, bob, 1).await, [old.message_id, new.message_id]);
    let now = office.in_seconds(0);
    office.empty_trash(bob, &ids(&inbox), now).await.unwrap();
    let left = ids(&office.audit(bob).await);
    assert_eq!(left.len(), 2);
    assert!(!left.contains(&old.message_id));
    let before = office.mailbox(bob).await;
    let unknown = Uuid::new_v4();
    office
        .empty_trash(bob, &[old.message_id, unknown, inbox[0].message_id], now)
        .await
        .unwrap();
    assert_eq!(office.mailbox(bob).await, before, "passed over");
    office.delete(bob, &[old.message_id]).await.unwrap();
    office.audit(bob).await;
}

/// Found in Trash, then taken out of it before it is deleted.
pub(super) async fn what_was_taken_out_of_trash_meanwhile_stays(store: SharedStore) {
    let (office, bob, inbox) = three_messages(store).await;
    let trashed = office.move_to(&inbox[0], FolderRole::Trash).await.unwrap();
    office.advance(10);
    let found = due(&office, bob, 0).await;
    assert_eq!(found, [trashed.message_id]);
    let back = office.move_to(&trashed, FolderRole::Archive).await.unwrap();
    let now = office.in_seconds(0);
    office.empty_trash(bob, &found, now).await.unwrap();
    assert_eq!(office.copy(bob, back.message_id).await, Some(back));
    let [cleo] = people();
    office.erase(cleo).await;
    let gone = office.empty_trash(cleo, &found, now).await;
    assert_eq!(gone, Err(Refusal::OwnerGone));
    assert_eq!(office.audit(bob).await.len(), 3);
}
