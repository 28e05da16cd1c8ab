//! Databases that an older version left behind, and the thread that writes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::FutureExt;
use tokio::{sync::oneshot, task::JoinSet};
use tokio_util::task::TaskTracker;
use turbomessage_service_kit::clock::SystemClock;

use super::*;
use crate::{
    commit::{Announce, Job, MailboxDefaults, Modify, Writer},
    domain::Fingerprint,
    store::{Kept, SharedStore, rows::pack},
};

/// What was answered to the `n`th request of `owner`: to make a folder.
fn kept(owner: Uuid, n: i64) -> KeptAnswer {
    KeptAnswer {
        request: (owner, Uuid::new_v4()),
        fingerprint: Fingerprint(rand::random()),
        answer: Kept::Folder(Folder {
            owner_id: owner,
            folder_id: Uuid::new_v4(),
            role: None,
            name: format!("folder {n}"),
            total_count: n,
            unread_count: 0,
            change: n,
            create_change: n,
        }),
    }
}

#[tokio::test]
async fn answers_are_given_again_after_an_upgrade() {
    /// The last version of the schema in which answers stood in the order of their ids.
    const BEFORE: i64 = 4;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mail.db");
    let options = SqliteConnectOptions::new().filename(&file);
    let options = options.create_if_missing(true);
    let mut old = options.connect().await.unwrap();
    let migrations = sqlx::migrate!("migrations/sqlite");
    migrations.run_to(BEFORE, &mut old).await.unwrap();
    let [one, other] = [Uuid::new_v4(), Uuid::new_v4()];
    let answers: Vec<KeptAnswer> = (0..500)
        .flat_map(|n| [kept(one, n), kept(other, n)])
        .collect();
    for (time, answer) in (0_i64..).zip(&answers) {
        sqlx::query(sql::INSERT_ANSWER)
            .bind(answer.request.0)
            .bind(answer.request.1)
            .bind(&answer.fingerprint.0[..])
            .bind(pack(&answer.answer))
            .bind(time)
            .execute(&mut old)
            .await
            .unwrap();
    }
    old.close().await.unwrap();

    let store = SqliteStore::open(&file).await.unwrap();
    let requests: Vec<Key> = answers.iter().map(|answer| answer.request).collect();
    let mut transaction = store.begin().await.unwrap();
    let found = transaction.kept_answers(&requests).await.unwrap();
    assert!(found == answers, "{} of {}", found.len(), answers.len());
    // The oldest go first, as those do that the new version kept.
    let half = Timestamp::from_micros(500);
    transaction
        .forget_answers(&[one, other], half)
        .await
        .unwrap();
    let left = transaction.kept_answers(&requests).await.unwrap();
    assert!(left == answers[500..], "{} are left", left.len());
    transaction.rollback().await;
}

async fn opened() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mail.db");
    let store = SqliteStore::open(&file).await.unwrap();
    (folder, store)
}

/// Writes something, and answers with the transaction.
async fn written(store: &SqliteStore, owner: Uuid) -> Box<dyn Transaction> {
    let mut transaction = store.begin().await.unwrap();
    let mailbox = Mailbox {
        owner_id: owner,
        state: crate::domain::MailboxState::Active,
        epoch: Uuid::new_v4(),
        last_change: 1,
        oldest_change: 1,
        last_receive_time: 0,
        message_count: 0,
        used_bytes: 0,
        quota_messages: 1,
        quota_bytes: 1,
        indexed_time: Timestamp::from_micros(0),
    };
    transaction.create_mailboxes(&[mailbox], &[]).await.unwrap();
    transaction
}

#[tokio::test]
async fn a_transaction_is_the_same_at_home_and_elsewhere() {
    let (_folder, store) = opened().await;
    let there = store.clone();
    let work = |kept, given_up, moved| {
        let store = there.clone();
        async move {
            written(&store, Uuid::from_u128(kept))
                .await
                .commit()
                .await
                .unwrap();
            drop(written(&store, Uuid::from_u128(given_up)).await);
            written(&store, Uuid::from_u128(moved)).await
        }
    };
    let from_home = store.home().spawn(work(1, 2, 3)).await.unwrap();
    // Ended where it did not begin, and nobody begins another before.
    from_home.commit().await.unwrap();
    let from_here = work(4, 5, 6).await;
    let task = store.home().spawn(async move { drop(from_here) });
    task.await.unwrap();
    written(&store, Uuid::from_u128(7))
        .await
        .commit()
        .await
        .unwrap();
    let mut kept = Vec::new();
    for n in 1..=7 {
        let found = store.mailbox(Uuid::from_u128(n)).await.unwrap();
        kept.extend(found.map(|_| n));
    }
    assert_eq!(kept, [1, 3, 4, 7]);
}

