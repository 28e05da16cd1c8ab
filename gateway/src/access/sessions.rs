//! Look-ups of tokens: one at a time for each token, each remembered for half a second.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::anyhow;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tracing::Instrument;
use turbomessage_service_kit::{
    clock::{SharedClock, Timestamp},
    context::{self, RequestContext},
    problem::{Problem, Reason},
    telemetry::metrics,
};

use super::{
    Session, Token,
    invalidations::{Invalidations, Mark, Scope},
    token::Fingerprint,
};
use crate::introspection::SessionClient;

/// How long an answer may be used, from when it was asked for.
pub(super) const MAX_AGE: Duration = Duration::from_millis(500);
/// How many tokens may be remembered or looked up at once.
const MAX_LOOK_UPS: usize = 16 * 1024;
/// Below this many, what is too old is left lying.
const MIN_PURGE: usize = 256;
/// How often a caller asks anew because sessions of the account ended meanwhile.
const ATTEMPTS: usize = 3;
/// How long a look-up may take, its caller's deadline aside: others may wait for it too.
const LOOK_UP_DEADLINE: Duration = Duration::from_secs(2);

/// Why a look-up came to nothing: what all who waited for it are told.
#[derive(Debug, Clone, Copy)]
struct Refusal(Reason);

impl From<Refusal> for Problem {
    fn from(Refusal(reason): Refusal) -> Self {
        let problem = Self::new(reason);
        if reason == Reason::SessionInvalid {
            problem
        } else {
            problem.retry_after(Duration::from_secs(1))
        }
    }
}

type Answer = Result<Arc<Session>, Refusal>;

/// A look-up, under way or answered.
#[derive(Debug, Clone)]
struct LookUp {
    asked: Timestamp,
    /// Invalidations from here on reach it.
    mark: Mark,
    answer: Shared<BoxFuture<'static, Answer>>,
}

/// A session that was found good, and when.
#[derive(Debug)]
pub(crate) struct Checked {
    session: Arc<Session>,
    mark: Mark,
}

impl Checked {
    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }
}

#[derive(Debug)]
struct State {
    look_ups: HashMap<Fingerprint, LookUp>,
    invalidations: Invalidations,
    /// With this many look-ups, those too old are thrown out.
    purge_at: usize,
}

/// The sessions looked up of late.
#[derive(Debug)]
pub(super) struct Sessions {
    client: SessionClient,
    clock: ClockHandle,
    state: Arc<Mutex<State>>,
}

/// A clock whose `Debug` says no more than that it is one.
#[derive(Clone)]
pub(super) struct ClockHandle(pub(super) SharedClock);

impl std::fmt::Debug for ClockHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl Sessions {
    pub(super) fn new(client: SessionClient, clock: SharedClock) -> Self {
        Self {
            client,
            clock: ClockHandle(clock),
            state: Arc::new(Mutex::new(State {
                look_ups: HashMap::new(),
                invalidations: Invalidations::default(),
                purge_at: MIN_PURGE,
            })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What auth-service says of `token`, or said less than [`MAX_AGE`] ago.
    pub(super) async fn check(&self, token: &Token) -> Result<Checked, Problem> {
        let fingerprint = token.fingerprint();
        for _ in 0..ATTEMPTS {
            let look_up = self.join_or_ask(fingerprint, token)?;
            let session = look_up.answer.await?;
            let checked = Checked {
                session,
                mark: look_up.mark,
            };
            if !self.ended_since(&checked) {
                return Ok(checked);
            }
            self.state().drop_look_up(&fingerprint, look_up.mark);
        }
        let cause = anyhow!("sessions of one account end faster than they can be looked up");
        Err(Problem::upstream_unavailable(cause))
    }

    /// Whether the session may have ended since it was found good.
    pub(super) fn ended_since(&self, checked: &Checked) -> bool {
        let state = self.state();
        state.invalidations.hit(checked.mark, &checked.session)
    }

    /// Answers about `scope` that were asked for before now are not used any more.
    pub(super) fn forget(&self, scope: Scope) {
        self.state().invalidations.note(scope);
    }

    fn join_or_ask(&self, fingerprint: Fingerprint, token: &Token) -> Result<LookUp, Problem> {
        let now = self.clock.0.now();
        let mut state = self.state();
        if let Some(look_up) = state.look_ups.get(&fingerprint)
            && is_fresh(look_up.asked, now)
        {
            metrics::cache_asked("sessions", true);
            return Ok(look_up.clone());
        }
        metrics::cache_asked("sessions", false);
        state.make_room(now);
        if state.look_ups.len() >= MAX_LOOK_UPS {
            return Err(Refusal(Reason::Overloaded).into());
        }
        let mark = state.invalidations.now();
        let look_up = LookUp {
            asked: now,
            mark,
            answer: self.ask(fingerprint, mark, token.clone()),
        };
        state.look_ups.insert(fingerprint, look_up.clone());
        Ok(look_up)
    }

    /// Asks auth-service in a task of its own, so that it goes on for the others when the caller
    /// who began it hangs up.
    fn ask(
        &self,
        fingerprint: Fingerprint,
        mark: Mark,
        token: Token,
    ) -> Shared<BoxFuture<'static, Answer>> {
        let (client, state) = (self.client.clone(), Arc::clone(&self.state));
        let look_up = async move {
            let answer = client.introspect(&token).await;
            answer.map(Arc::new).map_err(|problem| {
                lock(&state).drop_look_up(&fingerprint, mark);
                refusal(problem)
            })
        };
        let task = tokio::spawn(in_context(look_up).in_current_span());
        task.map(|joined| joined.unwrap_or(Err(Refusal(Reason::Internal))))
            .boxed()
            .shared()
    }
}

/// Runs `look_up` as a part of the call that began it, without that call's deadline.
fn in_context<T>(look_up: impl Future<Output = T>) -> impl Future<Output = T> {
    let context = context::current().map(|current| RequestContext {
        deadline: tokio::time::Instant::now() + LOOK_UP_DEADLINE,
        ..current
    });
    async move {
        match context {
            Some(context) => context::scope(context, look_up).await,
            None => look_up.await,
        }
    }
}

/// What the callers are told; the cause is logged here, once for all of them.
fn refusal(problem: Problem) -> Refusal {
    let reason = problem.reason();
    if reason != Reason::SessionInvalid {
        let error = anyhow!(problem);
        tracing::warn!(error.reason = reason.name(), error.cause = %format_args!("{error:#}"), "session not checked");
    }
    Refusal(reason)
}

/// Whether an answer asked for at `asked` may be used. A clock that was set back makes none fresh.
fn is_fresh(asked: Timestamp, now: Timestamp) -> bool {
    asked <= now && now.since(asked) < MAX_AGE
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing in here panics half-way through a change.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn make_room(&mut self, now: Timestamp) {
        if self.look_ups.len() < self.purge_at {
            return;
        }
        self.look_ups
            .retain(|_, look_up| is_fresh(look_up.asked, now) || look_up.answer.peek().is_none());
        self.purge_at = (2 * self.look_ups.len()).clamp(MIN_PURGE, MAX_LOOK_UPS);
    }

    fn drop_look_up(&mut self, fingerprint: &Fingerprint, mark: Mark) {
        if self
            .look_ups
            .get(fingerprint)
            .is_some_and(|l| l.mark == mark)
        {
            self.look_ups.remove(fingerprint);
        }
    }
}
