//! Sessions in Redis: a hash a session, an index an account, a stream as the log of revocations.
//! Scripts make each step atomic and one round trip. They name keys that they find in an index, so
//! this wants one primary (with replicas, if any), not a cluster.

mod bell;
mod keys;
mod link;
mod scripts;

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use turbomessage_service_kit::{clock::Timestamp, problem::Problem};
use uuid::Uuid;

use self::{link::Link, scripts::Scripts};
use super::wait_for;
use crate::{
    domain::{Session, TokenHash},
    store::{Limit, REVOCATIONS_AT_ONCE, Revocations, SessionStore, Which, Window},
};

/// How much later than it expires Redis forgets a session, so that clocks may differ: expiry is
/// decided by the times kept in the value.
const SLACK: Duration = Duration::from_secs(600);
/// About how many revocations are kept for readers that were away.
const HISTORY: u32 = 100_000;

/// Sessions in Redis.
#[derive(Debug)]
pub(crate) struct RedisSessions {
    link: Link,
    scripts: Scripts,
    revoked: watch::Sender<()>,
}

impl RedisSessions {
    /// Sessions in the server that `client` names. It is connected to when it is first asked, and
    /// again whenever it is lost. Until `shutdown` a connection of its own listens to the log of
    /// revocations.
    pub(crate) fn open(client: &redis::Client, shutdown: CancellationToken) -> Self {
        let revoked = watch::Sender::new(());
        tokio::spawn(bell::ring(client.clone(), revoked.clone(), shutdown));
        Self {
            link: Link::new(client.clone()),
            scripts: Scripts::default(),
            revoked,
        }
    }

    async fn read_log(&self, after: &str) -> Result<Revocations, Problem> {
        let mut call = self.scripts.revocations.prepare_invoke();
        call.key(keys::REVOCATIONS)
            .arg(after)
            .arg(REVOCATIONS_AT_ONCE);
        let parts: Vec<String> = self.link.read(&call).await?;
        scripts::revocations(after, &parts)
    }
}

#[async_trait::async_trait]
impl SessionStore for RedisSessions {
    async fn open(&self, session: &Session, token: &TokenHash) -> Result<(), Problem> {
        let lives = |until: Timestamp| millis(until.since(session.create_time) + SLACK);
        let mut call = self.scripts.open.prepare_invoke();
        call.key(keys::session(token))
            .key(keys::sessions_of(session.account_id))
            .arg(keys::SESSION)
            .arg(hex::encode(token.as_bytes()))
            .arg(session.create_time.as_micros())
            .arg(lives(session.expire_time))
            .arg(lives(session.end_time));
        for field in scripts::fields(session) {
            call.arg(field);
        }
        let _: i64 = self.link.write(&call).await?;
        Ok(())
    }

    async fn check(
        &self,
        token: &TokenHash,
        now: Timestamp,
        idle: Duration,
    ) -> Result<Option<Session>, Problem> {
        let mut call = self.scripts.check.prepare_invoke();
        call.key(keys::session(token))
            .arg(now.as_micros())
            .arg(now.plus(idle).as_micros())
            .arg(Session::TOUCH_AFTER.as_micros().to_string())
            .arg(millis(SLACK));
        let parts: Option<Vec<String>> = self.link.read(&call).await?;
        parts.map(|parts| scripts::session(&parts)).transpose()
    }

    async fn list(&self, account_id: Uuid, now: Timestamp) -> Result<Vec<Session>, Problem> {
        let mut call = self.scripts.list.prepare_invoke();
        call.key(keys::sessions_of(account_id))
            .arg(keys::SESSION)
            .arg(now.as_micros());
        let rows: Vec<Vec<String>> = self.link.read(&call).await?;
        let sessions: Result<Vec<_>, _> = rows.iter().map(|row| scripts::session(row)).collect();
        let mut sessions = sessions?;
        sessions.sort_by_key(|s| std::cmp::Reverse((s.last_seen_time, s.session_id)));
        Ok(sessions)
    }

    async fn revoke(&self, account_id: Uuid, which: Which, now: Timestamp) -> Result<u32, Problem> {
        let text = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        let (one, but) = match which {
            Which::One(id) => (Some(id), None),
            Which::AllBut(id) => (None, Some(id)),
            Which::All => (None, None),
        };
        let mut call = self.scripts.revoke.prepare_invoke();
        call.key(keys::sessions_of(account_id))
            .key(keys::REVOCATIONS)
            .arg(keys::SESSION)
            .arg(now.as_micros())
            .arg(account_id.to_string())
            .arg(text(one))
            .arg(text(but))
            .arg(HISTORY);
        let ended = self.link.write(&call).await?;
        self.revoked.send_replace(());
        Ok(ended)
    }

    async fn revocations_after(
        &self,
        position: Option<&str>,
        wait: Duration,
    ) -> Result<Revocations, Problem> {
        let Some(position) = position else {
            let mut call = self.scripts.end_of_log.prepare_invoke();
            call.key(keys::REVOCATIONS);
            return Ok(Revocations {
                position: self.link.read(&call).await?,
                sessions: Vec::new(),
            });
        };
        wait_for(self.revoked.subscribe(), wait, || self.read_log(position)).await
    }

    async fn take_attempt(&self, limits: &[Limit], window: Window) -> Result<bool, Problem> {
        let mut call = self.scripts.take_attempt.prepare_invoke();
        call.arg(millis(window.end.since(window.start) + SLACK));
        for limit in limits {
            call.key(keys::attempts(&limit.scope, window))
                .arg(limit.most);
        }
        self.link.write(&call).await
    }

    async fn give_back_attempt(&self, limits: &[Limit], window: Window) -> Result<(), Problem> {
        let mut call = self.scripts.give_back_attempt.prepare_invoke();
        for limit in limits {
            call.key(keys::attempts(&limit.scope, window));
        }
        let _: i64 = self.link.write(&call).await?;
        Ok(())
    }

    async fn clean_up(&self, _now: Timestamp) -> Result<(), Problem> {
        // Every key has a time to live, and the stream a length.
        Ok(())
    }

    async fn ping(&self) -> Result<(), Problem> {
        self.link.ping().await
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