#[tokio::test]
async fn a_step_at_home_that_panics_is_told_and_undone() {
    let (_folder, store) = opened().await;
    let writer = store.writer.clone();
    let panicking = store.home().spawn(async move {
        let lease = writer.acquire().await.unwrap();
        lease
            .run(|_| -> Result<(), StoreError> { panic!("as it is told") })
            .await
    });
    let told = panicking.await.expect("the task goes on");
    assert!(matches!(told, Err(StoreError::Refused(_))));
    written(&store, Uuid::from_u128(1))
        .await
        .commit()
        .await
        .unwrap();
}

#[tokio::test]
async fn who_commits_on_and_on_gives_others_at_home_a_turn() {
    /// As many rows in a job leave room for few of them in a batch.
    const MANY_ROWS: usize = 1024;

    let (_folder, store) = opened().await;
    let store: SharedStore = Arc::new(store);
    let (clock, tracker) = (SystemClock::shared(), TaskTracker::new());
    let commits = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&commits);
    let announce: Announce = Arc::new(move |_| _ = count.fetch_add(1, Ordering::SeqCst));
    let defaults = MailboxDefaults {
        quota_messages: 1,
        quota_bytes: 1,
        mail_domain: "turbomessage.invalid".into(),
    };
    let writer = Writer::start(&store, &clock, &defaults, &announce, 1, &tracker);
    let mut waiting = JoinSet::new();
    for n in 0..2000 {
        let (writer, owner_id) = (writer.clone(), Uuid::from_u128(n % 8 + 1));
        waiting.spawn(async move {
            let modify = Modify {
                owner_id,
                message_ids: vec![Uuid::nil(); MANY_ROWS],
                read: Some(true),
                ..Modify::default()
            };
            writer.submit(Job::Modify(modify)).await
        });
    }
    while commits.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    // Counted at home, where nothing is committed while this waits for a processor.
    let seen = Arc::clone(&commits);
    let turns = store.home().spawn(async move {
        let mut longest = 0;
        for _ in 0..20 {
            let before = seen.load(Ordering::SeqCst);
            tokio::task::yield_now().await;
            longest = longest.max(seen.load(Ordering::SeqCst) - before);
        }
        longest
    });
    let longest = turns.await.unwrap();
    let all = commits.load(Ordering::SeqCst);
    assert!(all < 500, "{all} commits: there was nothing to wait for");
    assert!(longest <= 3, "{longest} commits before a turn");
}

#[tokio::test]
async fn beside_each_read_another_one_is_let_in_and_no_more() {
    let (_folder, store) = opened().await;
    let readers = &store.readers;
    let mut leases = Vec::new();
    for _ in 0..2 * readers.most() {
        leases.push(readers.acquire().now_or_never().unwrap().unwrap());
    }
    assert_eq!(readers.used(), readers.most());
    assert!(readers.acquire().now_or_never().is_none());
    leases.truncate(readers.most());
    let read = readers.run(|_| Ok(7)).await;
    assert_eq!(read.unwrap(), 7);
    leases.truncate(1);
    assert_eq!(readers.used(), 1);
}

#[tokio::test]
async fn a_read_is_given_up_as_long_as_it_has_not_begun() {
    let (_folder, store) = opened().await;
    let readers = &store.readers;
    let (disk, stands_still) = crossbeam_channel::bounded::<()>(0);
    let mut hanging = JoinSet::new();
    for n in 0..readers.most() {
        let (readers, disk) = (readers.clone(), stands_still.clone());
        let (begins, begun) = oneshot::channel();
        let step = move |_: &Connection| {
            let _ = begins.send(());
            let _ = disk.recv();
            Ok(n)
        };
        hanging.spawn(async move { readers.run(step).await });
        begun.await.unwrap();
    }
    tokio::time::pause();
    let (does, done) = oneshot::channel();
    let next = readers.run(move |_| {
        let _ = does.send(());
        Ok(())
    });
    let told = next.await.unwrap_err();
    assert!(matches!(told, StoreError::Unavailable(_)), "{told}");
    tokio::time::resume();
    drop(disk);
    for read in hanging.join_all().await {
        read.expect("it had begun");
    }
    done.await.expect_err("it was given up");
    assert_eq!(readers.run(|_| Ok(8)).await.unwrap(), 8);
}

#[tokio::test]
async fn every_commit_waits_for_the_disk_but_for_what_is_derived() {
    const NORMAL: i64 = 1;
    const FULL: i64 = 2;

    let (_folder, store) = opened().await;
    let level = async || {
        let level = |connection: &Connection| {
            let level = connection.pragma_query_value(None, "synchronous", |row| row.get(0));
            Ok::<i64, StoreError>(level?)
        };
        store.writer.beside(level).await.unwrap()
    };
    for n in 0..3 {
        let derived = store.begin_derived().await.unwrap();
        assert_eq!(level().await, NORMAL);
        match n {
            0 => derived.commit().await.unwrap(),
            1 => derived.rollback().await,
            _ => drop(derived),
        }
        let durable = store.begin().await.unwrap();
        assert_eq!(level().await, FULL, "{n}");
        durable.commit().await.unwrap();
    }
}
