//! Whose session a token is, with a ticket that says so to the rest of the system.

use std::sync::Arc;

use moka::sync::Cache;
use turbomessage_service_kit::{
    clock::{SharedClock, Timestamp},
    problem::Problem,
    ticket::LIFETIME,
};
use uuid::Uuid;

use crate::{auth::Auth, domain::Session, keys::KeyRing};

/// Tickets remembered at once; a session without one gets a new one.
const MOST_TICKETS: u64 = 100_000;

/// Hands out tickets for sessions.
pub(crate) struct Introspection {
    auth: Arc<Auth>,
    keys: KeyRing,
    clock: SharedClock,
    tickets: Cache<Uuid, Arc<Ticket>>,
}

/// A ticket that was handed out and may be again.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// The signed text.
    pub(crate) text: String,
    /// Until when it is good.
    pub(crate) expire_time: Timestamp,
    key_id: String,
}

impl Introspection {
    /// Tickets for the sessions of `auth`, signed with the first of `keys`.
    pub(crate) fn new(auth: Arc<Auth>, keys: KeyRing) -> Self {
        let clock = Arc::clone(&auth.clock);
        Self {
            auth,
            keys,
            clock,
            tickets: Cache::builder()
                .max_capacity(MOST_TICKETS)
                .time_to_live(LIFETIME)
                .build(),
        }
    }

    /// The session that `token` opens, and a ticket for it. The session is checked each time, so
    /// one that has ended gets no ticket, new or old.
    ///
    /// # Errors
    /// `SESSION_INVALID`.
    pub(crate) async fn introspect(&self, token: &str) -> Result<(Session, Arc<Ticket>), Problem> {
        let session = self.auth.authenticate(Some(token)).await?;
        let ticket = self.ticket(&session);
        Ok((session, ticket))
    }

    /// Signing costs more than the rest of the call: the same ticket serves until half its life is
    /// over, or its key signs no more.
    fn ticket(&self, session: &Session) -> Arc<Ticket> {
        let now = self.clock.now();
        let keys = self.keys.keys();
        let [key, ..] = keys.as_slice() else {
            unreachable!("a key ring holds at least one key")
        };
        if let Some(ticket) = self.tickets.get(&session.session_id)
            && ticket.expire_time.since(now) > LIFETIME / 2
            && ticket.expire_time.since(now) <= LIFETIME
            && ticket.key_id == key.id()
        {
            return ticket;
        }
        let (text, claims) = key.sign(session.account_id, session.session_id, now);
        let ticket = Arc::new(Ticket {
            text,
            expire_time: claims.expire_time,
            key_id: key.id().to_owned(),
        });
        self.tickets.insert(session.session_id, Arc::clone(&ticket));
        ticket
    }

    /// The keys that tickets may be signed with.
    pub(crate) fn keys(&self) -> &KeyRing {
        &self.keys
    }
}
