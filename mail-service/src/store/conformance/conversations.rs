//! Conversations as wholes: listed, counted and read page by page.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use futures::{FutureExt, future::join_all};
use uuid::Uuid;

use super::{
    faulty::FaultyStore,
    letter::letter,
    office::{Office, ids, people},
};
use crate::{
    domain::{Copy, Cursor, FolderRole},
    store::{End, SharedStore},
};

/// The conversations in a folder, newest activity first.
async fn listed(office: &Office, owner: Uuid, role: FolderRole) -> Vec<Uuid> {
    let folder = office.folder(owner, role).await.folder_id;
    let all = office.store.threads(owner, folder, Cursor::NEWEST, 1000);
    all.await.unwrap().iter().map(|place| place.id).collect()
}

/// Messages and unread messages of a conversation by folder; when the newest came is one for all.
async fn parts(office: &Office, copy: &Copy) -> BTreeMap<Uuid, (i64, i64)> {
    let thread = [copy.thread_id];
    let parts = office.store.thread_parts(copy.owner_id, &thread).await;
    let parts = parts.unwrap();
    assert!(
        parts
            .windows(2)
            .all(|two| two[0].last_time == two[1].last_time)
    );
    let counts = parts
        .iter()
        .map(|p| (p.folder_id, (p.message_count, p.unread_count)));
    counts.collect()
}

pub(super) async fn conversations_are_listed_by_their_newest_message(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let mut threads = Vec::new();
    for _ in 0..3 {
        threads.push(office.send(&letter(ana, &[bob])).await.thread_id);
    }
    let newest_first = [threads[2], threads[1], threads[0]];
    assert_eq!(listed(&office, bob, FolderRole::Inbox).await, newest_first);
    // An answer brings the oldest to the front, wherever the answer is.
    let oldest = office.inbox(bob).await.swap_remove(2);
    office.send(&letter(bob, &[ana]).answering(&oldest)).await;
    let expected = [threads[0], threads[2], threads[1]];
    assert_eq!(listed(&office, bob, FolderRole::Inbox).await, expected);
    assert_eq!(listed(&office, bob, FolderRole::Sent).await, threads[..1]);
    assert_eq!(listed(&office, ana, FolderRole::Sent).await, expected);
    assert_eq!(listed(&office, ana, FolderRole::Inbox).await, threads[..1]);
    assert_eq!(
        listed(&office, ana, FolderRole::Trash).await,
        [] as [Uuid; 0]
    );
}

pub(super) async fn what_a_conversation_has_is_counted_by_folder(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    office.send(&letter(ana, &[bob])).await;
    let first = office.newest(bob).await;
    let answer = office
        .send(&letter(bob, &[ana, bob]).answering(&first))
        .await;
    let to_self = office.newest(bob).await;
    let (inbox, sent) = (first.folder_id, answer.folder_id);
    let expected = BTreeMap::from([(inbox, (2, 2)), (sent, (1, 0))]);
    assert_eq!(parts(&office, &first).await, expected);
    office.mark_read(&first).await;
    let moved = office.move_to(&to_self, FolderRole::Archive).await.unwrap();
    let expected = BTreeMap::from([(inbox, (1, 0)), (sent, (1, 0)), (moved.folder_id, (1, 1))]);
    assert_eq!(parts(&office, &first).await, expected);
    office.delete(bob, &[first.message_id]).await.unwrap();
    assert_eq!(
        parts(&office, &answer).await.len(),
        2,
        "the empty part is gone"
    );
    office
        .delete(bob, &[answer.message_id, to_self.message_id])
        .await
        .unwrap();
    assert_eq!(parts(&office, &answer).await, BTreeMap::new());
    for owner in [ana, bob] {
        office.audit(owner).await;
    }
}

pub(super) async fn without_its_newest_message_a_conversation_goes_back_in_the_list(
    store: SharedStore,
) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let old = office.send(&letter(ana, &[bob])).await;
    let at_bob = office.newest(bob).await;
    let other = office.send(&letter(ana, &[bob])).await;
    office.send(&letter(ana, &[bob]).answering(&old)).await;
    let newest = office.newest(bob).await;
    assert_eq!(newest.thread_id, at_bob.thread_id);
    let moved = office.move_to(&newest, FolderRole::Archive).await.unwrap();
    let expected = [old.thread_id, other.thread_id];
    assert_eq!(listed(&office, bob, FolderRole::Inbox).await, expected);
    office.delete(bob, &[moved.message_id]).await.unwrap();
    let expected = [other.thread_id, old.thread_id];
    assert_eq!(listed(&office, bob, FolderRole::Inbox).await, expected);
    let part = office
        .store
        .thread_parts(bob, &[old.thread_id])
        .await
        .unwrap();
    assert_eq!(part[0].last_time, at_bob.receive_time);
    assert_eq!(
        listed(&office, bob, FolderRole::Archive).await,
        [] as [Uuid; 0]
    );
    office.audit(bob).await;
}

