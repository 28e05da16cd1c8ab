//! The services as other parts of the system see them: generated clients over the whole service,
//! in this process, with stores in files and a clock that stands still.

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use clap::Parser;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Code, Request, Response, Status};
use turbomessage_proto::{
    auth_internal_v1::{
        directory_service_client::DirectoryServiceClient,
        session_service_client::SessionServiceClient,
    },
    auth_v1::{
        GetAccountRequest, LoginRequest, LoginResponse, RegisterRequest, RegisterResponse,
        auth_service_client::AuthServiceClient,
    },
};
use turbomessage_service_kit::{
    clock::{ManualClock, Timestamp},
    problem::{Reason, reason_of},
    upstream::{GrpcService, Upstream},
};

use crate::{Config, build};

mod accounts;
mod directory;
mod logins;
mod sessions;
mod stores;
mod tickets;

const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const PASSWORD: &str = "correct horse battery staple";

/// A running auth-service.
struct Running {
    auth: AuthServiceClient<GrpcService>,
    sessions: SessionServiceClient<GrpcService>,
    directory: DirectoryServiceClient<GrpcService>,
    clock: Arc<ManualClock>,
    upstream: Upstream,
    shutdown: CancellationToken,
    _stop: DropGuard,
    data: Arc<tempfile::TempDir>,
}

async fn start() -> Running {
    start_in(Arc::new(tempfile::tempdir().unwrap()), &[]).await
}

/// With settings other than those for a system in one process.
async fn start_with(settings: &[&str]) -> Running {
    start_in(Arc::new(tempfile::tempdir().unwrap()), settings).await
}

async fn start_in(data: Arc<tempfile::TempDir>, settings: &[&str]) -> Running {
    let clock = ManualClock::at(START);
    let shutdown = CancellationToken::new();
    let config = if settings.is_empty() {
        Config::embedded(data.path())
    } else {
        parse(data.path(), settings)
    };
    let routes = build(config, Arc::clone(&clock) as _, shutdown.clone())
        .await
        .unwrap();
    let upstream = Upstream::local(routes);
    Running {
        auth: AuthServiceClient::new(upstream.calls()),
        sessions: SessionServiceClient::new(upstream.calls()),
        directory: DirectoryServiceClient::new(upstream.calls()),
        clock,
        upstream,
        _stop: shutdown.clone().drop_guard(),
        shutdown,
        data,
    }
}

fn parse(data: &Path, settings: &[&str]) -> Config {
    #[derive(clap::Parser)]
    struct Args {
        #[command(flatten)]
        config: Config,
    }
    let file = |setting, name| format!("--{setting}=sqlite:{}", data.join(name).display());
    let stores = [
        file("database-url", "accounts.db"),
        file("session-store-url", "sessions.db"),
    ];
    let settings = settings.iter().map(|s| (*s).to_owned());
    let args = std::iter::once("auth".to_owned())
        .chain(stores)
        .chain(settings);
    Args::try_parse_from(args).unwrap().config
}

impl Running {
    async fn register(&self, username: &str) -> RegisterResponse {
        let request = RegisterRequest {
            username: username.into(),
            password: PASSWORD.into(),
            ..Default::default()
        };
        self.auth
            .clone()
            .register(request)
            .await
            .unwrap()
            .into_inner()
    }

    async fn login(&self, username: &str, password: &str) -> Result<LoginResponse, Status> {
        self.login_from("192.0.2.1", username, password).await
    }

    async fn login_from(
        &self,
        address: &str,
        username: &str,
        password: &str,
    ) -> Result<LoginResponse, Status> {
        let mut request = Request::new(LoginRequest {
            username: username.into(),
            password: password.into(),
            device_name: "phone".into(),
        });
        let address = address.parse().unwrap();
        request
            .metadata_mut()
            .insert("x-tm-client-address", address);
        self.auth
            .clone()
            .login(request)
            .await
            .map(Response::into_inner)
    }

    /// Whether `token` opens a session.
    async fn opens(&self, token: &str) -> bool {
        let mut auth = self.auth.clone();
        match auth
            .get_account(with_token(token, GetAccountRequest {}))
            .await
        {
            Ok(_) => true,
            Err(status) => {
                assert_eq!(reason(&status), Reason::SessionInvalid);
                false
            }
        }
    }
}

fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

fn reason(status: &Status) -> Reason {
    reason_of(status).unwrap_or_else(|| panic!("no reason in {status:?}"))
}

#[track_caller]
fn refused<T>(result: Result<T, Status>) -> Status {
    match result {
        Ok(_) => panic!("the call went through"),
        Err(status) => {
            assert_ne!(status.code(), Code::Internal);
            status
        }
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, work).await.expect("in time")
}
