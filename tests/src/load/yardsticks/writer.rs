//! Mail-service's writer in this process, without gRPC, gateway and sessions in front of it: what a send costs
//! from the queue to the commit.

use std::{sync::Arc, time::Duration};

use anyhow::bail;
use tokio_util::task::TaskTracker;
use turbomessage_mail_service::{
    commit::{Addressees, Announce, Job, MailboxDefaults, Recipient, Send, Writer},
    domain::{Body, Draft, Recipients, RequestId},
    store,
};
use turbomessage_service_kit::{clock::SystemClock, settings::Secret};
use uuid::Uuid;

use crate::load::{
    drive::{Pace, Plan, Worker, run},
    letters::letter,
    processes::Processes,
    tally::Outcome,
};

/// Callers who wait for a send: the most that a batch has.
pub const BATCH: usize = 128;
/// Mailboxes.
pub const OWNERS: usize = 64;

/// A writer on a database of its own.
#[derive(Debug)]
pub struct OwnWriter {
    writer: Writer,
    owners: Arc<Vec<Recipient>>,
}

impl OwnWriter {
    /// On the database at `url`, which it may make, and which nobody else uses.
    ///
    /// # Errors
    /// It cannot be opened.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let store = store::open(&Secret::new(url.to_owned())).await?;
        let defaults = MailboxDefaults {
            quota_messages: 1_000_000,
            quota_bytes: 1 << 40,
            mail_domain: "turbomessage.invalid".into(),
        };
        let (clock, tracker) = (SystemClock::shared(), TaskTracker::new());
        let announce: Announce = Arc::new(|_| {});
        let writer = Writer::start(&store, &clock, &defaults, &announce, 1, &tracker);
        let owners = (0..OWNERS).map(|n| Recipient {
            account_id: Uuid::from_u128(n as u128 + 1),
            username: format!("user{n}"),
        });
        Ok(Self {
            writer,
            owners: Arc::new(owners.collect()),
        })
    }

    /// Has [`BATCH`] callers send for so long. The processor time is this process' and that of
    /// `processes`.
    pub async fn run(&self, duration: Duration, processes: &Processes) -> Outcome {
        let caller = |_| Submitter {
            writer: self.writer.clone(),
            owners: Arc::clone(&self.owners),
        };
        let callers = (0..BATCH).map(caller).collect();
        let plan = Plan {
            pace: Pace::Closed,
            warm_up: duration / 5,
            duration,
        };
        run("the writer alone", plan, callers, processes).await
    }
}

struct Submitter {
    writer: Writer,
    owners: Arc<Vec<Recipient>>,
}

impl Submitter {
    async fn send(&self) -> anyhow::Result<()> {
        let from = rand::random_range(0..OWNERS);
        let to = (from + rand::random_range(1..OWNERS)) % OWNERS;
        let letter = letter(rand::random_range(0..usize::MAX));
        let draft = Draft {
            recipients: Recipients {
                to: vec![self.owners[to].username.clone()],
                ..Default::default()
            },
            subject: letter.subject.clone(),
            body: Body {
                text: letter.body.clone(),
                html: String::new(),
            },
            ..Default::default()
        };
        let send = Send {
            sender_id: self.owners[from].account_id,
            request: Some(RequestId {
                id: Uuid::new_v4(),
                fingerprint: draft.fingerprint(),
            }),
            draft,
            addressees: Addressees {
                to: vec![self.owners[to].clone()],
                ..Default::default()
            },
            source: None,
        };
        match self.writer.submit(Job::Send(Box::new(send))).await {
            Ok(_) => Ok(()),
            Err(failure) => bail!("{failure:?}"),
        }
    }
}

impl Worker for Submitter {
    async fn step(&mut self) -> (&'static str, Result<(), String>) {
        let result = self.send().await;
        ("send", result.map_err(|error| error.to_string()))
    }
}
