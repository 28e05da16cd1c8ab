//! What can go wrong with a database, by what to do about it.

use turbomessage_service_kit::problem::Problem;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer, or takes no writes now: the caller may try again.
    #[error("the database is not available")]
    Unavailable(#[source] anyhow::Error),
    /// Another transaction was in the way: the same one again will do.
    #[error("another transaction was in the way")]
    Conflict(#[source] anyhow::Error),
    /// The database refuses this statement or these values: again would not help.
    #[error("the database refuses a statement")]
    Refused(#[source] anyhow::Error),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(cause) | StoreError::Conflict(cause) => {
                Self::store_unavailable(cause)
            }
            StoreError::Refused(cause) => Self::internal(cause),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what a driver may add is a failure to reach the database"
    )]
    fn from(error: sqlx::Error) -> Self {
        let kind = match &error {
            sqlx::Error::Database(database) => by_code(&database.code().unwrap_or_default()),
            sqlx::Error::RowNotFound
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::Encode(_) => Self::Refused,
            _ => Self::Unavailable,
        };
        kind(error.into())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|error| error.extended_code);
        code.map_or(Self::Refused as fn(_) -> _, by_result_code)(error.into())
    }
}

/// `SQLSTATE`s of PostgreSQL (five characters) and extended result codes of SQLite (a number).
fn by_code(code: &str) -> fn(anyhow::Error) -> StoreError {
    if code.len() == 5 {
        return match (code, &code[..2]) {
            // Serialization failure, deadlock, a lock that was not got in time.
            ("40001" | "40P01" | "55P03", _) => StoreError::Conflict,
            // Connections, resources, an operator's intervention, the system, a standby, and a commit of which
            // nobody knows (40003): once more, it could be the second time.
            (_, "08" | "53" | "57" | "58" | "25" | "40") => StoreError::Unavailable,
            _ => StoreError::Refused,
        };
    }
    code.parse()
        .map_or(StoreError::Refused as fn(_) -> _, by_result_code)
}

fn by_result_code(code: i32) -> fn(anyhow::Error) -> StoreError {
    match code & 0xff {
        // SQLITE_BUSY, SQLITE_LOCKED.
        5 | 6 => StoreError::Conflict,
        // SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN.
        8 | 10 | 13 | 14 => StoreError::Unavailable,
        _ => StoreError::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_what_to_do() {
        let kind = |code| by_code(code)(anyhow::anyhow!("x"));
        assert!(matches!(kind("40P01"), StoreError::Conflict(_)), "deadlock");
        assert!(
            matches!(kind("55P03"), StoreError::Conflict(_)),
            "lock timeout"
        );
        assert!(
            matches!(kind("40003"), StoreError::Unavailable(_)),
            "nobody knows whether it was committed"
        );
        assert!(
            matches!(kind("25006"), StoreError::Unavailable(_)),
            "read-only"
        );
        assert!(
            matches!(kind("53100"), StoreError::Unavailable(_)),
            "disk full"
        );
        assert!(matches!(kind("23505"), StoreError::Refused(_)), "unique");
        assert!(matches!(kind("5"), StoreError::Conflict(_)), "SQLITE_BUSY");
        assert!(
            matches!(kind("517"), StoreError::Conflict(_)),
            "SQLITE_BUSY_SNAPSHOT"
        );
        assert!(
            matches!(kind("13"), StoreError::Unavailable(_)),
            "SQLITE_FULL"
        );
        assert!(
            matches!(kind("2067"), StoreError::Refused(_)),
            "SQLITE_CONSTRAINT_UNIQUE"
        );
    }
}
