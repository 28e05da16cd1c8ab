//! Who calls: accounts, and connections that they share.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt, stream};
use tonic::{
    Code, Status,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
use tonic_types::StatusExt;
use turbomessage_proto::mail_v1::{Body, FolderRole, ListMessagesRequest, SendMessageRequest};
use uuid::Uuid;

use super::letters::letter;
use crate::{
    Client,
    client::{fresh_name, fresh_password},
};

/// Where systems keep the certificates that they trust.
const SYSTEM_CERTIFICATES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];
/// Registrations at once: each hashes a password.
const REGISTRATIONS: usize = 4;
/// Sends at once while mailboxes are filled.
const FILLING: usize = 64;

/// A gateway.
#[derive(Debug, Clone)]
pub struct Target {
    url: String,
    tls: Option<ClientTlsConfig>,
}

impl Target {
    /// The one at `url`; where that is `https://…`, its certificate has to lead to one in `ca_file`, or
    /// to one that this system trusts.
    ///
    /// # Errors
    /// `url` is none, or there are no certificates.
    pub fn new(url: &str, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        let tls = if url.starts_with("https://") {
            let known = SYSTEM_CERTIFICATES.iter().map(PathBuf::from);
            let file = ca_file.map(Path::to_owned);
            let file = file.or_else(|| known.into_iter().find(|path| path.exists()));
            let file = file.context("no trusted certificates found: give --ca-file")?;
            let pem = std::fs::read(&file).with_context(|| format!("{}", file.display()))?;
            Some(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
        } else if url.starts_with("http://") {
            None
        } else {
            bail!("{url}: a gateway is `http://host:port` or `https://host`");
        };
        let url = url.to_owned();
        Ok(Self { url, tls })
    }

    /// A new connection.
    ///
    /// # Errors
    /// Nothing answers there.
    pub async fn connect(&self) -> anyhow::Result<Channel> {
        let mut endpoint = Endpoint::from_shared(self.url.clone())?.tcp_nodelay(true);
        if let Some(tls) = &self.tls {
            endpoint = endpoint.tls_config(tls.clone())?;
        }
        let channel = endpoint.connect().await;
        channel.with_context(|| format!("no gateway answers at {}", self.url))
    }

    /// So many connections.
    ///
    /// # Errors
    /// Nothing answers there.
    pub async fn connections(&self, number: usize) -> anyhow::Result<Vec<Channel>> {
        let connecting = stream::iter(0..number).map(|_| self.connect());
        connecting.buffered(32).try_collect().await
    }
}

/// Somebody with an account, logged in.
#[derive(Debug, Clone)]
pub struct Person {
    /// Names the account.
    pub name: String,
    /// Opens sessions.
    pub password: String,
    /// The session.
    pub token: String,
    /// Some of the messages in the Inbox.
    pub messages: Vec<String>,
}

impl Person {
    /// Calls as this person over `channel`.
    pub fn over(&self, channel: &Channel) -> Client {
        Client::new(channel.clone()).with_token(&self.token)
    }
}

/// Opens so many accounts.
///
/// # Errors
/// How the first registration that failed did so.
pub async fn register(target: &Target, number: usize) -> anyhow::Result<Vec<Person>> {
    let channel = target.connect().await?;
    let registering = stream::iter(0..number).map(|_| {
        let client = Client::new(channel.clone());
        async move {
            let (name, password) = (fresh_name(), fresh_password());
            let opened = client.register(&name, &password).await;
            let opened = opened.map_err(|status| anyhow::anyhow!("register: {}", tell(&status)))?;
            anyhow::Ok(Person {
                name,
                password,
                token: opened.session_token,
                messages: Vec::new(),
            })
        }
    });
    registering
        .buffer_unordered(REGISTRATIONS)
        .try_collect()
        .await
}

/// Has everybody find `messages` more in the Inbox, sent by the next one, and notes the newest 500.
///
/// # Errors
/// How the first call that failed did so.
pub async fn fill(target: &Target, people: &mut [Person], messages: usize) -> anyhow::Result<()> {
    let channels = target.connections(4).await?;
    let sends = (0..messages).flat_map(|n| (0..people.len()).map(move |to| (n, to)));
    let sending = stream::iter(sends).map(|(n, to)| {
        let from = &people[(to + 1) % people.len()];
        let client = from.over(&channels[to % channels.len()]);
        let request = mail(&people[to].name, n * people.len() + to);
        async move { client.mail().send_message(request).await.map(drop) }
    });
    let sent: Result<(), Status> = sending.buffer_unordered(FILLING).try_collect().await;
    sent.map_err(|status| anyhow::anyhow!("send: {}", tell(&status)))?;
    for person in people {
        person.messages = newest(&person.over(&channels[0])).await?;
    }
    Ok(())
}

async fn newest(client: &Client) -> anyhow::Result<Vec<String>> {
    let request = ListMessagesRequest {
        folder_role: FolderRole::Inbox.into(),
        page_size: 500,
        ..Default::default()
    };
    let page = client.mail().list_messages(request).await;
    let page = page.map_err(|status| anyhow::anyhow!("list: {}", tell(&status)))?;
    let messages = page.into_inner().messages.into_iter();
    Ok(messages.map(|message| message.message_id).collect())
}

/// Letter `number` for `to`, under a request id of its own, as a careful client sends it.
pub fn mail(to: &str, number: usize) -> SendMessageRequest {
    let letter = letter(number);
    SendMessageRequest {
        request_id: Uuid::new_v4().to_string(),
        to: vec![to.to_owned()],
        subject: letter.subject.clone(),
        body: Some(Body {
            text: letter.body.clone(),
            html: String::new(),
        }),
        ..Default::default()
    }
}

/// What failed, in a few words that are the same for everything that failed so.
pub fn tell(status: &Status) -> String {
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone());
    let retry = match details.retry_info() {
        Some(_) => " with RetryInfo",
        None if status.code() == Code::ResourceExhausted => " without RetryInfo",
        None => "",
    };
    match reason {
        Some(reason) => format!("{:?} {reason}{retry}", status.code()),
        None => format!("{:?} {}{retry}", status.code(), status.message()),
    }
}
