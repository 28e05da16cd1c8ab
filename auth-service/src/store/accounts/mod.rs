//! Accounts in SQL: one set of statements and one implementation for both engines.

mod postgres;
mod rows;
mod shared;
mod sqlite;
pub(crate) mod statements;

pub(crate) use postgres::PostgresAccounts;
pub(crate) use sqlite::SqliteAccounts;
