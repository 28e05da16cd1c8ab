//! A bare tonic server that answers every call of `MailService` with what it was sent, and who calls it:
//! directly, through a gateway, or through a gateway in the same process.
//!
//! The server has the HTTP/2 settings of the services and nothing else of theirs.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    path::Path,
    task::{Context, Poll},
    time::Duration,
};

use anyhow::Context as _;
use http::uri::PathAndQuery;
use tokio::{net::TcpListener, process::Child, process::Command};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::{BoxFuture, Service},
    metadata::AsciiMetadataValue,
    server::{Grpc, NamedService, UnaryService},
    service::Routes,
    transport::{Channel, Server, server::TcpIncoming},
};
use tonic_health::ServingStatus;
use tonic_prost::ProstCodec;
use turbomessage_auth_service as auth_service;
use turbomessage_gateway as gateway;
use turbomessage_proto::mail_v1::mail_service_server::SERVICE_NAME;
use turbomessage_service_kit::{
    clock::SystemClock,
    server::{EDGE_STREAMS, INNER_STREAMS, serve},
    upstream::Upstream,
};

use crate::load::{
    drive::Worker,
    people::{Target, tell},
    processes::Processes,
    systems,
};

/// Bytes that are sent, and come back.
pub const ECHO_BYTES: usize = 1024;
/// A method that the gateway hands on.
const METHOD: &str = "/turbomessage.mail.v1.MailService/GetMailbox";
/// What the line begins with in which a server of this module says where it listens.
const LISTENING: &str = "listening on ";

#[derive(Debug, Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = SERVICE_NAME;
}

struct Same;

impl UnaryService<Vec<u8>> for Same {
    type Response = Vec<u8>;
    type Future = Ready<Result<Response<Vec<u8>>, Status>>;

    fn call(&mut self, request: Request<Vec<u8>>) -> Self::Future {
        ready(Ok(Response::new(request.into_inner())))
    }
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<Vec<u8>, Vec<u8>>::default());
            Ok(grpc.unary(Same, request).await)
        })
    }
}

/// With the health that a gateway asks for.
async fn routes() -> Routes {
    let (reporter, health) = tonic_health::server::health_reporter();
    for name in ["", SERVICE_NAME] {
        reporter
            .set_service_status(name, ServingStatus::Serving)
            .await;
    }
    Routes::new(Echo).add_service(health)
}

/// Serves on a free port, which it prints, until the process is ended.
///
/// # Errors
/// It cannot listen.
pub async fn serve_echo(print: fn(&str)) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    print(&format!("{LISTENING}{}", listener.local_addr()?));
    // As in `service_kit::server::serve`.
    Server::builder()
        .max_concurrent_streams(INNER_STREAMS)
        .http2_max_header_list_size(16 * 1024)
        .http2_max_local_error_reset_streams(Some(1024))
        .http2_max_pending_accept_reset_streams(Some(20))
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .add_routes(routes().await)
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await?;
    Ok(())
}

/// The same behind auth-service and gateway in one process, wired as `tm dev` wires its services.
///
/// # Errors
/// It cannot be built, or cannot listen.
pub async fn serve_echo_behind_edge(data: &Path, print: fn(&str)) -> anyhow::Result<()> {
    let (clock, stop) = (SystemClock::shared(), CancellationToken::new());
    let config = auth_service::Config::embedded(data);
    let auth = auth_service::build(config, clock.clone(), stop.clone()).await?;
    let upstreams = gateway::Upstreams {
        auth: Upstream::local(auth),
        mail: Upstream::local(routes().await),
    };
    let edge = gateway::build(gateway::Config::default(), upstreams, clock, stop.clone()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    print(&format!("{LISTENING}{}", listener.local_addr()?));
    serve(listener, edge, EDGE_STREAMS, stop, Duration::from_secs(1)).await
}

/// A process of this program with one of the two servers above.
#[derive(Debug)]
pub struct EchoServer {
    /// Where it is.
    pub target: Target,
    /// Its address.
    pub address: SocketAddr,
    /// What it takes.
    pub processes: Processes,
    _child: Child,
    _data: tempfile::TempDir,
}

impl EchoServer {
    /// Starts this program again with the arguments that make it the server `name`.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(name: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).env("TMPDIR", data.path());
        let find = |line: &str| Some(line.strip_prefix(LISTENING)?.to_owned());
        let (child, address) = systems::spawn(command, find).await?;
        let id = child.id().context("it has ended")?;
        Ok(Self {
            target: Target::new(&format!("http://{address}"), None)?,
            address: address.parse()?,
            processes: Processes::default().with(name, id),
            _child: child,
            _data: data,
        })
    }
}

/// Calls an echo.
#[derive(Debug)]
pub struct EchoCaller {
    grpc: tonic::client::Grpc<Channel>,
    token: Option<AsciiMetadataValue>,
    data: Vec<u8>,
}

impl EchoCaller {
    /// Over `channel`, with this session's token if there is a gateway to look at it.
    ///
    /// # Errors
    /// The token is none.
    pub fn new(channel: &Channel, token: Option<&str>) -> anyhow::Result<Self> {
        let token = token.map(|token| format!("Bearer {token}").parse());
        Ok(Self {
            grpc: tonic::client::Grpc::new(channel.clone()),
            token: token.transpose()?,
            data: vec![b'x'; ECHO_BYTES],
        })
    }

    async fn call(&mut self) -> Result<(), Status> {
        let mut request = Request::new(self.data.clone());
        if let Some(token) = &self.token {
            let metadata = request.metadata_mut();
            metadata.insert("authorization", token.clone());
        }
        self.grpc
            .ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let codec = ProstCodec::<Vec<u8>, Vec<u8>>::default();
        let path = PathAndQuery::from_static(METHOD);
        let answer = self.grpc.unary(request, path, codec).await?;
        if answer.get_ref().len() == ECHO_BYTES {
            Ok(())
        } else {
            Err(Status::data_loss("not what was sent"))
        }
    }
}

impl Worker for EchoCaller {
    async fn step(&mut self) -> (&'static str, Result<(), String>) {
        let result = self.call().await;
        ("echo", result.map_err(|status| tell(&status)))
    }
}
