//! What both SQL engines share: time limits, migrations, and what their errors mean.

use std::{future::Future, time::Duration};

use anyhow::anyhow;
use sqlx::{
    Database, Pool,
    migrate::{Migrate, MigrateError, Migrator},
};
use turbomessage_service_kit::{
    health::Writes,
    problem::{Problem, Reason},
};

/// How long to wait for a free connection.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a transaction or a query may take. Nothing here needs longer, and a caller must hear of
/// a database that is frozen before its own time is over.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(4);

/// The answer of `work`, or `STORE_UNAVAILABLE` when `limit` is over.
///
/// # Errors
/// What [`problem`] makes of the failure.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = sqlx::Result<T>>,
) -> Result<T, Problem> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result.map_err(problem),
        Err(_) => Err(Problem::store_unavailable(anyhow!(
            "the database did not answer in {limit:?}"
        ))),
    }
}

/// Notes whether a database took a write that ended so.
pub(crate) fn note<T>(writes: &Writes, result: &Result<T, Problem>) {
    match result {
        Ok(_) => writes.note(true),
        Err(problem) if problem.reason() == Reason::StoreUnavailable => writes.note(false),
        Err(_) => {}
    }
}

/// Fails if a database took no writes of late, though it may answer questions.
///
/// # Errors
/// `STORE_UNAVAILABLE`.
pub(crate) fn check(writes: &Writes) -> Result<(), Problem> {
    if writes.are_taken() {
        Ok(())
    } else {
        Err(Problem::store_unavailable(anyhow!("it takes no writes")))
    }
}

/// What a database's error means for the caller: a statement that cannot work is a fault of ours,
/// anything else a database that does not answer.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what a driver may add is a way of not answering"
)]
pub(crate) fn problem(error: sqlx::Error) -> Problem {
    use sqlx::Error;

    let ours = match &error {
        Error::Database(refusal) => refusal.code().is_some_and(|code| is_our_fault(&code)),
        Error::Configuration(_)
        | Error::InvalidArgument(_)
        | Error::RowNotFound
        | Error::TypeNotFound { .. }
        | Error::ColumnIndexOutOfBounds { .. }
        | Error::ColumnNotFound(_)
        | Error::ColumnDecode { .. }
        | Error::Encode(_)
        | Error::Decode(_) => true,
        _ => false,
    };
    if ours {
        Problem::internal(error)
    } else {
        Problem::store_unavailable(error)
    }
}

/// Postgres' classes 22 (data), 23 (constraints) and 42 (syntax, access); SQLite's primary codes 1
/// (error), 19 (constraint), 20 (mismatch) and 25 (range).
fn is_our_fault(code: &str) -> bool {
    match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 1 | 19 | 20 | 25),
        _ => ["22", "23", "42"]
            .iter()
            .any(|class| code.starts_with(class)),
    }
}

/// Brings the schema behind `pool` up to date; several replicas that do so wait for each
/// other.
///
/// # Errors
/// The database does not answer, or a migration was changed after it had been applied.
pub(crate) async fn migrate<DB: Database>(
    mut migrations: Migrator,
    pool: &Pool<DB>,
) -> Result<(), MigrateError>
where
    DB::Connection: Migrate,
{
    // Another service may keep its tables in the same database.
    migrations.dangerous_set_table_name("auth_migrations");
    // An old replica may start beside a newer one that has migrated already.
    migrations.set_ignore_missing(true);
    migrations.run(pool).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_our_faults_from_the_databases() {
        for code in ["23505", "42P01", "22001", "1", "19", "2067", "1555"] {
            assert!(is_our_fault(code), "{code}");
        }
        for code in [
            "57P01", "53300", "25006", "40001", "08006", "5", "10", "13", "8", "266",
        ] {
            assert!(!is_our_fault(code), "{code}");
        }
    }
}
