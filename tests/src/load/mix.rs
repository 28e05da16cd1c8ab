//! What callers do: one kind of call after the other, or a mix of them.

use std::{str::FromStr, sync::Arc};

use anyhow::{Context, bail};
use bytes::Bytes;
use http::uri::PathAndQuery;
use tonic::{IntoRequest as _, Status, client::Grpc, transport::Channel};
use tonic_prost::ProstCodec;
use turbomessage_proto::mail_v1::{
    FolderRole, GetMailboxRequest, GetMessageRequest, ListFoldersRequest, ListMessagesRequest,
    ModifyMessagesRequest, SearchMessagesRequest,
};

use super::{
    drive::Worker,
    letters,
    people::{Person, Target, mail, tell},
    watching::Watcher,
};
use crate::Client;

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// A message of 1.5 KiB to one other person.
    Send,
    /// The newest page of 50 of the Inbox.
    List,
    /// A message with its text.
    Get,
    /// The first page of what has a word in it, common or rare.
    Search,
    /// Marks a message as read, or as not read.
    Modify,
    /// Folders with their counts.
    Folders,
    /// How full the mailbox is.
    Mailbox,
    /// From a send to its event on a stream that watches the recipient's mailbox.
    Watch,
    /// A new session by name and password.
    Login,
}

impl Call {
    const ALL: [(&'static str, Self); 9] = [
        ("send", Self::Send),
        ("list", Self::List),
        ("get", Self::Get),
        ("search", Self::Search),
        ("modify", Self::Modify),
        ("folders", Self::Folders),
        ("mailbox", Self::Mailbox),
        ("watch", Self::Watch),
        ("login", Self::Login),
    ];

    fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, call)| *call == self);
        found.map_or("", |(name, _)| name)
    }
}

/// Calls with their weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix(Vec<(Call, u32)>);

impl Mix {
    /// Nothing but this.
    #[must_use]
    pub fn only(call: Call) -> Self {
        Self(vec![(call, 1)])
    }

    fn has(&self, call: Call) -> bool {
        self.0.iter().any(|(c, _)| *c == call)
    }

    /// The call that the number `lot`, whatever it is, falls on.
    fn pick(&self, lot: u32) -> Call {
        let total: u32 = self.0.iter().map(|(_, weight)| weight).sum();
        let mut rest = lot % total;
        for &(call, weight) in &self.0 {
            if rest < weight {
                return call;
            }
            rest -= weight;
        }
        self.0[0].0
    }
}

impl FromStr for Mix {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mut calls = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let found = Call::ALL.iter().find(|(known, _)| *known == name);
            let Some(&(_, call)) = found else {
                let known = Call::ALL.map(|(name, _)| name).join(", ");
                bail!("`{name}` is none of {known}");
            };
            let weight: u32 = weight
                .parse()
                .with_context(|| format!("`{weight}` is no weight: a whole number"))?;
            if weight == 0 || weight > 1000 {
                bail!("a weight is from 1 to 1000");
            }
            calls.push((call, weight));
        }
        Ok(Self(calls))
    }
}

/// Calls by a mix, each time as another one of some people, over one connection.
#[derive(Debug)]
pub struct Caller {
    mix: Mix,
    people: Arc<Vec<Person>>,
    channel: Channel,
    watcher: Option<Watcher>,
    steps: usize,
}

/// So many callers over so many connections.
///
/// # Errors
/// The gateway does not answer, or a stream could not be opened.
pub async fn callers(
    target: &Target,
    people: &Arc<Vec<Person>>,
    mix: &Mix,
    number: usize,
    connections: usize,
) -> anyhow::Result<Vec<Caller>> {
    let channels = target.connections(connections).await?;
    let mut callers = Vec::new();
    for n in 0..number {
        let channel = channels[n % connections].clone();
        let mut watcher = None;
        if mix.has(Call::Watch) {
            watcher = Some(Watcher::open(&people[n % people.len()], &channel).await?);
        }
        callers.push(Caller {
            mix: mix.clone(),
            people: Arc::clone(people),
            channel,
            watcher,
            steps: n,
        });
    }
    Ok(callers)
}

impl Caller {
    fn someone(&self) -> &Person {
        &self.people[rand::random_range(0..self.people.len())]
    }

    fn client(&self) -> Client {
        self.someone().over(&self.channel)
    }

