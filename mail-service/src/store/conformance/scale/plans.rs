//! How each engine finds what is read: `EXPLAIN` of the very statements.

use sqlx::{AssertSqlSafe, Row as _, postgres::PgArguments, query::Query};
use uuid::Uuid;

use super::{Filled, Scale};
use crate::{
    domain::Cursor,
    mail::parse_query,
    search::{self, Window},
    store::{BlockRange, PostgresStore, SqliteStore, postgres, sqlite, statements},
};

type Statement = Query<'static, sqlx::Postgres, PgArguments>;

impl Scale {
    /// Where the index has the word `rare`, segment by segment.
    async fn rare_ranges(&self, owner: Uuid) -> Vec<BlockRange> {
        let query = parse_query("rare").unwrap();
        let segments = self.library.office.store.segments(owner).await.unwrap();
        let ranges = segments.iter().flat_map(|segment| {
            let ranges = search::ranges(&query.leaves[0], &[], Window::ALL).into_iter();
            ranges.map(|range| BlockRange {
                segment_id: segment.segment_id,
                start: range.start,
                end: range.end,
            })
        });
        ranges.collect()
    }
}

/// What each statement is for, and how PostgreSQL carries it out, with the rows and pages it touches.
pub async fn plans_on_postgres(
    store: &PostgresStore,
    scale: &Scale,
    mailbox: &Filled,
) -> Vec<(&'static str, String)> {
    let (owner, inbox, deep) = (mailbox.owner, mailbox.inbox, mailbox.deep());
    let ranges = scale.rare_ranges(owner).await;
    let explained = |statement: &'static str| -> Statement {
        let options = "ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF";
        sqlx::query(AssertSqlSafe(format!("EXPLAIN ({options}) {statement}")))
    };
    let page = |statement: &'static str, after: Cursor| {
        let statement = explained(statement).bind(owner).bind(inbox);
        let statement = statement.bind(after.time.as_micros()).bind(after.id);
        statement.bind(51_i64)
    };
    let statements = [
        ("the newest page", page(statements::LIST, Cursor::NEWEST)),
        ("a page from the middle", page(statements::LIST, deep)),
        ("folders", explained(statements::FOLDERS).bind(owner)),
        ("conversations", page(statements::THREADS, Cursor::NEWEST)),
        (
            "blocks of the index for a word",
            explained(postgres::BLOCKS)
                .bind(owner)
                .bind(ranges.iter().map(|r| r.segment_id).collect::<Vec<_>>())
                .bind(ranges.iter().map(|r| r.start.clone()).collect::<Vec<_>>())
                .bind(ranges.iter().map(|r| r.end.clone()).collect::<Vec<_>>()),
        ),
        (
            "messages that the index names",
            explained(postgres::COPIES_AT)
                .bind(owner)
                .bind(vec![mailbox.middle.receive_time.as_micros()]),
        ),
    ];
    let mut plans = Vec::new();
    for (what, statement) in statements {
        let rows = statement.fetch_all(store.pool()).await.unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        plans.push((what, lines.join("\n")));
    }
    plans
}

/// What each statement is for, and how `SQLite` carries it out.
pub async fn plans_on_sqlite(store: &SqliteStore) -> Vec<(&'static str, String)> {
    let statements = [
        ("a page", statements::LIST),
        ("folders", statements::FOLDERS),
        ("conversations", statements::THREADS),
        ("blocks of the index for a word", sqlite::BLOCKS),
        ("messages that the index names", sqlite::COPY_AT),
    ];
    let mut plans = Vec::new();
    for (what, statement) in statements {
        let explained = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let rows = sqlx::query(explained)
            .fetch_all(store.pool())
            .await
            .unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        plans.push((what, lines.join("\n")));
    }
    plans
}
