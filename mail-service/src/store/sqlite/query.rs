//! Carrying out statements where a connection lives. Parameters go by their places, rows by the order of their columns.

use rusqlite::{CachedStatement, Connection, Params, Row};
use turbomessage_service_kit::telemetry::database;

use crate::store::StoreError;

/// Does what a statement is there for, within a span for it.
fn traced<T>(sql: &str, work: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, StoreError> {
    let span = database::statement("sqlite", sql);
    let done = span.in_scope(work);
    if done.is_err() {
        database::failed(&span, "refused");
    }
    Ok(done?)
}

/// `SQLite` takes `$3` as the name of the parameter that is the third to be named, whatever that is.
fn prepared<'c>(connection: &'c Connection, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
    let statement = connection.prepare_cached(sql)?;
    debug_assert!(
        (1..=statement.parameter_count())
            .all(|n| statement.parameter_name(n) == Some(&format!("${n}"))),
        "parameters are named in their order: {sql}"
    );
    Ok(statement)
}

/// Carries out a statement; answers how many rows it changed.
pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<usize, StoreError> {
    traced(sql, || prepared(connection, sql)?.execute(parameters))
}

/// Carries out a statement once for each of `rows`; answers how many rows it changed.
pub(super) fn each<'r, T: 'r>(
    connection: &Connection,
    sql: &str,
    rows: impl IntoIterator<Item = &'r T>,
    mut execute: impl FnMut(&mut CachedStatement<'_>, &'r T) -> rusqlite::Result<usize>,
) -> Result<usize, StoreError> {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return Ok(0);
    }
    traced(sql, || {
        let mut statement = prepared(connection, sql)?;
        let mut changed = 0;
        for row in rows {
            changed += execute(&mut statement, row)?;
        }
        Ok(changed)
    })
}

/// The rows that a statement finds.
pub(super) fn fetch<P, R>(
    connection: &Connection,
    sql: &str,
    parameters: P,
) -> Result<Vec<R>, StoreError>
where
    P: Params,
    R: for<'r> TryFrom<&'r Row<'r>, Error = rusqlite::Error>,
{
    traced(sql, || {
        let mut found = Vec::new();
        read(&mut prepared(connection, sql)?, parameters, &mut found)?;
        Ok(found)
    })
}

/// The row that a statement finds, if it finds any.
pub(super) fn one<P, R>(
    connection: &Connection,
    sql: &str,
    parameters: P,
) -> Result<Option<R>, StoreError>
where
    P: Params,
    R: for<'r> TryFrom<&'r Row<'r>, Error = rusqlite::Error>,
{
    Ok(fetch(connection, sql, parameters)?.into_iter().next())
}

/// The rows that a statement finds for each of `keys`, all together.
pub(super) fn look_up<K, P, R>(
    connection: &Connection,
    sql: &str,
    keys: &[K],
    parameters: impl Fn(&K) -> P,
) -> Result<Vec<R>, StoreError>
where
    P: Params,
    R: for<'r> TryFrom<&'r Row<'r>, Error = rusqlite::Error>,
{
    traced(sql, || {
        let mut statement = prepared(connection, sql)?;
        let mut found = Vec::new();
        for key in keys {
            read(&mut statement, parameters(key), &mut found)?;
        }
        Ok(found)
    })
}

/// The rows that a statement finds for each of `keys`, in the order of the keys.
pub(super) fn look_up_each<K, P, R>(
    connection: &Connection,
    sql: &str,
    keys: &[K],
    parameters: impl Fn(&K) -> P,
) -> Result<Vec<Vec<R>>, StoreError>
where
    P: Params,
    R: for<'r> TryFrom<&'r Row<'r>, Error = rusqlite::Error>,
{
    traced(sql, || {
        let mut statement = prepared(connection, sql)?;
        let of = |key| {
            let mut found = Vec::new();
            read(&mut statement, parameters(key), &mut found)?;
            Ok(found)
        };
        keys.iter().map(of).collect()
    })
}

fn read<P, R>(
    statement: &mut CachedStatement<'_>,
    parameters: P,
    found: &mut Vec<R>,
) -> rusqlite::Result<()>
where
    P: Params,
    R: for<'r> TryFrom<&'r Row<'r>, Error = rusqlite::Error>,
{
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        found.push(R::try_from(row)?);
    }
    Ok(())
}
