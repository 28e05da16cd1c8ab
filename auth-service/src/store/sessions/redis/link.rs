//! The connection to Redis that all commands share, made again whenever it may be broken.
//! (redis-rs' own `ConnectionManager` does not leave a server that has frozen or become read-only.)

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::anyhow;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, RedisError, RedisResult,
    ScriptInvocation, ServerErrorKind, aio::MultiplexedConnection,
};
use tokio::{sync::Mutex, time::Instant};
use tracing::Instrument as _;
use turbomessage_service_kit::{problem::Problem, telemetry::database};

const TIMEOUT: Duration = Duration::from_secs(1);
/// For how long a failure to connect answers for those who come next, so that they do not queue up
/// behind a server that is gone.
const REMEMBER_FAILURE: Duration = Duration::from_millis(250);

/// The shared connection.
pub(super) struct Link {
    client: Client,
    state: Mutex<State>,
    /// Counts connections, so that only the one that failed is thrown away.
    generation: AtomicU64,
}

#[derive(Default)]
struct State {
    connection: Option<(u64, MultiplexedConnection)>,
    failed: Option<(Instant, String)>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    /// Not connected yet.
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            state: Mutex::default(),
            generation: AtomicU64::new(0),
        }
    }

    /// Runs a script that may run twice, again over a new connection if the first is broken.
    pub(super) async fn read<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, Problem> {
        match self.once(script).await {
            Err(Failure::Broken(_)) => self.once(script).await,
            other => other,
        }
        .map_err(Problem::from)
    }

    /// Runs a script that must not run twice.
    pub(super) async fn write<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, Problem> {
        Ok(self.once(script).await?)
    }

    /// Asks whether the server answers.
    pub(super) async fn ping(&self) -> Result<(), Problem> {
        let (generation, mut connection) = self.connection().await?;
        let answer: RedisResult<()> = redis::cmd("PING").query_async(&mut connection).await;
        Ok(self.judge(generation, answer).await?)
    }

    async fn once<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Failure> {
        let (generation, mut connection) = self.connection().await?;
        let span = database::redis("EVALSHA");
        let asked = script.invoke_async(&mut connection);
        let answer = asked.instrument(span.clone()).await;
        if answer.is_err() {
            database::failed(&span, "redis");
        }
        self.judge(generation, answer).await
    }

    async fn connection(&self) -> Result<(u64, MultiplexedConnection), Failure> {
        let mut state = self.state.lock().await;
        if let Some((generation, connection)) = &state.connection {
            return Ok((*generation, connection.clone()));
        }
        if let Some((at, why)) = &state.failed
            && at.elapsed() < REMEMBER_FAILURE
        {
            return Err(Failure::Refused(anyhow!("{why}")));
        }
        match connect(&self.client, TIMEOUT).await {
            Ok(connection) => {
                let generation = self.generation.fetch_add(1, Ordering::Relaxed);
                state.connection = Some((generation, connection.clone()));
                state.failed = None;
                Ok((generation, connection))
            }
            Err(error) => {
                state.failed = Some((Instant::now(), error.to_string()));
                Err(Failure::Refused(error.into()))
            }
        }
    }

    /// Throws the connection away if `answer` says that it is of no use any more.
    async fn judge<T>(&self, generation: u64, answer: RedisResult<T>) -> Result<T, Failure> {
        let error = match answer {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if !breaks_connection(&error) {
            return Err(Failure::Refused(error.into()));
        }
        let mut state = self.state.lock().await;
        if state.connection.as_ref().is_some_and(|c| c.0 == generation) {
            state.connection = None;
        }
        Err(Failure::Broken(error.into()))
    }
}

/// A new connection whose commands get an answer within `timeout`.
///
/// # Errors
/// The server does not answer or refuses.
pub(super) async fn connect(
    client: &Client,
    timeout: Duration,
) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(TIMEOUT))
        .set_response_timeout(Some(timeout))
        .set_pipeline_buffer_size(1024);
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

fn breaks_connection(error: &RedisError) -> bool {
    let moved_on = matches!(
        error.kind(),
        ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
    );
    error.is_io_error() || error.is_unrecoverable_error() || moved_on
}

/// Why a command has no answer.
enum Failure {
    /// Its connection broke; whether the command ran is not known.
    Broken(anyhow::Error),
    /// The server could not be reached or refused the command: it did not run.
    Refused(anyhow::Error),
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Broken(cause) | Failure::Refused(cause) => Self::store_unavailable(cause),
        }
    }
}
