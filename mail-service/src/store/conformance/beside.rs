//! What PostgreSQL alone can show: who waits for whom while several write, and what is on the disk when.

use std::sync::Arc;

use sqlx::{Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use super::{letter::letter, office::people, sample, search::Library};
use crate::{
    search::Block,
    store::{MailStore as _, PostgresStore, Segment, SharedStore},
};

/// As many messages as make a segment.
const SEGMENT: usize = 64;

/// A transaction in the way of others.
struct Obstacle(PgConnection);

impl Obstacle {
    /// Adds a row and does not commit it.
    async fn of(store: &PostgresStore, statement: &'static str, ids: [Uuid; 2]) -> Self {
        let mut connection = store.pool().acquire().await.unwrap().detach();
        sqlx::raw_sql("BEGIN")
            .execute(&mut connection)
            .await
            .unwrap();
        let statement = sqlx::query(statement).bind(ids[0]).bind(ids[1]);
        statement.execute(&mut connection).await.unwrap();
        Self(connection)
    }

    /// Until somebody waits for it.
    async fn until_hit(&mut self) {
        let waiting = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = \
                       ANY(pg_blocking_pids(pid)))";
        loop {
            let row = sqlx::query(waiting).fetch_one(&mut self.0).await.unwrap();
            if row.get(0) {
                return;
            }
        }
    }

    async fn remove(self) {
        self.0.close().await.unwrap();
    }
}

/// Tries it on a store that nobody else uses.
///
/// # Panics
/// One of these promises is broken.
pub async fn check(store: &PostgresStore) {
    let shared: SharedStore = Arc::new(store.clone());
    let library = Library::new(shared);
    sends_do_not_wait_while_a_segment_is_written(store, &library).await;
    sends_do_not_wait_while_segments_are_merged(store, &library).await;
    what_is_committed_is_on_the_disk_whatever_was_derived_before(store).await;
}

async fn send(library: &Library, from: Uuid, to: Uuid, count: usize) {
    let one = |n: usize| letter(from, &[to]).with_text(format!("word{n}"));
    let letters: Vec<_> = (0..count).map(one).collect();
    let sends = letters.iter().map(|letter| library.office.send(letter));
    futures::future::join_all(sends).await;
}

async fn sends_do_not_wait_while_a_segment_is_written(store: &PostgresStore, library: &Library) {
    let [ana, ben] = people();
    send(library, ana, ben, SEGMENT).await;
    let statement = "INSERT INTO correspondents (owner_id, account_id) VALUES ($1, $2)";
    let mut obstacle = Obstacle::of(store, statement, [ben, ana]).await;
    let indexing = tokio::spawn({
        let library = library.clone();
        async move { library.index(ben).await }
    });
    obstacle.until_hit().await;
    send(library, ana, ben, 1).await;
    assert!(!indexing.is_finished(), "it stands before the obstacle");
    obstacle.remove().await;
    indexing.await.unwrap();
    assert_eq!(library.segments(ben).await, 1);
}

async fn sends_do_not_wait_while_segments_are_merged(store: &PostgresStore, library: &Library) {
    let [ana, ben] = people();
    send(library, ana, ben, SEGMENT).await;
    library.index(ben).await;
    let segments = library.office.store.segments(ben).await.unwrap();
    let new = Segment {
        segment_id: Uuid::new_v4(),
        ..segments[0]
    };
    assert!(library.indexer.begin_segment(&new).await.unwrap());
    let statement =
        "INSERT INTO search_blocks (owner_id, segment_id, first_key, data) VALUES ($1, $2, '', '')";
    let mut obstacle = Obstacle::of(store, statement, [ben, new.segment_id]).await;
    let merging = tokio::spawn({
        let indexer = library.indexer.clone();
        async move { indexer.write(&new, &[Block::default()]).await }
    });
    obstacle.until_hit().await;
    send(library, ana, ben, 1).await;
    assert!(!merging.is_finished(), "it stands before the obstacle");
    obstacle.remove().await;
    assert!(merging.await.unwrap().unwrap());
}

async fn what_is_committed_is_on_the_disk_whatever_was_derived_before(store: &PostgresStore) {
    const WRITTEN: &str = "SELECT pg_current_wal_insert_lsn()::text";
    const ON_DISK: &str = "SELECT pg_current_wal_flush_lsn() >= $1::text::pg_lsn";

    let mut late = 0;
    for _ in 0..50 {
        for is_derived in [true, false] {
            let begun = if is_derived {
                store.begin_derived().await
            } else {
                store.begin().await
            };
            let mut transaction = begun.unwrap();
            let mailbox = sample::mailbox(Uuid::new_v4());
            transaction.create_mailboxes(&[mailbox], &[]).await.unwrap();
            let written: String = sqlx::query_scalar(WRITTEN)
                .fetch_one(store.pool())
                .await
                .unwrap();
            transaction.commit().await.unwrap();
            let on_disk: bool = sqlx::query_scalar(ON_DISK)
                .bind(written)
                .fetch_one(store.pool())
                .await
                .unwrap();
            assert!(on_disk || is_derived, "it was acknowledged before");
            late += i32::from(!on_disk);
        }
    }
    assert!(late > 0, "what was derived was waited for");
}
