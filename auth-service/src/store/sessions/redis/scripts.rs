//! The scripts, and their answers as sessions and revocations. Times are passed as text: Lua would
//! round them.

use anyhow::{Context, anyhow};
use redis::Script;
use turbomessage_service_kit::{clock::Timestamp, problem::Problem};

use super::super::history_expired;
use crate::{
    domain::{DeviceName, RevokedSession, Session},
    store::Revocations,
};

/// Every script.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) open: Script,
    pub(super) check: Script,
    pub(super) list: Script,
    pub(super) revoke: Script,
    pub(super) end_of_log: Script,
    pub(super) revocations: Script,
    pub(super) take_attempt: Script,
    pub(super) give_back_attempt: Script,
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            open: Script::new(include_str!("open.lua")),
            check: Script::new(include_str!("check.lua")),
            list: Script::new(include_str!("list.lua")),
            revoke: Script::new(include_str!("revoke.lua")),
            end_of_log: Script::new(include_str!("end_of_log.lua")),
            revocations: Script::new(include_str!("revocations.lua")),
            take_attempt: Script::new(include_str!("take_attempt.lua")),
            give_back_attempt: Script::new(include_str!("give_back_attempt.lua")),
        }
    }
}

/// A session as the values of the fields that the scripts name, in their order.
pub(super) fn fields(session: &Session) -> [String; 7] {
    [
        session.session_id.to_string(),
        session.account_id.to_string(),
        session.device_name.as_str().to_owned(),
        session.create_time.as_micros().to_string(),
        session.last_seen_time.as_micros().to_string(),
        session.expire_time.as_micros().to_string(),
        session.end_time.as_micros().to_string(),
    ]
}

/// The session that [`fields`] made `parts` of.
pub(super) fn session(parts: &[String]) -> Result<Session, Problem> {
    read_session(parts).map_err(Problem::internal)
}

fn read_session(parts: &[String]) -> anyhow::Result<Session> {
    let [
        session_id,
        account_id,
        device_name,
        created,
        seen,
        expires,
        ends,
    ] = parts
    else {
        return Err(anyhow!("a session of {} fields", parts.len()));
    };
    let time = |text: &str| {
        let micros = text.parse().context("a session's time")?;
        anyhow::Ok(Timestamp::from_micros(micros))
    };
    Ok(Session {
        session_id: session_id.parse().context("a session's id")?,
        account_id: account_id.parse().context("a session's account")?,
        device_name: DeviceName::stored(device_name.clone()),
        create_time: time(created)?,
        last_seen_time: time(seen)?,
        expire_time: time(expires)?,
        end_time: time(ends)?,
    })
}

/// The answer of `revocations.lua`: the log's first and last id, then id, session and account of
/// each entry after `after`.
pub(super) fn revocations(after: &str, parts: &[String]) -> Result<Revocations, Problem> {
    let [first, last, entries @ ..] = parts else {
        // The log itself is gone.
        return Err(history_expired());
    };
    let known = [after, first, last].map(entry_id);
    let [Some(after_id), Some(first_id), Some(last_id)] = known else {
        return Err(history_expired());
    };
    if after_id < first_id || after_id > last_id {
        return Err(history_expired());
    }
    let mut found = Revocations {
        position: after.to_owned(),
        sessions: Vec::new(),
    };
    for entry in entries.chunks_exact(3) {
        entry[0].clone_into(&mut found.position);
        let ids = (entry[1].parse(), entry[2].parse());
        if let (Ok(session_id), Ok(account_id)) = ids {
            found.sessions.push(RevokedSession {
                session_id,
                account_id,
            });
        }
    }
    Ok(found)
}

/// The two numbers of a stream entry's id.
fn entry_id(text: &str) -> Option<(u64, u64)> {
    let (millis, sequence) = text.split_once('-')?;
    Some((millis.parse().ok()?, sequence.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use turbomessage_service_kit::problem::Reason;

    use super::*;

    fn log(after: &str, parts: &[&str]) -> Result<Revocations, Reason> {
        let parts: Vec<_> = parts.iter().map(|p| (*p).to_owned()).collect();
        revocations(after, &parts).map_err(|p| p.reason())
    }

    #[test]
    fn a_position_outside_the_log_has_expired() {
        let expired = Err(Reason::HistoryExpired);
        assert_eq!(log("5-0", &[]), expired, "the log is gone");
        assert_eq!(log("4-9", &["5-0", "7-0"]), expired, "cut off");
        assert_eq!(log("7-1", &["5-0", "7-0"]), expired, "never was");
        assert_eq!(log("12", &["5-0", "7-0"]), expired, "of another store");
        assert_eq!(log("10-0", &["9-0", "10-0"]).unwrap().position, "10-0");
    }

    #[test]
    fn what_is_no_revocation_moves_the_position_on() {
        let found = log("5-0", &["5-0", "7-0", "7-0", "", ""]).unwrap();
        assert_eq!((found.position.as_str(), found.sessions.len()), ("7-0", 0));
    }
}
