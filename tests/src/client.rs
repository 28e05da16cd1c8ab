//! People who call.

use std::net::IpAddr;

use tonic::{
    Request, Status, Streaming,
    metadata::{AsciiMetadataKey, AsciiMetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};
use turbomessage_proto::{
    auth_v1::{
        LoginRequest, LoginResponse, RegisterRequest, RegisterResponse, Session,
        auth_service_client::AuthServiceClient,
    },
    mail_v1::{
        Body, Folder, FolderRole, GetMailboxRequest, GetMessageRequest, ListChangesRequest,
        ListChangesResponse, ListFoldersRequest, ListMessagesRequest, Message, SendMessageRequest,
        WatchMailboxRequest, WatchMailboxResponse, mail_service_client::MailServiceClient,
    },
};
use uuid::Uuid;

use crate::stack::Edge;

/// `AuthService` as one caller sees it.
pub type AuthClient = AuthServiceClient<InterceptedService<Channel, Metadata>>;
/// `MailService` as one caller sees it.
pub type MailClient = MailServiceClient<InterceptedService<Channel, Metadata>>;

/// What a caller says with every call.
#[derive(Debug, Clone, Default)]
pub struct Metadata(Vec<(AsciiMetadataKey, AsciiMetadataValue)>);

impl Interceptor for Metadata {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        for (name, value) in &self.0 {
            request.metadata_mut().append(name.clone(), value.clone());
        }
        Ok(request)
    }
}

/// A connection, and what is said with every call on it.
#[derive(Debug, Clone)]
pub struct Client {
    /// The connection.
    pub channel: Channel,
    metadata: Metadata,
}

impl Client {
    /// Calls over `channel`, without a token.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        let metadata = Metadata::default();
        Self { channel, metadata }
    }

    /// Calls with this header too.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = value.parse().expect("a header's value");
        self.metadata
            .0
            .push((AsciiMetadataKey::from_static(name), value));
        self
    }

    /// Calls with this session token.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// Any service.
    #[must_use]
    pub fn service(&self) -> InterceptedService<Channel, Metadata> {
        InterceptedService::new(self.channel.clone(), self.metadata.clone())
    }

    /// The accounts' service.
    #[must_use]
    pub fn auth(&self) -> AuthClient {
        AuthClient::new(self.service())
    }

    /// The mailboxes' service; answers may be of any size.
    #[must_use]
    pub fn mail(&self) -> MailClient {
        MailClient::new(self.service()).max_decoding_message_size(usize::MAX)
    }

    /// Opens an account.
    ///
    /// # Errors
    /// As the call ends.
    pub async fn register(&self, name: &str, password: &str) -> Result<RegisterResponse, Status> {
        let request = RegisterRequest {
            username: name.into(),
            password: password.into(),
            ..Default::default()
        };
        Ok(self.auth().register(request).await?.into_inner())
    }

    /// Logs in.
    ///
    /// # Errors
    /// As the call ends.
    pub async fn log_in(&self, name: &str, password: &str) -> Result<LoginResponse, Status> {
        let request = LoginRequest {
            username: name.into(),
            password: password.into(),
            device_name: String::new(),
        };
        Ok(self.auth().login(request).await?.into_inner())
    }
}

/// A username that nobody has.
#[must_use]
pub fn fresh_name() -> String {
    let id = Uuid::new_v4().simple().to_string();
    format!("user-{}", &id[..16])
}

/// A password that is hard enough to guess.
#[must_use]
pub fn fresh_password() -> String {
    format!("Pw {}", Uuid::new_v4())
}

/// Somebody with an account, logged in.
#[derive(Debug, Clone)]
pub struct User {
    /// A connection with the token.
    pub client: Client,
    /// Names the account to others.
    pub name: String,
    /// Opens sessions.
    pub password: String,
    /// Names the account for ever.
    pub account_id: String,
    /// The session that the token is for.
    pub session: Session,
    /// The token itself.
    pub token: String,
}

impl User {
    /// A new account at `edge`, with a connection of its own.
    pub async fn register(edge: &Edge) -> Self {
        let client = edge.client().await;
        let (name, password) = (fresh_name(), fresh_password());
        let opened = client
            .register(&name, &password)
            .await
            .expect("a registration");
        Self {
            client: client.with_token(&opened.session_token),
            name,
            password,
            account_id: opened.account.expect("an account").account_id,
            session: opened.session.expect("a session"),
            token: opened.session_token,
        }
    }

