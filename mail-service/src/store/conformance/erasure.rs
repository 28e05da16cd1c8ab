//! Mailboxes of deleted accounts, and contents that nobody holds any more.

use futures::future::join_all;
use uuid::Uuid;

use super::{
    letter::letter,
    office::{Office, nothing, people},
};
use crate::{
    commit::Refusal,
    domain::{FolderRole, MailboxState},
    store::SharedStore,
};

/// More copies than one step of an erasure takes.
const MANY: usize = 620;

pub(super) async fn an_erased_mailbox_is_empty_for_good(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, request] = people();
    let message = letter(ana, &[bob]);
    join_all((0..MANY).map(|_| office.send(&message))).await;
    let answered = letter(bob, &[ana]).with_request(request);
    office.send(&answered).await;
    let one = office.newest(bob).await;
    let before = office.mailbox(bob).await;
    office.erase(bob).await;

    let after = office.mailbox(bob).await;
    assert_eq!(after.state, MailboxState::Erased);
    assert_eq!((after.message_count, after.used_bytes), (0, 0));
    assert!(after.last_change > before.last_change);
    assert_eq!(office.store.folders(bob).await.unwrap(), []);
    assert_eq!(office.copy(bob, one.message_id).await, None);
    assert_eq!(
        office.store.bodies(bob, &[one.message_id]).await.unwrap(),
        []
    );
    let kept = office.store.kept_answer((bob, request)).await.unwrap();
    assert_eq!(kept, None);

    // Nothing brings it back.
    let gone = Refusal::RecipientsGone(vec![bob]);
    assert_eq!(office.try_send(&message).await, Err(gone));
    assert_eq!(office.try_send(&answered).await, Err(Refusal::OwnerGone));
    let change = nothing(bob, &[one.message_id]);
    assert_eq!(office.modify(change).await, Err(Refusal::OwnerGone));
    let deleted = office.delete(bob, &[one.message_id]).await;
    assert_eq!(deleted, Err(Refusal::OwnerGone));
    office.erase(bob).await;
    assert_eq!(office.mailbox(bob).await, after);
    assert_eq!(office.store.folders(bob).await.unwrap(), []);
}

pub(super) async fn a_mailbox_never_used_is_erased_too(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    office.erase(bob).await;
    assert_eq!(office.mailbox(bob).await.state, MailboxState::Erased);
    let gone = Refusal::RecipientsGone(vec![bob]);
    assert_eq!(office.try_send(&letter(ana, &[bob])).await, Err(gone));
}

pub(super) async fn erasing_leaves_others_their_copies(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let sent = office.send(&letter(ana, &[bob])).await;
    office.send(&letter(bob, &[ana])).await;
    office.erase(bob).await;
    office.sweep().await;
    let all = office.audit(ana).await;
    assert_eq!(all.len(), 2);
    assert!(all.contains(&sent));
    let ids: Vec<Uuid> = all.iter().map(|c| c.message_id).collect();
    assert_eq!(office.store.bodies(ana, &ids).await.unwrap().len(), 2);
}

pub(super) async fn erasing_while_mail_arrives_leaves_nothing(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let message = letter(ana, &[bob]);
    let sends = (0..60).map(|_| office.try_send(&message));
    let (results, ()) = futures::join!(join_all(sends), office.erase(bob));
    office.erase(bob).await;
    let done = results.iter().filter(|r| r.is_ok()).count();
    for refused in results.into_iter().filter_map(Result::err) {
        assert_eq!(refused, Refusal::RecipientsGone(vec![bob]));
    }
    assert_eq!(office.audit(bob).await, []);
    assert_eq!(office.list(ana, FolderRole::Sent).await.len(), done);
}

pub(super) async fn contents_go_with_their_last_copy(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo] = people();
    let sent = office.send(&letter(ana, &[bob, cleo])).await;
    let at_bob = office.newest(bob).await;
    office.delete(bob, &[at_bob.message_id]).await.unwrap();
    office.sweep().await;
    assert!(office.has_content(sent.content_id).await, "two hold it");
    office.erase(cleo).await;
    office.sweep().await;
    assert!(
        office.has_content(sent.content_id).await,
        "the sender holds it"
    );
    office.delete(ana, &[sent.message_id]).await.unwrap();
    assert!(office.has_content(sent.content_id).await, "swept later");
    office.sweep().await;
    // Another case may be about to commit what it swept for us.
    let gone = || async { !office.has_content(sent.content_id).await };
    office.until(gone).await;
}
