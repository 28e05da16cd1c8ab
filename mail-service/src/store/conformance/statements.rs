//! Every statement of every engine, prepared: a run of one engine proves nothing about the other's,
//! and `SQLite` takes a missing parameter for NULL without a word.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Either, Executor, SqlSafeStr, Statement};

use crate::store::{PostgresStore, SqliteStore, postgres, sqlite, statements::SHARED};

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
    async fn postgres_takes_every_statement() {
        if let Some(store) = engines::postgres_store().await {
            prepare_on_postgres(&store).await;
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
