//! Spans of what calls ask of databases. They are made where traces are sent, and cost next to nothing
//! where they are not. Work that belongs to no call has none.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing::{Span, field::Empty};

/// A span for a statement of ours, whose parameters are not in its text.
#[must_use]
pub fn statement(system: &'static str, sql: &str) -> Span {
    if !is_traced() {
        return Span::none();
    }
    let summary = summary(sql);
    tracing::debug_span!(
        "statement",
        otel.name = summary,
        otel.kind = "client",
        otel.status_code = Empty,
        db.system.name = system,
        db.query.summary = summary,
        db.query.text = sql,
        error.r#type = Empty,
    )
}

/// A span for a command, or a script of ours, that Redis carries out.
#[must_use]
pub fn redis(operation: &'static str) -> Span {
    if !is_traced() {
        return Span::none();
    }
    tracing::debug_span!(
        "redis",
        otel.name = operation,
        otel.kind = "client",
        otel.status_code = Empty,
        db.system.name = "redis",
        db.operation.name = operation,
        error.r#type = Empty,
    )
}

/// Whether spans are sent at all. Asking `span_enabled!` instead would leave what it found behind for the
/// next span of this thread, where layers differ in what they want.
static SENT: AtomicBool = AtomicBool::new(false);

pub(super) fn spans_are_sent() {
    SENT.store(true, Ordering::Relaxed);
}

fn is_traced() -> bool {
    SENT.load(Ordering::Relaxed) && !Span::current().is_none()
}

/// Notes on `span` that it failed, and how.
pub fn failed(span: &Span, error_type: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", error_type);
}

/// What a statement does, and to which table first: `SELECT copies`.
fn summary(sql: &str) -> String {
    let mut words = sql.split([' ', '\n', '(', ',']).filter(|w| !w.is_empty());
    let operation = words.next().unwrap_or_default();
    let mut table = None;
    let mut before = operation;
    for word in words {
        let is_name = word.starts_with(|c: char| c.is_ascii_lowercase());
        let names = matches!(before, "FROM" | "INTO" | "UPDATE" | "JOIN");
        // What goes into a statement as a set is no table.
        if names && is_name && word != "json_each" {
            table = Some(word);
            break;
        }
        before = word;
    }
    match table {
        Some(table) => format!("{operation} {table}"),
        None => operation.to_owned(),
    }
}

#[cfg(feature = "sql")]
pub use self::sql::traced;

#[cfg(feature = "sql")]
mod sql {
    use std::task::Poll;

    use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream, stream::BoxStream};
    use sqlx::{Database, Either, Error, Execute, Executor, SqlStr, error::BoxDynError};
    use tracing::{Instrument as _, Span};

    /// `executor`, with a span for every statement that it carries out.
    pub fn traced<E>(executor: E) -> Traced<E> {
        Traced(executor)
    }

    /// See [`traced`].
    #[derive(Debug)]
    pub struct Traced<E>(E);

    impl<'c, E: Executor<'c>> Executor<'c> for Traced<E> {
        type Database = E::Database;

        fn fetch_many<'e, 'q: 'e, Q>(
            self,
            query: Q,
        ) -> BoxStream<
            'e,
            Result<
                Either<<E::Database as Database>::QueryResult, <E::Database as Database>::Row>,
                Error,
            >,
        >
        where
            'c: 'e,
            Q: 'q + Execute<'q, E::Database>,
        {
            let (span, query) = opened::<E::Database, _>(query);
            let mut found = span.in_scope(|| self.0.fetch_many(query));
            if span.is_none() {
                return found;
            }
            stream::poll_fn(move |cx| {
                let next = span.in_scope(|| found.poll_next_unpin(cx));
                if let Poll::Ready(Some(Err(error))) = &next {
                    super::failed(&span, kind(error));
                }
                next
            })
            .boxed()
        }

        fn fetch_optional<'e, 'q: 'e, Q>(
            self,
            query: Q,
        ) -> BoxFuture<'e, Result<Option<<E::Database as Database>::Row>, Error>>
        where
            'c: 'e,
            Q: 'q + Execute<'q, E::Database>,
        {
            let (span, query) = opened::<E::Database, _>(query);
            let found = self.0.fetch_optional(query);
            if span.is_none() {
                return found;
            }
            let noted = span.clone();
            found
                .inspect(move |found| {
                    if let Err(error) = found {
                        super::failed(&noted, kind(error));
                    }
                })
                .instrument(span)
                .boxed()
        }

        fn prepare_with<'e>(
            self,
            sql: SqlStr,
            parameters: &'e [<E::Database as Database>::TypeInfo],
        ) -> BoxFuture<'e, Result<<E::Database as Database>::Statement, Error>>
        where
            'c: 'e,
        {
            self.0.prepare_with(sql, parameters)
        }

        fn describe<'e>(
            self,
            sql: SqlStr,
        ) -> BoxFuture<'e, Result<sqlx::Describe<E::Database>, Error>>
        where
            'c: 'e,
        {
            self.0.describe(sql)
        }
    }

    /// A query whose text has been looked at.
    struct Opened<A> {
        sql: SqlStr,
        arguments: Option<Result<Option<A>, BoxDynError>>,
        persistent: bool,
    }

    fn opened<'q, D: Database, Q: Execute<'q, D>>(mut query: Q) -> (Span, Opened<D::Arguments>) {
        let arguments = Some(query.take_arguments());
        let persistent = query.persistent();
        let sql = query.sql();
        let system = if D::NAME == "SQLite" {
            "sqlite"
        } else {
            "postgresql"
        };
        let span = super::statement(system, sql.as_str());
        let opened = Opened {
            sql,
            arguments,
            persistent,
        };
        (span, opened)
    }

    impl<D: Database> Execute<'_, D> for Opened<D::Arguments> {
        fn sql(self) -> SqlStr {
            self.sql
        }

        fn statement(&self) -> Option<&D::Statement> {
            None
        }

        fn take_arguments(&mut self) -> Result<Option<D::Arguments>, BoxDynError> {
            self.arguments.take().unwrap_or(Ok(None))
        }

        fn persistent(&self) -> bool {
            self.persistent
        }
    }

    /// What went wrong, in a word of few.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what a driver may add is something else"
    )]
    fn kind(error: &Error) -> &'static str {
        match error {
            Error::Database(_) => "refused",
            Error::Io(_) | Error::Tls(_) | Error::WorkerCrashed => "connection",
            Error::PoolTimedOut | Error::PoolClosed => "pool",
            _ => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_summed_up_by_what_it_does_to_which_table() {
        for (sql, expected) in [
            ("SELECT a, b FROM copies WHERE x = $1", "SELECT copies"),
            (
                "INSERT INTO contents (a) SELECT * FROM UNNEST($1)",
                "INSERT contents",
            ),
            ("UPDATE folders SET a = 1", "UPDATE folders"),
            ("DELETE FROM orphans WHERE x = ANY($1)", "DELETE orphans"),
            (
                "SELECT a FROM json_each($1) CROSS JOIN copies ON b",
                "SELECT copies",
            ),
            (
                "SELECT a FROM UNNEST($1) AS k (x) JOIN answers ON y",
                "SELECT answers",
            ),
            ("BEGIN IMMEDIATE", "BEGIN"),
            ("COMMIT", "COMMIT"),
        ] {
            assert_eq!(summary(sql), expected);
        }
    }
}
