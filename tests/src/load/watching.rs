//! Streams that watch mailboxes.

use std::time::Duration;

use tokio::{task::JoinSet, time::timeout};
use tonic::{Status, Streaming, transport::Channel};
use turbomessage_proto::mail_v1::{
    WatchMailboxRequest, WatchMailboxResponse, change::Change, watch_mailbox_response::Event,
};
use uuid::Uuid;

use super::people::{Person, Target, mail, tell};
use crate::Client;

/// How long an event may take before its send counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Streams that share a connection: fewer than the edge allows.
const STREAMS: usize = 200;

/// Watches one person's mailbox.
#[derive(Debug)]
pub struct Watcher {
    name: String,
    events: Streaming<WatchMailboxResponse>,
}

impl Watcher {
    /// Watches from now on.
    ///
    /// # Errors
    /// As the call ends.
    pub async fn open(person: &Person, channel: &Channel) -> anyhow::Result<Self> {
        let events = watch(&person.over(channel)).await;
        let events = events.map_err(|status| anyhow::anyhow!("watch: {}", tell(&status)))?;
        let name = person.name.clone();
        Ok(Self { name, events })
    }

    /// Sends to whoever is watched, and waits until the stream tells of it.
    ///
    /// # Errors
    /// As the send or the stream ends.
    pub async fn hear_of_a_send(&mut self, sender: &Client) -> Result<(), Status> {
        let mut request = mail(&self.name, 0);
        let subject = Uuid::new_v4().to_string();
        request.subject.clone_from(&subject);
        let mut mail = sender.mail();
        let (sent, heard) = tokio::join!(
            mail.send_message(request),
            timeout(PATIENCE, self.hear_of(&subject))
        );
        sent?;
        heard.map_err(|_| Status::deadline_exceeded("no event"))?
    }

    async fn hear_of(&mut self, subject: &str) -> Result<(), Status> {
        loop {
            let next = self.events.message().await?;
            let next = next.ok_or_else(|| Status::unavailable("the stream has ended"))?;
            if let Some(Event::Change(change)) = next.event
                && let Some(Change::MessageCreated(message)) = change.change
                && message.subject == subject
            {
                return Ok(());
            }
        }
    }
}

async fn watch(client: &Client) -> Result<Streaming<WatchMailboxResponse>, Status> {
    let mut mail = client.mail();
    let watched = mail.watch_mailbox(WatchMailboxRequest::default()).await?;
    Ok(watched.into_inner())
}

/// Many open streams, of which somebody reads whatever comes.
#[derive(Debug)]
pub struct Crowd {
    reading: JoinSet<()>,
}

impl Crowd {
    /// Opens so many watches of the mailboxes of `people`, and reads them until this is dropped.
    ///
    /// # Errors
    /// As the first call that fails ends.
    pub async fn open(target: &Target, people: &[Person], number: usize) -> anyhow::Result<Self> {
        let channels = target.connections(number.div_ceil(STREAMS)).await?;
        let mut reading = JoinSet::new();
        for n in 0..number {
            let client = people[n % people.len()].over(&channels[n / STREAMS]);
            let mut events = watch(&client)
                .await
                .map_err(|status| anyhow::anyhow!("watch {n}: {}", tell(&status)))?;
            reading.spawn(async move { while let Ok(Some(_)) = events.message().await {} });
        }
        Ok(Self { reading })
    }

    /// How many are still open.
    pub fn open_streams(&mut self) -> usize {
        while self.reading.try_join_next().is_some() {}
        self.reading.len()
    }
}
