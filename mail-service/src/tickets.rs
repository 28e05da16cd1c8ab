//! Who calls: mail-service trusts tickets only, never a bare header.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::{sync::Mutex, time::Instant};
use tonic::metadata::MetadataMap;
use turbomessage_proto::auth_internal_v1::{
    ListTicketKeysRequest, session_service_client::SessionServiceClient,
};
use turbomessage_service_kit::{
    clock::SharedClock,
    problem::{Problem, Reason},
    telemetry::metrics,
    ticket::{self, Claims, PublicKey, Refused},
    upstream::{GrpcService, Upstream},
};

/// Tickets remembered as verified: checking a signature costs more than the rest of a call.
const REMEMBERED: u64 = 100_000;
/// How often the keys are asked for anew, so that one that was taken back is forgotten.
const KEYS_FRESH: Duration = Duration::from_secs(60);
/// How often at the most a ticket with an unknown key makes us ask.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Checks tickets.
#[derive(Debug, Clone)]
pub(crate) struct Tickets {
    client: SessionServiceClient<GrpcService>,
    clock: SharedClock,
    keys: Arc<RwLock<Arc<[PublicKey]>>>,
    asked: Arc<Mutex<Option<Instant>>>,
    verified: Cache<[u8; 32], Claims>,
}

impl Tickets {
    /// Checks tickets of the auth-service at `auth`.
    #[must_use]
    pub(crate) fn new(auth: &Upstream, clock: SharedClock) -> Self {
        Self {
            client: SessionServiceClient::new(auth.calls()),
            clock,
            keys: Arc::new(RwLock::new(Arc::new([]))),
            asked: Arc::new(Mutex::new(None)),
            verified: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(ticket::LIFETIME)
                .build(),
        }
    }

    /// Who makes the call with this metadata.
    ///
    /// # Errors
    /// `SESSION_INVALID` without a good ticket, whatever is wrong with it; `UPSTREAM_UNAVAILABLE`
    /// if auth-service cannot be asked for the keys.
    pub(crate) async fn caller(&self, metadata: &MetadataMap) -> Result<Claims, Problem> {
        let invalid = || Problem::new(Reason::SessionInvalid);
        let ticket = metadata.get(ticket::HEADER).and_then(|v| v.to_str().ok());
        let ticket = ticket.ok_or_else(invalid)?;
        let digest: [u8; 32] = Sha256::digest(ticket).into();
        let now = self.clock.now();
        if let Some(claims) = self.verified.get(&digest)
            && now < claims.expire_time
        {
            metrics::cache_asked("tickets", true);
            return Ok(claims);
        }
        metrics::cache_asked("tickets", false);
        self.ask_for_keys(KEYS_FRESH, false).await?;
        let mut result = ticket::verify(ticket, &self.keys(), now);
        if result == Err(Refused::UnknownKey) {
            self.ask_for_keys(ASK_AGAIN, true).await?;
            result = ticket::verify(ticket, &self.keys(), now);
        }
        let claims = result.map_err(|refused| {
            tracing::info!(ticket.refused = %refused, "ticket refused");
            invalid()
        })?;
        self.verified.insert(digest, claims);
        Ok(claims)
    }

    fn keys(&self) -> Arc<[PublicKey]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fetches the keys, unless that was done within `fresh`. Old keys serve while auth-service is
    /// away, unless `needed`.
    async fn ask_for_keys(&self, fresh: Duration, needed: bool) -> Result<(), Problem> {
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|at| at.elapsed() < fresh) {
            return Ok(());
        }
        let response = match self
            .client
            .clone()
            .list_ticket_keys(ListTicketKeysRequest {})
            .await
        {
            Ok(response) => response.into_inner(),
            Err(_) if !needed && !self.keys().is_empty() => return Ok(()),
            Err(status) => return Err(Problem::upstream_unavailable(status)),
        };
        let keys: Result<Vec<PublicKey>, _> = response
            .keys
            .into_iter()
            .map(|key| PublicKey::new(key.key_id, &key.public_key))
            .collect();
        let keys = keys.map_err(Problem::internal)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
        *asked = Some(Instant::now());
        Ok(())
    }
}
