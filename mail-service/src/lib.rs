//! The mailbox of TurboMessage: messages, folders, and the promises about them.

pub mod commit;
mod config;
mod deliverer;
mod directory;
pub mod domain;
mod follower;
mod grpc;
mod indexing;
mod mail;
pub mod search;
pub mod store;
mod sweeper;
#[cfg(test)]
mod tests;
mod tickets;
mod wakeups;

use std::{sync::Arc, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{codec::CompressionEncoding, service::Routes};
use turbomessage_proto::mail_v1::mail_service_server::MailServiceServer;
use turbomessage_service_kit::{
    clock::{Clock, SharedClock, SystemClock},
    health::Health,
    listener::Listener,
    server::{self, INNER_STREAMS, MAX_MESSAGE_BYTES},
    settings::{Secret, ServerArgs},
    upstream::Upstream,
};
use uuid::Uuid;

pub use config::Config;

use crate::{
    commit::{Announce, Writer},
    deliverer::Deliverer,
    directory::Directory,
    follower::Follower,
    grpc::MailGrpc,
    indexing::{Hints, Indexer},
    mail::Mail,
    store::{SharedStore, StoreError},
    sweeper::Sweeper,
    tickets::Tickets,
};

/// The name under which health is asked for.
pub const SERVICE: &str = "turbomessage.mail.v1.MailService";

/// Opens the store (waiting for it, if it does not answer yet), starts the work in the background,
/// which ends with `shutdown`, and answers with what serves `MailService` and `grpc.health.v1`.
///
/// # Errors
/// A setting cannot be used, or `shutdown` came first.
pub async fn build(
    config: Config,
    auth: Upstream,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> anyhow::Result<Routes> {
    let (url, server) = (config.database()?, config.wakeup_server()?);
    let mark = config.restored.as_deref().filter(|mark| !mark.is_empty());
    let store = tokio::select! {
        store = open(&url, mark, &*clock) => store,
        () = shutdown.cancelled() => anyhow::bail!("stopped before the database answered"),
    };
    let defaults = config.defaults();
    let tracker = TaskTracker::new();
    let hints = Hints::new();
    let (hub, announce) = wakeups::start(
        store.clone(),
        server,
        config.wakeup_poll(),
        &tracker,
        shutdown.clone(),
    );
    let writer = Writer::start(
        &store,
        &clock,
        &defaults,
        &both(announce, hints.clone()),
        usize::from(config.writers),
        &tracker,
    );
    let commits = writer.writes();
    let directory = Directory::new(&auth, store.clone());
    let tickets = Tickets::new(&auth, clock.clone());
    let follower = Follower {
        auth,
        store: store.clone(),
        directory: directory.clone(),
        clock: clock.clone(),
        defaults: defaults.clone(),
    };
    tracker.spawn(follower.run(shutdown.clone()));
    let mail = Mail::new(
        store.clone(),
        writer,
        directory.clone(),
        clock.clone(),
        defaults,
        hints.clone(),
    );
    let indexer = Indexer {
        store: store.clone(),
        clock: clock.clone(),
        hints,
    };
    tracker.spawn(indexer.run(shutdown.clone()));
    let sweeper = Sweeper {
        store: store.clone(),
        mail: mail.clone(),
        clock: clock.clone(),
        keeping: config.keeping(),
    };
    tracker.spawn(sweeper.run(shutdown.clone()));
    let deliverer = Deliverer {
        mail: mail.clone(),
        clock,
    };
    tracker.spawn(deliverer.run(shutdown.clone()));

    let health = Health::starting(&[SERVICE]).await;
    let health_service = health.service();
    let (checked, stop) = (store, shutdown.clone());
    tracker.spawn(async move {
        health
            .follow(SERVICE, stop, || async {
                checked.ping().await.is_ok() && commits.are_taken()
            })
            .await;
    });

    let service = MailGrpc::new(mail, directory, tickets, hub, shutdown);
    let service = MailServiceServer::new(service)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    Ok(Routes::new(service).add_service(health_service))
}

/// Who hears of commits: those who watch, and the indexer.
fn both(watchers: Announce, hints: Hints) -> Announce {
    Arc::new(move |changed| {
        watchers(changed);
        hints.changed(changed);
    })
}

/// Serves on `listener` until `shutdown`.
///
/// # Errors
/// See [`build`] and [`server::serve`].
pub async fn serve(
    config: Config,
    server: ServerArgs,
    auth: Upstream,
    listener: Listener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let routes = build(config, auth, SystemClock::shared(), shutdown.clone()).await?;
    server::serve(
        listener,
        routes,
        INNER_STREAMS,
        shutdown,
        server.drain_seconds,
    )
    .await
}

/// Opens the store as soon as it answers; if `mark` says that it was restored, its histories begin anew.
async fn open(url: &Secret, mark: Option<&str>, clock: &dyn Clock) -> SharedStore {
    let mut pause = Duration::from_millis(100);
    loop {
        let opened = async {
            let store = store::open(url).await?;
            if let Some(mark) = mark {
                begin_anew(&store, mark, clock).await?;
            }
            anyhow::Ok(store)
        };
        match opened.await {
            Ok(store) => return store,
            Err(error) => {
                tracing::warn!(error.cause = %format_args!("{error:#}"), "waiting for the database");
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

async fn begin_anew(store: &SharedStore, mark: &str, clock: &dyn Clock) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let begun = transaction
        .begin_anew(mark, Uuid::new_v4(), clock.now())
        .await?;
    transaction.commit().await?;
    if begun {
        tracing::warn!(
            restore.mark = mark,
            "restored from a backup: histories begin anew"
        );
    }
    Ok(())
}
