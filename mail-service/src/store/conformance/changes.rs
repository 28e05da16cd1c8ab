//! Marking, moving and deleting: all of them or none, and only what is one's own.

use uuid::Uuid;

use super::{
    letter::letter,
    office::{Office, ids, nothing, people},
};
use crate::{
    commit::{Modify, Place, Refusal},
    domain::{Copy, FolderRole},
    store::SharedStore,
};

/// An office, somebody with three messages in their inbox, and the messages, newest first.
async fn three_messages(store: SharedStore) -> (Office, Uuid, Vec<Copy>) {
    let office = Office::new(store);
    let [ana, bob] = people();
    for _ in 0..3 {
        office.send(&letter(ana, &[bob])).await;
    }
    let inbox = office.inbox(bob).await;
    (office, bob, inbox)
}

pub(super) async fn marking_changes_counts_and_etags(store: SharedStore) {
    let (office, bob, inbox) = three_messages(store).await;
    let modify = Modify {
        read: Some(true),
        starred: Some(true),
        ..nothing(bob, &[inbox[2].message_id, inbox[0].message_id])
    };
    let changed = office.modify(modify).await.unwrap();
    assert_eq!(ids(&changed), [inbox[2].message_id, inbox[0].message_id]);
    for (copy, before) in changed.iter().zip([&inbox[2], &inbox[0]]) {
        assert!(copy.read && copy.starred);
        assert_ne!(copy.etag(), before.etag());
        assert_eq!(office.copy(bob, copy.message_id).await.as_ref(), Some(copy));
    }
    assert_eq!(office.folder(bob, FolderRole::Inbox).await.unread_count, 1);
    assert_eq!(
        office.copy(bob, inbox[1].message_id).await.as_ref(),
        Some(&inbox[1])
    );
    office.audit(bob).await;
}

pub(super) async fn nothing_changed_is_no_change(store: SharedStore) {
    let (office, bob, inbox) = three_messages(store).await;
    let before = office.mailbox(bob).await;
    let modify = Modify {
        read: Some(false),
        starred: Some(false),
        place: Some(Place::Role(FolderRole::Inbox)),
        ..nothing(bob, &ids(&inbox))
    };
    assert_eq!(office.modify(modify).await.unwrap(), inbox);
    assert_eq!(office.mailbox(bob).await, before);
}

pub(super) async fn copies_move_among_open_folders(store: SharedStore) {
    use FolderRole::{Archive, Inbox, Spam, Trash};
    let (office, bob, inbox) = three_messages(store).await;
    let mut copy = inbox[1].clone();
    for role in [Archive, Spam, Trash, Inbox, Trash, Archive] {
        let moved = office.move_to(&copy, role).await.unwrap();
        assert_eq!(moved.folder_id, office.folder(bob, role).await.folder_id);
        assert!(moved.change > copy.change);
        assert_eq!(
            office.list(bob, role).await.len(),
            if role == Inbox { 3 } else { 1 }
        );
        copy = moved;
    }
    assert_eq!(
        copy.receive_time, inbox[1].receive_time,
        "its place in time stays"
    );
    let back = office.move_to(&copy, Inbox).await.unwrap();
    assert_eq!(ids(&office.inbox(bob).await), ids(&inbox));
    let by_id = Modify {
        place: Some(Place::Folder(office.folder(bob, Trash).await.folder_id)),
        ..nothing(bob, &[back.message_id])
    };
    office.modify(by_id).await.unwrap();
    assert_eq!(ids(&office.list(bob, Trash).await), [back.message_id]);
    office.audit(bob).await;
}

pub(super) async fn nothing_moves_into_or_out_of_protected_folders(store: SharedStore) {
    let (office, bob, inbox) = three_messages(store).await;
    for role in [FolderRole::Drafts, FolderRole::Outbox] {
        let folder_id = office.folder(bob, role).await.folder_id;
        let refused = office.move_to(&inbox[0], role).await;
        assert_eq!(refused, Err(Refusal::FolderProtected(folder_id)));
        let by_id = Modify {
            read: Some(true),
            place: Some(Place::Folder(folder_id)),
            ..nothing(bob, &ids(&inbox))
        };
        let refused = office.modify(by_id).await;
        assert_eq!(refused, Err(Refusal::FolderProtected(folder_id)));
    }
    // There is no way in yet: put one there behind the rules' back.
    let drafts = office.folder(bob, FolderRole::Drafts).await;
    let draft = Copy {
        folder_id: drafts.folder_id,
        ..inbox[0].clone()
    };
    let changes = crate::store::Changes {
        changed_copies: vec![draft.clone()],
        ..Default::default()
    };
    super::sample::write(&office.store, &changes).await;
    let both = Modify {
        place: Some(Place::Role(FolderRole::Trash)),
        ..nothing(bob, &[inbox[1].message_id, draft.message_id])
    };
    let refused = office.modify(both).await;
    assert_eq!(refused, Err(Refusal::FolderProtected(drafts.folder_id)));
    assert_eq!(office.copy(bob, draft.message_id).await, Some(draft));
    assert_eq!(office.list(bob, FolderRole::Trash).await, []);
}

