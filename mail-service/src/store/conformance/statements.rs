//! Every statement of every engine, prepared: a run of one engine proves nothing about the other's,
//! and `SQLite` takes a missing parameter for NULL without a word. And explained: none reads a table
//! from end to end.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Either, Executor, Row as _, SqlSafeStr, Statement};

use crate::store::{
    PostgresStore, SqliteStore, postgres, sqlite,
    statements::{HISTORY_CUT, PURGE, RESTORE_FORGET, RESTORE_HISTORIES, SHARED, SOME_COPIES},
};

/// Prepares every statement on `SQLite`.
pub async fn prepare_on_sqlite(store: &SqliteStore) {
    let mut connection = store.pool().acquire().await.unwrap();
    for &statement in SHARED.iter().chain(sqlite::OWN) {
        let sql = AssertSqlSafe(statement).into_sql_str();
        let prepared = connection.prepare(sql).await;
        let prepared = prepared.unwrap_or_else(|error| panic!("{statement}: {error}"));
        let Some(Either::Right(parameters)) = prepared.parameters() else {
            panic!("SQLite counts parameters");
        };
        assert_eq!(parameters, parameters_of(statement), "{statement}");
    }
}

/// Prepares every statement on PostgreSQL.
pub async fn prepare_on_postgres(store: &PostgresStore) {
    let mut connection = store.pool().acquire().await.unwrap();
    for &statement in SHARED.iter().chain(postgres::OWN) {
        let sql = AssertSqlSafe(statement).into_sql_str();
        let prepared = connection.prepare(sql).await;
        let prepared = prepared.unwrap_or_else(|error| panic!("{statement}: {error}"));
        let Some(Either::Left(parameters)) = prepared.parameters() else {
            panic!("PostgreSQL names the types of parameters");
        };
        assert_eq!(parameters.len(), parameters_of(statement), "{statement}");
    }
}

/// Tables of which a mailbox may have a million rows.
const LARGE: &[&str] = &[
    "answers",
    "changes",
    "copies",
    "labelled",
    "search_blocks",
    "search_segments",
    "threads",
];
/// An index that holds few of a mailbox's rows, however many there are.
const FEW: &str = "INDEX search_segments_used ";

/// On `SQLite`, every statement finds the rows it is about by an index, and by more of it than the
/// owner where a mailbox may have many.
pub async fn use_indexes_on_sqlite(store: &SqliteStore) {
    let mut slow = Vec::new();
    for &statement in SHARED.iter().chain(sqlite::OWN) {
        let explained = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let rows = sqlx::query(explained).fetch_all(store.pool()).await;
        let steps = rows.unwrap().into_iter().map(|row| row.get("detail"));
        let steps: Vec<String> = steps.collect();
        let is_slow = |step: &String| {
            let reads_all = step.strip_prefix("SCAN ").is_some_and(|table| {
                !table.contains("VIRTUAL TABLE") && !table.contains("USING") && !is_small(table)
            });
            let table = step.split_whitespace().nth(1).unwrap_or_default();
            let reads_mailbox =
                step.ends_with("(owner_id=?)") && LARGE.contains(&table) && !step.contains(FEW);
            reads_all || reads_mailbox && !is_about_all(statement)
        };
        if steps.iter().any(is_slow) && !is_about_everybody(statement) {
            slow.push((statement, steps));
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

/// On PostgreSQL, every statement can find the rows it is about by an index, and by more of it than
/// the owner where a mailbox may have many.
pub async fn use_indexes_on_postgres(store: &PostgresStore) {
    let mut transaction = store.pool().begin().await.unwrap();
    // The tables of a test are so small that it would read them whole.
    let settings = "SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan";
    transaction.execute(settings).await.unwrap();
    let mut slow = Vec::new();
    for &statement in SHARED.iter().chain(postgres::OWN) {
        let nulls = vec!["NULL"; parameters_of(statement)].join(", ");
        let of_none = if nulls.is_empty() {
            nulls
        } else {
            format!("({nulls})")
        };
        let explained = format!(
            "PREPARE explained AS {statement}; EXPLAIN EXECUTE explained{of_none}; DEALLOCATE explained"
        );
        let rows = transaction.fetch_all(AssertSqlSafe(explained)).await;
        let rows = rows.unwrap_or_else(|error| panic!("{statement}: {error}"));
        let steps: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let is_slow = |step: &String| {
            let table = step.split_once("Seq Scan on ").map(|(_, table)| table);
            table.is_some_and(|table| !is_small(table))
        };
        if steps.iter().any(is_slow) && !is_about_everybody(statement) {
            slow.push((statement, steps));
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

/// Whether a table, whose name `text` begins with, has one row or holds only what is to be done; or is
/// the outcome, cut to size, of another step.
fn is_small(text: &str) -> bool {
    let small = ["feed", "orphans", "found"];
    small.iter().any(|name| text.starts_with(name))
}

/// Whether the statement is to read or remove all that a mailbox has, or some of it, whichever comes
/// first.
fn is_about_all(statement: &str) -> bool {
    PURGE.contains(&statement) || [SOME_COPIES, HISTORY_CUT].contains(&statement)
}

/// Whether the statement is about everybody, once in the life of a backup.
fn is_about_everybody(statement: &str) -> bool {
    [RESTORE_HISTORIES, RESTORE_FORGET].contains(&statement)
}

/// How many parameters the statement names; they are numbered from 1 without a gap.
fn parameters_of(statement: &str) -> usize {
    let numbers: BTreeSet<usize> = statement
        .split('$')
        .skip(1)
        .map(|after| {
            let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap()
        })
        .collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len()), "{statement}");
    numbers.len()
}

#[cfg(test)]
mod tests {
    use super::{super::engines, *};

    #[tokio::test]
    async fn sqlite_takes_every_statement() {
        prepare_on_sqlite(&engines::Sqlite::open().await.store).await;
    }

    #[tokio::test]
    async fn sqlite_finds_everything_by_an_index() {
        use_indexes_on_sqlite(&engines::Sqlite::open().await.store).await;
    }

    #[tokio::test]
    async fn postgres_takes_every_statement() {
        if let Some(store) = engines::postgres_store().await {
            prepare_on_postgres(&store).await;
            use_indexes_on_postgres(&store).await;
        }
    }

    #[test]
    fn no_statement_is_left_out() {
        let in_file = |file: &str| file.matches(": &str =").count();
        let groups = |file: &str| file.matches(": [&str; 9] =").count() * 9;
        let shared = include_str!("../statements.rs");
        assert_eq!(in_file(shared) + groups(shared), SHARED.len());
        assert_eq!(in_file(include_str!("../sqlite/sql.rs")), sqlite::OWN.len());
        assert_eq!(
            in_file(include_str!("../postgres/sql.rs")),
            postgres::OWN.len()
        );
    }
}
