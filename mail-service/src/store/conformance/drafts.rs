//! Drafts: kept as they are written.

use futures::future::join_all;
use uuid::Uuid;

use super::{
    letter::letter,
    office::{Office, ids, nothing, people},
};
use crate::{
    commit::{Modify, Refusal},
    domain::{Copy, FolderRole, Kind, Participant},
    store::SharedStore,
};

async fn text(office: &Office, copy: &Copy) -> String {
    office.letter_of(copy).await.text
}

pub(super) async fn a_draft_is_kept_as_it_is_and_reaches_nobody(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo] = people();
    let parent = office.send(&letter(ana, &[bob])).await;
    let mut message = letter(ana, &[bob]).answering(&parent).passing_on(&parent);
    message.bcc = vec![cleo];
    let message = message.labelled(&["a"]).at(office.in_seconds(60));
    let draft = office.save(&message).await;
    assert_eq!((draft.kind, draft.read), (Kind::Draft, true));
    assert_eq!(draft.thread_id, parent.thread_id);
    let named = (draft.in_reply_to, draft.forward_of);
    assert_eq!(named, (Some(parent.message_id), Some(parent.message_id)));
    assert_eq!(draft.deliver_time, message.deliver_time);
    assert_eq!(draft.participants.bcc, [Participant::Account(cleo)]);
    assert_eq!(office.only(ana, FolderRole::Drafts).await, draft);
    assert_eq!(text(&office, &draft).await, "Hello");
    office.advance(120);
    assert_eq!(office.due(ana).await, [] as [Uuid; 0], "nobody sent it");
    let unmarked = office.copy(ana, parent.message_id).await.unwrap();
    assert!(!unmarked.answered && !unmarked.forwarded);
    assert_eq!(office.inbox(bob).await.len(), 1);
    assert_eq!(office.inbox(cleo).await, []);
    let empty = letter(ana, &[]).with_subject("").with_text("");
    office.save(&empty).await;
    office.audit(ana).await;
}

pub(super) async fn a_draft_is_replaced_whole_by_one_who_has_seen_it(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo] = people();
    let first = letter(ana, &[bob])
        .labelled(&["a", "b"])
        .at(office.in_seconds(9));
    let first = office.save(&first).await;
    let starred = Modify {
        starred: Some(true),
        ..nothing(ana, &[first.message_id])
    };
    let seen = office.modify(starred).await.unwrap().remove(0);
    let other = letter(ana, &[cleo]).with_subject("Other").with_text("New");
    let other = other.labelled(&["b", "c"]);
    let second = office.update(&other, &seen).await.unwrap();
    assert_eq!(second.message_id, first.message_id);
    assert_eq!(second.create_change, first.create_change);
    assert!(second.change > seen.change && second.receive_time > first.receive_time);
    assert_eq!((&*second.subject, &*second.snippet), ("Other", "New"));
    assert_eq!(second.labels, ["b", "c"]);
    assert_eq!(second.deliver_time, None);
    assert_eq!(second.participants.to, [Participant::Account(cleo)]);
    assert!(second.starred, "the owner's mark stays");
    assert_eq!(office.only(ana, FolderRole::Drafts).await, second);
    assert_eq!(text(&office, &second).await, "New");
    let names: Vec<String> = office
        .labels(ana)
        .await
        .into_iter()
        .map(|l| l.name)
        .collect();
    assert_eq!(names, ["b", "c"]);
    office.audit(ana).await;
}

pub(super) async fn a_draft_that_changed_or_is_none_is_not_replaced(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let message = letter(ana, &[bob]);
    let first = office.save(&message).await;
    let second = office.update(&message, &first).await.unwrap();
    let before = office.mailbox(ana).await;
    let again = office.update(&message, &first).await;
    assert_eq!(again, Err(Refusal::EtagMismatch));
    let refused = office.update(&letter(bob, &[ana]), &second).await;
    let missing = Refusal::MessagesNotFound(vec![second.message_id]);
    assert_eq!(refused, Err(missing.clone()));
    assert_eq!(office.mailbox(ana).await, before);
    for sent in [
        office.send(&message).await,
        office.send_draft(&second).await.unwrap(),
    ] {
        assert_eq!(
            office.update(&message, &sent).await,
            Err(Refusal::NotADraft)
        );
    }
    office.delete(ana, &[second.message_id]).await.unwrap();
    assert_eq!(office.update(&message, &second).await, Err(missing));
    office.audit(ana).await;
}

/// From two replicas: of those who have seen the same, one wins.
pub(super) async fn of_many_updates_at_once_one_wins(store: SharedStore) {
    let offices = [Office::new(store.clone()), Office::new(store)];
    let [ana, bob] = people();
    let seen = offices[0].save(&letter(ana, &[bob])).await;
    let letters: Vec<_> = (0..20)
        .map(|n| letter(ana, &[bob]).with_text(n.to_string()))
        .collect();
    let updates = letters.iter().enumerate();
    let updates = updates.map(|(n, letter)| offices[n % 2].update(letter, &seen));
    let results = join_all(updates).await;
    let done: Vec<&Copy> = results.iter().filter_map(|r| r.as_ref().ok()).collect();
    assert_eq!(done.len(), 1);
    assert_eq!(offices[0].only(ana, FolderRole::Drafts).await, *done[0]);
    assert_eq!(text(&offices[0], done[0]).await, done[0].snippet);
    offices[0].audit(ana).await;
}

