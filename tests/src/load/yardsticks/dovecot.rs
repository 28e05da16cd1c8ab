//! Dovecot of Debian in a container (`tests/containers/dovecot`).

use testcontainers::core::WaitFor;

use super::{
    imap::{Command, Reader},
    lmtp::Deliverer,
};
use crate::{
    containers::{Server, image},
    eventually::{SOON, eventually},
    load::processes::Processes,
};

const LMTP: u16 = 24;
const IMAP: u16 = 143;
/// Sessions that fill mailboxes.
const FILLING: usize = 8;

/// A server with as many mailboxes as anybody names.
#[derive(Debug)]
pub struct Dovecot {
    server: Server,
    /// What it takes.
    pub processes: Processes,
    /// Its version, and how it keeps mail.
    pub about: String,
}

impl Dovecot {
    /// A new one.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start() -> anyhow::Result<Self> {
        let image = image("dovecot", "2", LMTP, WaitFor::Nothing);
        let mut server = Server::start(image, LMTP).await;
        server.go_direct().await?;
        let processes = Processes::default().with("Dovecot", server.process().await?);
        let settings = server.exec(&["doveconf", "mail_location", "mail_fsync"]);
        let settings = settings.await?.trim().replace('\n', ", ");
        let version = server.exec(&["dovecot", "--version"]).await?;
        let dovecot = Self {
            server,
            processes,
            about: format!("Dovecot {} ({settings})", version.trim()),
        };
        eventually("Dovecot greets", SOON, async || {
            dovecot.deliverer(2).await.ok()
        })
        .await;
        Ok(dovecot)
    }

    /// A session that delivers to so many mailboxes.
    ///
    /// # Errors
    /// The server does not greet.
    pub async fn deliverer(&self, mailboxes: usize) -> anyhow::Result<Deliverer> {
        Deliverer::open((self.server.host(), LMTP), mailboxes).await
    }

    /// A session that reads in the mailbox with this number.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn reader(&self, mailbox: usize, command: Command) -> anyhow::Result<Reader> {
        Reader::open((self.server.host(), IMAP), mailbox, command).await
    }

    /// Delivers so many messages to each of so many mailboxes.
    ///
    /// # Errors
    /// A delivery was refused.
    pub async fn fill(&self, mailboxes: usize, messages: usize) -> anyhow::Result<()> {
        let mut filling = tokio::task::JoinSet::new();
        for session in 0..FILLING {
            let mut deliverer = self.deliverer(mailboxes).await?;
            let pairs = (0..messages * mailboxes / 2).skip(session).step_by(FILLING);
            filling.spawn(async move {
                for n in pairs {
                    let first = n * 2 % mailboxes;
                    deliverer.deliver([first, (first + 1) % mailboxes]).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(filled) = filling.join_next().await {
            filled??;
        }
        Ok(())
    }
}
