//! The streams that are open, whose they are, and how they end before their time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use turbomessage_service_kit::{
    clock::{SharedClock, Timestamp},
    problem::{Problem, Reason},
};
use uuid::Uuid;

use super::{Session, Token, invalidations::Scope, sessions::ClockHandle};

/// How long a stream goes on while it cannot be found out whether its session is still good.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The end of a call before its time, for everything that takes part in the call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending {
    token: CancellationToken,
    reason: Arc<OnceLock<Reason>>,
}

impl Ending {
    /// Ends the call because of `reason`; the first reason stays.
    pub(crate) fn end(&self, reason: Reason) {
        let _ = self.reason.set(reason);
        self.token.cancel();
    }

    /// Why the call has ended, if it has.
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.reason.get().copied()
    }

    /// Comes when the call ends before its time.
    pub(crate) fn wait(&self) -> WaitForCancellationFutureOwned {
        self.token.clone().cancelled_owned()
    }
}

/// The session an open stream belongs to.
#[derive(Debug)]
struct Holder {
    session: Arc<Session>,
    /// To ask about the session again.
    token: Token,
    /// When the session ends if it is not used again, as of the last answer.
    expire_time: Timestamp,
    doubt: Option<Doubt>,
}

/// That a session may have ended unnoticed.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    since: Timestamp,
    /// Grows with each new reason to doubt: only an answer asked for after the latest settles it.
    number: u64,
}

#[derive(Debug)]
struct Open {
    ending: Ending,
    holder: Option<Holder>,
}

impl Open {
    fn is_of(&self, scope: Scope) -> bool {
        self.holder
            .as_ref()
            .is_some_and(|holder| scope.covers(&holder.session))
    }
}

/// A session to ask auth-service about.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) session_id: Uuid,
    pub(super) token: Token,
    number: u64,
}

#[derive(Debug, Default)]
struct State {
    next_id: u64,
    doubts: u64,
    closed: bool,
    streams: HashMap<u64, Open>,
}

/// All open streams.
#[derive(Debug)]
pub(super) struct OpenStreams {
    clock: ClockHandle,
    state: Mutex<State>,
}

/// One open stream; dropping it closes it.
#[derive(Debug)]
pub(crate) struct OpenStream {
    id: u64,
    ending: Ending,
    all: Arc<OpenStreams>,
}

impl OpenStream {
    pub(crate) fn ending(&self) -> &Ending {
        &self.ending
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.all.state().streams.remove(&self.id);
    }
}

impl OpenStreams {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            clock: ClockHandle(clock),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(
        self: &Arc<Self>,
        holder: Option<(&Arc<Session>, Token)>,
    ) -> Result<OpenStream, Problem> {
        let mut state = self.state();
        if state.closed {
            let problem = Problem::new(Reason::ShuttingDown);
            return Err(problem.retry_after(Duration::from_secs(1)));
        }
        let id = state.next_id;
        state.next_id += 1;
        let ending = Ending::default();
        let open = Open {
            ending: ending.clone(),
            holder: holder.map(|(session, token)| Holder {
                session: Arc::clone(session),
                token,
                expire_time: session.expire_time,
                doubt: None,
            }),
        };
        state.streams.insert(id, open);
        let all = Arc::clone(self);
        Ok(OpenStream { id, ending, all })
    }

    /// Ends the streams of `scope`.
    pub(super) fn end(&self, scope: Scope, reason: Reason) {
        for open in self.state().streams.values() {
            if open.is_of(scope) {
                open.ending.end(reason);
            }
        }
    }

    /// Ends every stream and opens no more.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        for open in state.streams.values() {
            open.ending.end(Reason::ShuttingDown);
        }
    }

    /// The sessions of `scope` may have ended unnoticed.
    pub(super) fn doubt(&self, scope: Scope) {
        let now = self.clock.0.now();
        let mut state = self.state();
        state.doubts += 1;
        let number = state.doubts;
        for open in state.streams.values_mut().filter(|open| open.is_of(scope)) {
            if let Some(holder) = &mut open.holder {
                let since = holder.doubt.map_or(now, |doubt| doubt.since);
                holder.doubt = Some(Doubt { since, number });
            }
        }
    }

    /// Ends the streams whose session has been in doubt for longer than [`PATIENCE`].
    pub(super) fn end_overdue(&self) {
        let now = self.clock.0.now();
        for open in self.state().streams.values() {
            let doubt = open.holder.as_ref().and_then(|holder| holder.doubt);
            if doubt.is_some_and(|doubt| now.since(doubt.since) > PATIENCE) {
                open.ending.end(Reason::UpstreamUnavailable);
            }
        }
    }

    /// What to ask about: sessions in doubt, and those that are over unless they were used
    /// elsewhere.
    pub(super) fn doubtful(&self) -> Vec<Question> {
        let now = self.clock.0.now();
        for open in self.state().streams.values_mut() {
            if let Some(holder) = &mut open.holder
                && holder.expire_time <= now
            {
                let doubt = Doubt {
                    since: now,
                    number: 0,
                };
                holder.doubt.get_or_insert(doubt);
            }
        }
        self.questions(|_| true)
    }

    /// What to ask about one account.
    pub(super) fn doubtful_of(&self, account_id: Uuid) -> Vec<Question> {
        self.questions(|session| session.account_id == account_id)
    }

    /// One question for each session in doubt, however many streams it has.
    fn questions(&self, about: impl Fn(&Session) -> bool) -> Vec<Question> {
        let mut questions = HashMap::new();
        for open in self.state().streams.values() {
            let Some(holder) = &open.holder else { continue };
            let Some(doubt) = holder.doubt else { continue };
            if open.ending.reason().is_some() || !about(&holder.session) {
                continue;
            }
            let session_id = holder.session.session_id;
            let question = questions.entry(session_id).or_insert_with(|| Question {
                session_id,
                token: holder.token.clone(),
                number: 0,
            });
            question.number = question.number.max(doubt.number);
        }
        questions.into_values().collect()
    }

    /// The session asked about is good until `expire_time`.
    pub(super) fn settle(&self, question: &Question, expire_time: Timestamp) {
        let scope = Scope::Session(question.session_id);
        for open in self.state().streams.values_mut() {
            if open.is_of(scope)
                && let Some(holder) = &mut open.holder
            {
                holder.expire_time = expire_time;
                if holder.doubt.is_some_and(|d| d.number <= question.number) {
                    holder.doubt = None;
                }
            }
        }
    }
}