pub(super) async fn what_a_draft_names_must_be_there_when_it_is_named(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let parent = office.send(&letter(ana, &[bob])).await;
    let gone = office.send(&letter(ana, &[bob])).await;
    office.delete(ana, &[gone.message_id]).await.unwrap();
    let message = letter(ana, &[bob]);
    let answering = message.clone().answering(&gone);
    let refused = office.message(answering.save_job(None)).await;
    assert_eq!(refused, Err(Refusal::ParentNotFound(gone.message_id)));
    let passing_on = message.clone().passing_on(&gone);
    let refused = office.message(passing_on.save_job(None)).await;
    assert_eq!(refused, Err(Refusal::OriginalNotFound(gone.message_id)));
    assert_eq!(office.try_send(&passing_on).await, refused);

    let message = message.answering(&parent).passing_on(&parent);
    let draft = office.save(&message).await;
    office.delete(ana, &[parent.message_id]).await.unwrap();
    let draft = office.update(&message.with_text("On"), &draft).await;
    let draft = draft.unwrap();
    assert_eq!(
        draft.in_reply_to,
        Some(parent.message_id),
        "it was there then"
    );
    let refused = office.update(&answering, &draft).await;
    assert_eq!(refused, Err(Refusal::ParentNotFound(gone.message_id)));
    office.audit(ana).await;
}

pub(super) async fn contents_of_the_past_are_swept(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let message = letter(ana, &[bob]);
    let first = office.save(&message).await;
    let second = office
        .update(&message.clone().with_text("2"), &first)
        .await
        .unwrap();
    assert_ne!(first.content_id, second.content_id);
    office.sweep().await;
    office
        .until(|| async { !office.has_content(first.content_id).await })
        .await;
    assert_eq!(text(&office, &second).await, "2");
    let sent = office.send_draft(&second).await.unwrap();
    office.delete(ana, &[sent.message_id]).await.unwrap();
    office.sweep().await;
    office
        .until(|| async { !office.has_content(second.content_id).await })
        .await;
    let received = office.newest(bob).await;
    assert_eq!(text(&office, &received).await, "2");
    let draft = office.save(&message).await;
    office.delete(ana, &[draft.message_id]).await.unwrap();
    office.sweep().await;
    office
        .until(|| async { !office.has_content(draft.content_id).await })
        .await;
    assert_eq!(office.audit(ana).await, []);
}

pub(super) async fn a_repeated_save_keeps_one_draft(store: SharedStore) {
    let offices = [Office::new(store.clone()), Office::new(store)];
    let [ana, bob, making, changing] = people();
    let message = letter(ana, &[bob]).with_request(making);
    let saves = (0..20).map(|n| offices[n % 2].save(&message));
    let drafts = join_all(saves).await;
    assert!(drafts.iter().all(|draft| *draft == drafts[0]));
    let office = &offices[0];
    let other = message.clone().with_text("Other");
    let refused = office.message(other.save_job(None)).await;
    assert_eq!(refused, Err(Refusal::RequestIdReused));
    let changed = message.with_text("2").with_request(changing);
    let second = office.update(&changed, &drafts[0]).await.unwrap();
    let again = office.update(&changed, &drafts[0]).await;
    assert_eq!(again.as_ref(), Ok(&second), "though the etag is old");
    let refused = office.update(&changed, &second).await;
    assert_eq!(refused, Err(Refusal::RequestIdReused), "another etag");
    assert_eq!(ids(&office.audit(ana).await), [second.message_id]);
}

pub(super) async fn drafts_take_room_by_what_they_grow(store: SharedStore) {
    let office = Office::with_quota(store, 2, 100);
    let [ana, bob] = people();
    let sized = |bytes: usize| {
        letter(ana, &[bob])
            .with_subject("")
            .with_text("x".repeat(bytes))
    };
    let one = office.save(&sized(60)).await;
    let full = Err(Refusal::MailboxesFull(vec![ana]));
    assert_eq!(office.message(sized(41).save_job(None)).await, full);
    assert_eq!(office.mailbox(ana).await.used_bytes, 60);
    let other = office.save(&sized(40)).await;
    assert_eq!(
        office.message(sized(0).save_job(None)).await,
        full,
        "two messages"
    );
    assert_eq!(office.update(&sized(61), &one).await, full);
    let other = office.update(&sized(39), &other).await.unwrap();
    let one = office.update(&sized(61), &one).await.unwrap();
    assert_eq!(office.mailbox(ana).await.used_bytes, 100);
    // What was kept takes no more room when it is sent, but with the recipients.
    office.send_draft(&one).await.unwrap();
    office.send_draft(&other).await.unwrap();
    assert_eq!(office.mailbox(ana).await.used_bytes, 100);
    let refused = office.try_send(&letter(ana, &[bob])).await;
    let mut both = vec![ana, bob];
    both.sort_unstable();
    assert_eq!(refused, Err(Refusal::MailboxesFull(both)));
    for owner in [ana, bob] {
        office.audit(owner).await;
    }
}

pub(super) async fn exactly_as_many_drafts_as_fit_are_kept_at_once(store: SharedStore) {
    const ROOM: usize = 6;
    let quota = i64::try_from(ROOM).unwrap();
    let offices = [
        Office::with_quota(store.clone(), quota, 1 << 20),
        Office::with_quota(store, quota, 1 << 20),
    ];
    let [ana, bob] = people();
    let later = letter(ana, &[bob]).at(offices[0].in_seconds(60));
    let jobs = (0..30).map(|n| {
        let job = if n % 3 == 0 {
            later.job()
        } else {
            letter(ana, &[bob]).save_job(None)
        };
        offices[n % 2].message(job)
    });
    let results = join_all(jobs).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), ROOM);
    for refused in results.into_iter().filter_map(Result::err) {
        assert_eq!(refused, Refusal::MailboxesFull(vec![ana]));
    }
    assert_eq!(offices[0].audit(ana).await.len(), ROOM);
}
