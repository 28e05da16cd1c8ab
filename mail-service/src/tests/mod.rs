//! The service as its callers see it, with an auth-service made up.

mod access;
mod auth;
mod changes;
mod directory;
mod drafts;
mod folders;
mod reading;
mod searching;
mod sending;
mod threads;
mod watching;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Status};
use tonic_types::StatusExt;
use turbomessage_proto::mail_v1::{
    Body, FolderRole, ListMessagesRequest, Message, SendMessageRequest,
    mail_service_client::MailServiceClient,
};
use turbomessage_service_kit::{
    clock::{ManualClock, SharedClock, Timestamp},
    problem::{Reason, reason_of},
    settings::Secret,
    ticket::{self, TicketKey},
    upstream::{GrpcService, Upstream},
};
use uuid::Uuid;

use self::auth::FakeAuth;
use crate::{Config, build};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// Somebody with an account.
#[derive(Debug, Clone)]
struct Person {
    id: Uuid,
    name: String,
}

/// mail-service in this process, and what is around it.
struct World {
    auth: FakeAuth,
    key: TicketKey,
    clock: Arc<ManualClock>,
    mail: MailServiceClient<GrpcService>,
    directory: Arc<TempDir>,
    _stop: DropGuard,
}

impl World {
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let (auth, key) = (FakeAuth::new(), TicketKey::generate());
        auth.announce(&[&key]);
        Self::serve(auth, key, Arc::new(tempfile::tempdir().unwrap()), change).await
    }

    /// The same again: what was stored is there, what was remembered is not.
    async fn restart(self) -> Self {
        let (auth, key, directory) = (self.auth.clone(), self.key, Arc::clone(&self.directory));
        drop(self.mail);
        Self::serve(auth, key, directory, |_| {}).await
    }

    async fn serve(
        auth: FakeAuth,
        key: TicketKey,
        directory: Arc<TempDir>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config::embedded(directory.path());
        change(&mut config);
        let clock = ManualClock::at(NOW);
        let stop = CancellationToken::new();
        let shared: SharedClock = Arc::clone(&clock) as SharedClock;
        let routes = build(config, auth.upstream(), shared, stop.clone()).await;
        let mail = MailServiceClient::new(Upstream::local(routes.unwrap()).calls());
        Self {
            auth,
            key,
            clock,
            mail,
            directory,
            _stop: stop.drop_guard(),
        }
    }

    /// How many segments of the index of search somebody has.
    async fn segments(&self, person: &Person) -> usize {
        let file = self.directory.path().join("mail.db");
        let url = Secret::new(format!("sqlite:{}", file.display()));
        let store = crate::store::open(&url).await.unwrap();
        store.segments(person.id).await.unwrap().len()
    }

    fn mail(&self) -> MailServiceClient<GrpcService> {
        self.mail.clone()
    }

    fn person(&self, name: &str) -> Person {
        let id = Uuid::new_v4();
        self.auth.add(id, name, &format!("{name} the person"));
        let name = name.into();
        Person { id, name }
    }

    fn people<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        names.map(|name| self.person(name))
    }

    fn ticket(&self, person: &Person) -> String {
        let now = turbomessage_service_kit::clock::Clock::now(&*self.clock);
        self.key.sign(person.id, Uuid::nil(), now).0
    }

    /// A request by somebody with a good ticket.
    fn by<T>(&self, person: &Person, message: T) -> Request<T> {
        with_ticket(message, &self.ticket(person))
    }

    async fn try_send(
        &self,
        from: &Person,
        message: SendMessageRequest,
    ) -> Result<Message, Status> {
        let response = self.mail().send_message(self.by(from, message)).await?;
        Ok(response.into_inner().message.unwrap())
    }

    async fn send(&self, from: &Person, to: &[&Person]) -> Message {
        self.try_send(from, letter(to)).await.unwrap()
    }

    async fn list(&self, person: &Person, role: FolderRole) -> Vec<Message> {
        let request = ListMessagesRequest {
            folder_role: role.into(),
            page_size: 500,
            ..ListMessagesRequest::default()
        };
        let response = self.mail().list_messages(self.by(person, request)).await;
        response.unwrap().into_inner().messages
    }

    async fn inbox(&self, person: &Person) -> Vec<Message> {
        self.list(person, FolderRole::Inbox).await
    }
}

fn with_ticket<T>(message: T, ticket: &str) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert(ticket::HEADER, ticket.parse().unwrap());
    request
}

fn letter(to: &[&Person]) -> SendMessageRequest {
    SendMessageRequest {
        to: to.iter().map(|person| person.name.clone()).collect(),
        subject: "A letter".into(),
        body: Some(Body {
            text: "Hello".into(),
            html: String::new(),
        }),
        ..SendMessageRequest::default()
    }
}

fn reason<T: std::fmt::Debug>(result: &Result<T, Status>) -> Option<Reason> {
    reason_of(result.as_ref().unwrap_err())
}

fn metadata(status: &Status) -> HashMap<String, String> {
    status.get_details_error_info().unwrap().metadata
}

/// The fields that a status complains of.
fn fields(status: &Status) -> Vec<String> {
    let details = status.get_details_bad_request().unwrap();
    let violations = details.field_violations.into_iter();
    violations.map(|violation| violation.field).collect()
}

/// Waits until `attempt` has an answer: for what happens without anybody being told.
async fn eventually<T, F: Future<Output = Option<T>>>(attempt: impl Fn() -> F) -> T {
    let patience = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            if let Some(answer) = attempt().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    patience.await.unwrap()
}
