//! The keys that sign tickets, read again when their file changes. To change keys without a call
//! refused: add the new key behind the old one, wait a minute, put it first, wait until the last
//! ticket of the old key has expired, take the old key out.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
    time::Duration,
};

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use turbomessage_service_kit::ticket::TicketKey;
use zeroize::Zeroizing;

use crate::config::TicketKeys;

/// How often the file is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The keys in use.
#[derive(Debug, Clone)]
pub(crate) struct KeyRing(Arc<RwLock<Arc<Vec<TicketKey>>>>);

impl KeyRing {
    /// The keys that `source` names. Those of a file are kept up to date until `shutdown`.
    ///
    /// # Errors
    /// The file cannot be read or holds no keys.
    pub(crate) fn open(source: &TicketKeys, shutdown: CancellationToken) -> anyhow::Result<Self> {
        let file = match source {
            TicketKeys::File(file) => file,
            TicketKeys::Own => return Ok(Self::with(vec![TicketKey::generate()])),
            TicketKeys::OwnForWantOfAFile => {
                tracing::warn!(
                    "no --ticket-key-file: this process signs tickets with a key of its own, which \
                     is for one replica only"
                );
                return Ok(Self::with(vec![TicketKey::generate()]));
            }
        };
        let ring = Self::with(read(file)?);
        tokio::spawn(ring.clone().keep_up(file.clone(), shutdown));
        Ok(ring)
    }

    fn with(keys: Vec<TicketKey>) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(keys))))
    }

    /// The keys: the first one signs, all are announced. There is at least one.
    pub(crate) fn keys(&self) -> Arc<Vec<TicketKey>> {
        let keys = self.0.read();
        Arc::clone(&keys.unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    async fn keep_up(self, file: PathBuf, shutdown: CancellationToken) {
        while shutdown
            .run_until_cancelled(tokio::time::sleep(LOOK_AGAIN))
            .await
            .is_some()
        {
            self.reload(&file);
        }
    }

    /// Reads the file again. One that is broken changes nothing.
    fn reload(&self, file: &Path) {
        match read(file) {
            Ok(keys) if ids(&keys) != ids(&self.keys()) => {
                tracing::info!(ticket.keys = keys.len(), "ticket keys changed");
                let mut current = self
                    .0
                    .write()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                *current = Arc::new(keys);
            }
            Ok(_) => {}
            Err(error) => {
                let cause = format!("{error:#}");
                tracing::error!(error.cause = cause, "the old ticket keys stay in use");
            }
        }
    }
}

fn ids(keys: &[TicketKey]) -> Vec<&str> {
    keys.iter().map(TicketKey::id).collect()
}

/// The keys in `file`.
///
/// # Errors
/// It cannot be read, or holds no keys.
pub(crate) fn read(file: &Path) -> anyhow::Result<Vec<TicketKey>> {
    let text = fs::read_to_string(file).context("the file cannot be read")?;
    TicketKey::from_pem(&Zeroizing::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const NEW: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";

    #[tokio::test]
    async fn keys_follow_their_file_and_survive_a_broken_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.pem");
        fs::write(&file, OLD).unwrap();
        let source = TicketKeys::File(file.clone());
        let ring = KeyRing::open(&source, CancellationToken::new()).unwrap();
        let old = ring.keys()[0].id().to_owned();

        fs::write(&file, format!("{NEW}{OLD}")).unwrap();
        ring.reload(&file);
        assert_eq!(ring.keys().len(), 2);
        assert_ne!(ring.keys()[0].id(), old);
        assert_eq!(ring.keys()[1].id(), old);

        fs::write(&file, "not a key").unwrap();
        ring.reload(&file);
        fs::remove_file(&file).unwrap();
        ring.reload(&file);
        assert_eq!(ring.keys().len(), 2, "the old keys stay");
    }
}