pub(super) async fn only_sent_copies_move_to_sent(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let sent = office.send(&letter(ana, &[ana, bob])).await;
    let archived = office.move_to(&sent, FolderRole::Archive).await.unwrap();
    let back = office.move_to(&archived, FolderRole::Sent).await.unwrap();
    assert_eq!(back.folder_id, sent.folder_id);
    for owner in [ana, bob] {
        let received = office.newest(owner).await;
        let sent_id = office.folder(owner, FolderRole::Sent).await.folder_id;
        let refused = office.move_to(&received, FolderRole::Sent).await;
        assert_eq!(refused, Err(Refusal::FolderProtected(sent_id)));
        office.audit(owner).await;
    }
    let foreign = office.folder(bob, FolderRole::Trash).await.folder_id;
    let modify = Modify {
        place: Some(Place::Folder(foreign)),
        ..nothing(ana, &[sent.message_id])
    };
    let refused = office.modify(modify).await;
    assert_eq!(
        refused,
        Err(Refusal::FolderNotFound(foreign)),
        "somebody else's"
    );
}

pub(super) async fn an_old_etag_changes_nothing(store: SharedStore) {
    let (office, bob, inbox) = three_messages(store).await;
    let with_etag = |copy: &Copy, starred| Modify {
        starred: Some(starred),
        etag: Some(copy.etag()),
        ..nothing(bob, &[copy.message_id])
    };
    let starred = office.modify(with_etag(&inbox[0], true)).await.unwrap();
    let refused = office.modify(with_etag(&inbox[0], false)).await;
    assert_eq!(refused, Err(Refusal::EtagMismatch));
    assert_eq!(
        office.copy(bob, inbox[0].message_id).await,
        Some(starred[0].clone())
    );
    office.modify(with_etag(&starred[0], false)).await.unwrap();
    let nonsense = Modify {
        etag: Some(String::new()),
        ..with_etag(&inbox[1], true)
    };
    assert_eq!(office.modify(nonsense).await, Err(Refusal::EtagMismatch));
}

pub(super) async fn one_missing_message_stops_all_changes(store: SharedStore) {
    let (office, bob, inbox) = three_messages(store).await;
    let [foreign] = &office.list(author(&inbox[0]), FolderRole::Sent).await[..1] else {
        panic!("one");
    };
    let unknown = Uuid::new_v4();
    let deleted = inbox[2].message_id;
    office.delete(bob, &[deleted]).await.unwrap();
    let asked = [unknown, inbox[0].message_id, foreign.message_id, deleted];
    let modify = Modify {
        read: Some(true),
        ..nothing(bob, &asked)
    };
    let missing = vec![unknown, foreign.message_id, deleted];
    assert_eq!(
        office.modify(modify).await,
        Err(Refusal::MessagesNotFound(missing))
    );
    assert_eq!(office.inbox(bob).await, inbox[..2]);
}

pub(super) async fn deleting_is_all_or_nothing(store: SharedStore) {
    let (office, bob, inbox) = three_messages(store).await;
    let unknown = Uuid::new_v4();
    let refused = office.delete(bob, &[inbox[0].message_id, unknown]).await;
    assert_eq!(refused, Err(Refusal::MessagesNotFound(vec![unknown])));
    assert_eq!(office.inbox(bob).await, inbox);
    office.mark_read(&inbox[1]).await;
    office.delete(bob, &ids(&inbox[..2])).await.unwrap();
    assert_eq!(ids(&office.inbox(bob).await), ids(&inbox[2..]));
    let bodies = office.store.bodies(bob, &ids(&inbox)).await.unwrap();
    assert_eq!(bodies.len(), 1);
    office.audit(bob).await;
}

pub(super) async fn deleting_again_counts_as_done(store: SharedStore) {
    let (office, bob, inbox) = three_messages(store).await;
    office.delete(bob, &[inbox[0].message_id]).await.unwrap();
    let before = office.mailbox(bob).await;
    office.delete(bob, &[inbox[0].message_id]).await.unwrap();
    assert_eq!(office.mailbox(bob).await, before);
    office.delete(bob, &ids(&inbox)).await.unwrap();
    assert_eq!(office.audit(bob).await, []);
    let [cleo] = people();
    let foreign = office.delete(cleo, &[inbox[0].message_id]).await;
    let missing = vec![inbox[0].message_id];
    assert_eq!(
        foreign,
        Err(Refusal::MessagesNotFound(missing)),
        "nobody else's trace"
    );
}

pub(super) async fn others_keep_their_copies(store: SharedStore) {
    let (office, bob, inbox) = three_messages(store).await;
    let ana = author(&inbox[0]);
    let sent = office.list(ana, FolderRole::Sent).await;
    office.delete(bob, &ids(&inbox)).await.unwrap();
    office.sweep().await;
    assert_eq!(office.list(ana, FolderRole::Sent).await, sent);
    let bodies = office.store.bodies(ana, &ids(&sent)).await.unwrap();
    assert_eq!(bodies.len(), 3);
}

fn author(copy: &Copy) -> Uuid {
    let crate::domain::Participant::Account(id) = copy.participants.from else {
        panic!("{:?}", copy.participants);
    };
    id
}
