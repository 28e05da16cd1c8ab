//! Argon2id, so many at once and no more: each takes 19 MiB and tens of milliseconds.

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;
use turbomessage_service_kit::problem::{Problem, Reason};

use crate::{
    config::HashingLimits,
    domain::{Password, PasswordHash, SessionToken, check_strength},
};

/// OWASP's recommendation for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// When a caller that found no place to wait in should come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Hashes and checks passwords.
#[derive(Debug)]
pub(crate) struct Hashing {
    /// Places for callers: those whose password is being hashed, and those who wait.
    places: Arc<Semaphore>,
    /// Room for work.
    workers: Arc<Semaphore>,
    /// The hash of a password that nobody has.
    nobodys: PasswordHash,
}

impl Hashing {
    /// Ready to hash as much at once as `limits` allow.
    ///
    /// # Errors
    /// The machine has no randomness or no memory to hash with.
    pub(crate) fn new(limits: HashingLimits) -> anyhow::Result<Self> {
        let nobodys = hash(SessionToken::generate().expose())?;
        Ok(Self {
            places: Arc::new(Semaphore::new(limits.at_once + limits.waiting)),
            workers: Arc::new(Semaphore::new(limits.at_once)),
            nobodys,
        })
    }

    /// The hash of a new password, which must be hard to guess even for somebody who knows `known`.
    ///
    /// # Errors
    /// `PASSWORD_TOO_WEAK` on `field`, or `OVERLOADED`.
    pub(crate) async fn new_hash(
        &self,
        password: Password,
        known: [String; 2],
        field: &'static str,
    ) -> Result<PasswordHash, Problem> {
        self.run(move || {
            check_strength(&password, &known.each_ref().map(String::as_str), field)?;
            hash(password.expose()).map_err(Problem::internal)
        })
        .await
    }

    /// Whether `password` is the one that `hash` was made of. Without a hash it is not, after the
    /// same work, so that nobody learns from the time it takes whether there is an account.
    ///
    /// # Errors
    /// `OVERLOADED`.
    pub(crate) async fn verify(
        &self,
        password: Password,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, Problem> {
        let hash = hash.unwrap_or(&self.nobodys).clone();
        self.run(move || {
            let verified = argon2()?.verify_password(password.expose().as_bytes(), hash.as_str());
            Ok(verified.is_ok())
        })
        .await
    }

    /// Runs `work` where it blocks nobody, once there is room. The permits move into it: callers
    /// that hang up do not get round the limit.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| Problem::new(Reason::Overloaded).retry_after(RETRY_AFTER))?;
        let room = Arc::clone(&self.workers)
            .acquire_owned()
            .await
            .map_err(Problem::internal)?;
        tokio::task::spawn_blocking(move || {
            let _held = (place, room);
            work()
        })
        .await
        .map_err(Problem::internal)?
    }
}

fn argon2() -> Result<Argon2<'static>, Problem> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|error| Problem::internal(anyhow!("Argon2's parameters: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> anyhow::Result<PasswordHash> {
    let hash = argon2()?
        .hash_password(password.as_bytes())
        .map_err(|error| anyhow!("hashing failed: {error}"))?;
    Ok(PasswordHash::new(hash.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashing(at_once: usize, waiting: usize) -> Arc<Hashing> {
        Arc::new(Hashing::new(HashingLimits { at_once, waiting }).unwrap())
    }

    fn password(text: &str) -> Password {
        Password::given(text.into()).unwrap()
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hashing = hashing(1, 1);
        let text = "correct horse battery staple";
        let known = ["ada".into(), "Ada".into()];
        let hash = hashing
            .new_hash(password(text), known, "password")
            .await
            .unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hashing.verify(password(text), Some(&hash)).await.unwrap());
        assert!(
            !hashing
                .verify(password("other"), Some(&hash))
                .await
                .unwrap()
        );
        assert!(!hashing.verify(password(text), None).await.unwrap());
    }

    #[tokio::test]
    async fn the_same_password_never_has_the_same_hash() {
        let one = hash("correct horse battery staple").unwrap();
        assert_ne!(one, hash("correct horse battery staple").unwrap());
    }

    #[tokio::test]
    async fn callers_beyond_the_queue_are_told_to_come_back() {
        let hashing = hashing(1, 1);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (started, running) = tokio::sync::oneshot::channel();
        let first = tokio::spawn({
            let hashing = Arc::clone(&hashing);
            async move {
                hashing
                    .run(move || {
                        let _ = started.send(());
                        let _ = held.recv();
                        Ok(())
                    })
                    .await
            }
        });
        running.await.unwrap();
        let second = hashing.run(|| Ok(()));
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending(), "waits");
        let third = hashing.run(|| Ok(())).await.unwrap_err();
        assert_eq!(third.reason(), Reason::Overloaded);

        // A caller that hangs up frees no room while its work still runs.
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        assert!(futures::poll!(&mut second).is_pending(), "still waits");
        release.send(()).unwrap();
        second.await.unwrap();
    }
}
