//! `WatchMailbox`: what happened, then what happens. Nothing is read before the reader has taken
//! what was read before, so a slow one costs no memory.

use std::{collections::VecDeque, time::Duration};

use futures::{StreamExt as _, stream, stream::BoxStream};
use tokio::time::timeout;
use tonic::Status;
use turbomessage_proto::mail_v1::{self as proto, watch_mailbox_response::Event};
use turbomessage_service_kit::{
    detached::detached,
    problem::{Problem, Reason},
};
use uuid::Uuid;

use super::{MailGrpc, show};
use crate::{domain::State, wakeups::Watch};

/// How long a stream is silent at the most.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// How many entries of the history are read at once: what a reader who does not read on costs.
const STEP: i64 = 50;

type Events = BoxStream<'static, Result<proto::WatchMailboxResponse, Status>>;

/// Events, and where the stream is when they are told.
type Read = (VecDeque<proto::WatchMailboxResponse>, State);

struct Watching {
    service: MailGrpc,
    owner: Uuid,
    watch: Watch,
    /// Where the stream is.
    at: State,
    /// What was read and not yet taken.
    ready: VecDeque<proto::WatchMailboxResponse>,
    /// Whether the reader has got anything yet.
    greeted: bool,
    ended: bool,
}

impl MailGrpc {
    /// The stream that begins after `since`, or now if that is empty.
    pub(super) async fn watch(&self, owner: Uuid, since: &str) -> Result<Events, Problem> {
        // Watched before it is read: what happens in between is not missed.
        let watch = self.hub.watch(owner);
        let at = if since.is_empty() {
            self.mail.mailbox(owner).await?.point()
        } else {
            let since = State::decode(since)?;
            self.mail.mailbox(owner).await?.check_history(since)?;
            since
        };
        let watching = Watching {
            service: self.clone(),
            owner,
            watch,
            at,
            ready: VecDeque::new(),
            greeted: false,
            ended: false,
        };
        Ok(stream::unfold(watching, Watching::next).boxed())
    }
}

impl MailGrpc {
    /// What happened next after `at`, if anything did, and where the stream is then.
    async fn events_after(&self, owner: Uuid, at: State) -> Result<Option<Read>, Problem> {
        let history = self.mail.history(owner, at, STEP).await?;
        if history.state == at {
            return Ok(None);
        }
        let entries = &history.page.entries;
        let (changes, last) = show::changes(&self.directory, entries).await?;
        let cut = changes.len() < entries.len();
        let states = entries.iter().map(|happened| happened.state.encode());
        let events = states.zip(changes);
        let ready = events.map(|(state, change)| proto::WatchMailboxResponse {
            state,
            event: Some(Event::Change(change)),
        });
        let at = match last {
            Some(last) if cut => last,
            _ => history.state,
        };
        Ok(Some((ready.collect(), at)))
    }
}

impl Watching {
    async fn next(mut self) -> Option<(Result<proto::WatchMailboxResponse, Status>, Self)> {
        if self.ended {
            return None;
        }
        let shutdown = self.service.shutdown.clone();
        let event = tokio::select! {
            event = self.event() => event,
            () = shutdown.cancelled() => {
                // The client goes on elsewhere with the last state it got.
                Err(Problem::new(Reason::ShuttingDown).retry_after(Duration::from_secs(1)))
            }
        };
        self.ended = event.is_err();
        Some((event.map_err(Status::from), self))
    }

    async fn event(&mut self) -> Result<proto::WatchMailboxResponse, Problem> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.greeted = true;
                return Ok(event);
            }
            // Its memory too: a watch that waits is to be small, and there are many.
            self.ready = VecDeque::new();
            if self.read().await? {
                continue;
            }
            if !self.greeted {
                self.greeted = true;
                return Ok(self.heartbeat());
            }
            let changed = self.watch.changed_after(self.at.change);
            if timeout(HEARTBEAT, changed).await.is_err() {
                return Ok(self.heartbeat());
            }
        }
    }

    /// Reads on; answers whether there was anything.
    async fn read(&mut self) -> Result<bool, Problem> {
        let (service, owner, at) = (self.service.clone(), self.owner, self.at);
        // Apart, for nobody polls this while the reader has no room: it would keep its connection to the
        // database, and a few such readers would leave none to others.
        let read = detached(async move { service.events_after(owner, at).await }).await?;
        let Some((ready, at)) = read else {
            return Ok(false);
        };
        (self.ready, self.at) = (ready, at);
        Ok(true)
    }

    fn heartbeat(&self) -> proto::WatchMailboxResponse {
        proto::WatchMailboxResponse {
            state: self.at.encode(),
            event: Some(Event::Heartbeat(proto::Heartbeat {})),
        }
    }
}