    /// The same person in another session, calling from `from` if given.
    pub async fn log_in_again(&self, edge: &Edge, from: Option<IpAddr>) -> Self {
        let client = edge.client_from(from).await;
        let opened = client
            .log_in(&self.name, &self.password)
            .await
            .expect("a login");
        Self {
            client: client.with_token(&opened.session_token),
            session: opened.session.expect("a session"),
            token: opened.session_token,
            ..self.clone()
        }
    }

    /// The same session at another edge, or over another connection.
    pub async fn at(&self, edge: &Edge) -> Self {
        Self {
            client: edge.client().await.with_token(&self.token),
            ..self.clone()
        }
    }

    /// The caller's view of the accounts' service.
    #[must_use]
    pub fn auth(&self) -> AuthClient {
        self.client.auth()
    }

    /// The caller's view of the mailboxes' service.
    #[must_use]
    pub fn mail(&self) -> MailClient {
        self.client.mail()
    }

    /// Sends a text; answers with the sender's copy.
    ///
    /// # Errors
    /// As the call ends.
    pub async fn send(&self, to: &[&Self], subject: &str, text: &str) -> Result<Message, Status> {
        self.send_request(letter(to, subject, text)).await
    }

    /// Sends anything; answers with the sender's copy.
    ///
    /// # Errors
    /// As the call ends.
    pub async fn send_request(&self, request: SendMessageRequest) -> Result<Message, Status> {
        let sent = self.mail().send_message(request).await?.into_inner();
        Ok(sent.message.expect("the sender's copy"))
    }

    /// A whole message.
    ///
    /// # Errors
    /// As the call ends.
    pub async fn get(&self, message_id: &str) -> Result<Message, Status> {
        let request = GetMessageRequest {
            message_id: message_id.into(),
            ..Default::default()
        };
        let got = self.mail().get_message(request).await?.into_inner();
        Ok(got.message.expect("a message"))
    }

    /// The newest messages of a standard folder, up to 500.
    ///
    /// # Errors
    /// As the call ends.
    pub async fn list(&self, role: FolderRole) -> Result<Vec<Message>, Status> {
        let request = ListMessagesRequest {
            folder_role: role.into(),
            page_size: 500,
            ..Default::default()
        };
        Ok(self
            .mail()
            .list_messages(request)
            .await?
            .into_inner()
            .messages)
    }

    /// All messages of a folder, by pages.
    ///
    /// # Errors
    /// As the first call that fails ends.
    pub async fn list_all(&self, folder_id: &str) -> Result<Vec<Message>, Status> {
        let mut all = Vec::new();
        let mut request = ListMessagesRequest {
            folder_id: folder_id.into(),
            page_size: 500,
            ..Default::default()
        };
        loop {
            let page = self.mail().list_messages(request.clone()).await?;
            let page = page.into_inner();
            all.extend(page.messages);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// All folders.
    ///
    /// # Errors
    /// As the call ends.
    pub async fn folders(&self) -> Result<Vec<Folder>, Status> {
        let found = self.mail().list_folders(ListFoldersRequest {}).await?;
        Ok(found.into_inner().folders)
    }

    /// Where the mailbox' history is.
    ///
    /// # Errors
    /// As the call ends.
    pub async fn state(&self) -> Result<String, Status> {
        let found = self.mail().get_mailbox(GetMailboxRequest {}).await?;
        Ok(found.into_inner().mailbox.expect("a mailbox").state)
    }

    /// What changed after `since`, up to `page_size` entries of the history.
    ///
    /// # Errors
    /// As the call ends.
    pub async fn changes(
        &self,
        since: &str,
        page_size: i32,
    ) -> Result<ListChangesResponse, Status> {
        let since_state = since.into();
        let request = ListChangesRequest {
            since_state,
            page_size,
        };
        Ok(self.mail().list_changes(request).await?.into_inner())
    }

    /// Watches the mailbox from `since` on, or from now on if that is empty.
    ///
    /// # Errors
    /// As the call ends before the stream begins.
    pub async fn watch(&self, since: &str) -> Result<Streaming<WatchMailboxResponse>, Status> {
        let since_state = since.into();
        let request = WatchMailboxRequest { since_state };
        Ok(self.mail().watch_mailbox(request).await?.into_inner())
    }

    /// The newest messages of the Inbox, up to 500.
    pub async fn inbox(&self) -> Vec<Message> {
        self.list(FolderRole::Inbox).await.expect("the inbox")
    }
}

/// A request to send a text.
#[must_use]
pub fn letter(to: &[&User], subject: &str, text: &str) -> SendMessageRequest {
    SendMessageRequest {
        to: to.iter().map(|user| user.name.clone()).collect(),
        subject: subject.into(),
        body: Some(Body {
            text: text.into(),
            html: String::new(),
        }),
        ..Default::default()
    }
}