/// The one to whom the parent is lost is told of the answer in the same conversation, and what is
/// left there counts on.
pub(super) async fn one_who_lost_the_parent_keeps_counting(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    let first = office.send(&letter(ana, &[bob])).await;
    let second = office.send(&letter(ana, &[bob]).answering(&first)).await;
    let inbox = office.inbox(bob).await;
    // Bob has the first one still, but not the one that is answered.
    office.delete(bob, &[inbox[0].message_id]).await.unwrap();
    office.send(&letter(ana, &[bob]).answering(&second)).await;
    let third = office.newest(bob).await;
    assert_eq!(third.in_reply_to, None);
    assert_eq!(third.thread_id, first.thread_id);
    assert_eq!(
        parts(&office, &third).await,
        BTreeMap::from([(third.folder_id, (2, 2))])
    );
    office.audit(bob).await;
}

/// In one batch: a draft comes into another conversation, and is answered there.
pub(super) async fn a_draft_brings_its_conversation_to_those_who_get_an_answer(store: SharedStore) {
    let faulty = FaultyStore::over(store);
    let office = Office::new(Arc::clone(&faulty) as SharedStore);
    let [ana, bob] = people();
    office.send(&letter(bob, &[ana])).await;
    let parent = office.newest(ana).await;
    let draft = office.save(&letter(ana, &[])).await;
    faulty.close();
    let begun = faulty.wanted.load(Ordering::SeqCst);
    let replaced = Some((draft.message_id, draft.etag()));
    let jobs = [
        letter(ana, &[]).save_job(None),
        letter(ana, &[]).answering(&parent).save_job(replaced),
        letter(ana, &[bob]).answering(&draft).job(),
    ];
    let mut results = Vec::new();
    for job in jobs {
        let writer = office.clone();
        let mut result = Box::pin(async move { writer.submit(job).await });
        assert!((&mut result).now_or_never().is_none());
        results.push(result);
        // The writer stands at the first one, and takes the others together.
        office
            .until(|| async { faulty.wanted.load(Ordering::SeqCst) > begun })
            .await;
    }
    faulty.open();
    assert!(join_all(results).await.iter().all(Result::is_ok));
    let received = office.newest(bob).await;
    assert_eq!(received.thread_id, parent.thread_id);
    for owner in [ana, bob] {
        office.audit(owner).await;
    }
}

pub(super) async fn pages_of_conversations_stay_while_mail_arrives(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    for _ in 0..7 {
        office.send(&letter(ana, &[bob])).await;
    }
    let before = listed(&office, bob, FolderRole::Inbox).await;
    let folder = office.folder(bob, FolderRole::Inbox).await.folder_id;
    let (mut seen, mut cursor) = (Vec::new(), Cursor::NEWEST);
    loop {
        let page = office.store.threads(bob, folder, cursor, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        cursor = *last;
        seen.extend(page.iter().map(|place| place.id));
        office.send(&letter(ana, &[bob])).await;
    }
    assert_eq!(seen, before, "each once");
}

pub(super) async fn a_conversation_is_read_oldest_first_page_by_page(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob, cleo] = people();
    let mut parent = office.send(&letter(ana, &[bob])).await;
    for _ in 0..6 {
        parent = office.send(&letter(ana, &[bob]).answering(&parent)).await;
    }
    office.send(&letter(ana, &[bob])).await;
    let mut all = office.inbox(bob).await;
    all.reverse();
    let (thread, one_more) = (parent.thread_id, all.pop().unwrap());
    office.move_to(&all[2], FolderRole::Archive).await.unwrap();
    let read = |cursor, limit| office.store.thread_page(bob, thread, cursor, limit);
    let mut seen = Vec::new();
    let mut cursor = Cursor::OLDEST;
    loop {
        let page = read(cursor, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        cursor = Cursor::after(last);
        seen.extend(ids(&page));
    }
    assert_eq!(seen, ids(&all), "from all folders");
    let wanted = [thread, one_more.thread_id, Uuid::new_v4()];
    for (end, each, expected) in [
        (
            End::Newest,
            2,
            vec![all[5].message_id, all[6].message_id, one_more.message_id],
        ),
        (End::Oldest, 1, vec![all[0].message_id, one_more.message_id]),
        (
            End::Oldest,
            50,
            ids(&all).into_iter().chain([one_more.message_id]).collect(),
        ),
    ] {
        let found = office.store.thread_ends(bob, &wanted, end, each).await;
        let mut found = found.unwrap();
        found.sort_by_key(|copy| copy.receive_time);
        assert_eq!(ids(&found), expected);
    }
    let foreign = office
        .store
        .thread_page(cleo, thread, Cursor::OLDEST, 9)
        .await;
    assert_eq!(foreign.unwrap(), []);
    assert_eq!(office.store.thread_parts(cleo, &wanted).await.unwrap(), []);
}
