//! Argon2id, so many at once and no more: each takes 19 MiB and tens of milliseconds.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::anyhow;
use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{self, Output, ParamsString, Salt},
};
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

/// What one password is hashed in. It is kept for the next: taken anew each time, on whatever thread is
/// free, it adds up in what the allocator keeps for each thread, to hundreds of MiB in a flood of
/// logins.
type Memory = Vec<Block>;

/// Hashes and checks passwords.
pub(crate) struct Hashing {
    /// Places for callers: those whose password is being hashed, and those who wait.
    places: Arc<Semaphore>,
    /// Room for work.
    workers: Arc<Semaphore>,
    /// What is worked in, as far as it is free.
    memories: Arc<Mutex<Vec<Memory>>>,
    /// The hash of a password that nobody has.
    nobodys: PasswordHash,
}

impl Hashing {
    /// Ready to hash as much at once as `limits` allow.
    ///
    /// # Errors
    /// The machine has no randomness or no memory to hash with.
    pub(crate) fn new(limits: HashingLimits) -> anyhow::Result<Self> {
        let mut memory = Memory::new();
        let nobodys = hash(SessionToken::generate().expose(), &mut memory)?;
        Ok(Self {
            memories: Arc::new(Mutex::new(vec![memory])),
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
        self.run(move |memory| {
            check_strength(&password, &known.each_ref().map(String::as_str), field)?;
            hash(password.expose(), memory).map_err(Problem::internal)
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
        self.run(move |memory| {
            let matches = matches(password.expose(), hash.as_str(), memory);
            matches.map_err(Problem::internal)
        })
        .await
    }

    /// Runs `work` where it blocks nobody, once there is room. The permits move into it: callers
    /// that hang up do not get round the limit.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| Problem::new(Reason::Overloaded).retry_after(RETRY_AFTER))?;
        let room = Arc::clone(&self.workers)
            .acquire_owned()
            .await
            .map_err(Problem::internal)?;
        let memories = Arc::clone(&self.memories);
        tokio::task::spawn_blocking(move || {
            let _held = (place, room);
            let free = || memories.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = free().pop().unwrap_or_default();
            let done = work(&mut memory);
            free().push(memory);
            done
        })
        .await
        .map_err(Problem::internal)?
    }
}

/// `password` with a new salt, in the PHC string format.
fn hash(password: &str, memory: &mut Memory) -> anyhow::Result<PasswordHash> {
    let failed = |error: argon2::Error| anyhow!("hashing failed: {error}");
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
    let salt: [u8; argon2::RECOMMENDED_SALT_LEN] = rand::random();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let output = compute(&argon2, password, &salt, Params::DEFAULT_OUTPUT_LEN, memory)?;
    let hash = phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params())?,
        salt: Some(Salt::new(&salt)?),
        hash: Some(output),
    };
    Ok(PasswordHash::new(hash.to_string()))
}

/// Whether `hash`, in the PHC string format, was made of `password`. The comparison takes the same time
/// wherever they differ.
fn matches(password: &str, hash: &str, memory: &mut Memory) -> anyhow::Result<bool> {
    let stored = phc::PasswordHash::new(hash)?;
    let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else {
        anyhow::bail!("a stored hash lacks its salt or itself");
    };
    let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
    let version = stored.version.map_or(Ok(Version::V0x13), Version::try_from);
    let argon2 = Argon2::new(algorithm, version?, Params::try_from(&stored)?);
    let output = compute(&argon2, password, &salt, expected.len(), memory)?;
    Ok(output == expected)
}

fn compute(
    argon2: &Argon2<'_>,
    password: &str,
    salt: &[u8],
    length: usize,
    memory: &mut Memory,
) -> anyhow::Result<Output> {
    memory.resize(argon2.params().block_count(), Block::default());
    let mut output = vec![0; length];
    argon2
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut output, memory)
        .map_err(|error| anyhow!("hashing failed: {error}"))?;
    Ok(Output::new(&output)?)
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher as _, PasswordVerifier as _};

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

    #[test]
    fn the_same_password_never_has_the_same_hash() {
        let mut memory = Memory::new();
        let [one, other] =
            std::array::from_fn(|_| hash("correct horse battery staple", &mut memory).unwrap());
        assert_ne!(one, other);
    }

    /// The library has a way of its own, in memory that it takes and frees.
    #[test]
    fn hashes_are_those_of_the_library_whatever_memory_was_used_for_before() {
        let mut memory = Memory::new();
        let small = Params::new(64, 1, 1, Some(16)).unwrap();
        for params in [Params::default(), small, Params::default()] {
            let library = Argon2::from(params);
            let theirs = library.hash_password(b"a password").unwrap().to_string();
            assert!(matches("a password", &theirs, &mut memory).unwrap());
            assert!(!matches("a Password", &theirs, &mut memory).unwrap());
            let ours = hash("a password", &mut memory).unwrap();
            assert!(
                library
                    .verify_password(b"a password", ours.as_str())
                    .is_ok()
            );
            assert!(
                library
                    .verify_password(b"a Password", ours.as_str())
                    .is_err()
            );
        }
        assert!(matches("a password", "no hash", &mut memory).is_err());
    }

    #[tokio::test]
    async fn as_much_memory_is_kept_as_is_worked_in_at_once() {
        let hashing = hashing(2, 100);
        let logins = (0..40).map(|_| hashing.verify(password("a guess"), None));
        for known in futures::future::join_all(logins).await {
            assert!(!known.unwrap());
        }
        let memories = hashing.memories.lock().unwrap();
        assert!((1..=2).contains(&memories.len()), "{}", memories.len());
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
                    .run(move |_| {
                        let _ = started.send(());
                        let _ = held.recv();
                        Ok(())
                    })
                    .await
            }
        });
        running.await.unwrap();
        let second = hashing.run(|_| Ok(()));
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending(), "waits");
        let third = hashing.run(|_| Ok(())).await.unwrap_err();
        assert_eq!(third.reason(), Reason::Overloaded);

        // A caller that hangs up frees no room while its work still runs.
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        assert!(futures::poll!(&mut second).is_pending(), "still waits");
        release.send(()).unwrap();
        second.await.unwrap();
    }
}