    async fn call(&mut self, call: Call) -> Result<(), Status> {
        match call {
            Call::Send => self.send().await,
            Call::List => self.list().await,
            Call::Get => self.get().await,
            Call::Search => self.search().await,
            Call::Modify => self.modify().await,
            Call::Folders => {
                let mut mail = self.client().mail();
                mail.list_folders(ListFoldersRequest {}).await.map(drop)
            }
            Call::Mailbox => {
                let mut mail = self.client().mail();
                mail.get_mailbox(GetMailboxRequest {}).await.map(drop)
            }
            Call::Watch => {
                let sender = self.client();
                match &mut self.watcher {
                    Some(watcher) => watcher.hear_of_a_send(&sender).await,
                    None => Err(Status::internal("no stream")),
                }
            }
            Call::Login => {
                let (person, client) = (self.someone(), Client::new(self.channel.clone()));
                client
                    .log_in(&person.name, &person.password)
                    .await
                    .map(drop)
            }
        }
    }

    async fn send(&self) -> Result<(), Status> {
        let from = rand::random_range(0..self.people.len());
        let to = (from + rand::random_range(1..self.people.len().max(2))) % self.people.len();
        let mut client = self.people[from].over(&self.channel).mail();
        let request = mail(&self.people[to].name, rand::random_range(0..usize::MAX));
        client.send_message(request).await.map(drop)
    }

    async fn list(&self) -> Result<(), Status> {
        let person = self.someone();
        let request = ListMessagesRequest {
            folder_role: FolderRole::Inbox.into(),
            ..Default::default()
        };
        let mut grpc = Grpc::new(person.over(&self.channel).service());
        let ready = grpc.ready().await;
        ready.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = PathAndQuery::from_static("/turbomessage.mail.v1.MailService/ListMessages");
        let codec = ProstCodec::<ListMessagesRequest, Page>::default();
        let answer = grpc.unary(request.into_request(), path, codec).await?;
        let (found, known) = (answer.get_ref().messages.len(), person.messages.len());
        if found < known.min(PAGE) {
            let missing = format!("a page of {found} messages where there are {known}");
            return Err(Status::data_loss(missing));
        }
        Ok(())
    }

    async fn get(&self) -> Result<(), Status> {
        let person = self.someone();
        let request = GetMessageRequest {
            message_id: known_message(person)?,
            ..Default::default()
        };
        let mut mail = person.over(&self.channel).mail();
        mail.get_message(request).await.map(drop)
    }

    async fn search(&self) -> Result<(), Status> {
        // Ranks grow by powers: as many searches for common words as for rare ones.
        let rank = 1_u64 << rand::random_range(0..14);
        let request = SearchMessagesRequest {
            query: letters::word(rank),
            ..Default::default()
        };
        let mut mail = self.client().mail();
        mail.search_messages(request).await.map(drop)
    }

    async fn modify(&self) -> Result<(), Status> {
        let person = self.someone();
        let request = ModifyMessagesRequest {
            message_ids: vec![known_message(person)?],
            set_read: Some(rand::random()),
            ..Default::default()
        };
        let mut mail = person.over(&self.channel).mail();
        mail.modify_messages(request).await.map(drop)
    }
}

impl Worker for Caller {
    async fn step(&mut self) -> (&'static str, Result<(), String>) {
        self.steps += 1;
        let call = self.mix.pick(rand::random());
        let result = self.call(call).await;
        (call.name(), result.map_err(|status| tell(&status)))
    }
}

/// How many messages a page has, unless more or fewer are asked for.
const PAGE: usize = 50;

/// A page whose messages are counted and not read, as those of the IMAP servers beside ours are.
#[derive(Clone, PartialEq, prost::Message)]
struct Page {
    /// Those of a `ListMessagesResponse`, encoded.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    messages: Vec<Bytes>,
}

fn known_message(person: &Person) -> Result<String, Status> {
    if person.messages.is_empty() {
        return Err(Status::failed_precondition("no messages: use --messages"));
    }
    let index = rand::random_range(0..person.messages.len());
    Ok(person.messages[index].clone())
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use turbomessage_proto::mail_v1::{ListMessagesResponse, Message};

    use super::*;

    #[test]
    fn messages_of_a_page_are_counted() {
        let answer = ListMessagesResponse {
            messages: vec![Message::default(); 3],
            next_page_token: "next".into(),
        };
        let page = Page::decode(answer.encode_to_vec().as_slice()).unwrap();
        assert_eq!(page.messages.len(), 3);
    }

    #[test]
    fn a_mix_is_calls_with_weights() {
        let mix: Mix = "send=3,list".parse().unwrap();
        assert_eq!(mix, Mix(vec![(Call::Send, 3), (Call::List, 1)]));
        let lots = (0..8).map(|lot| mix.pick(lot));
        let sends = lots.filter(|call| *call == Call::Send).count();
        assert_eq!(sends, 6);
        for wrong in ["", "fly", "send=0", "send=x", "send=1,,list=1"] {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_call_has_a_name() {
        for (name, call) in Call::ALL {
            assert_eq!(call.name(), name);
            assert_eq!(name.parse::<Mix>().unwrap(), Mix::only(call));
        }
    }
}
