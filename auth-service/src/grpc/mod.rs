//! The gRPC services: requests into domain types, answers and problems into messages.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tonic::{
    codec::CompressionEncoding::Gzip, metadata::MetadataMap, server::NamedService,
    service::RoutesBuilder,
};
use turbomessage_proto::{
    auth_internal_v1::{
        directory_service_server::DirectoryServiceServer,
        session_service_server::SessionServiceServer,
    },
    auth_v1::auth_service_server::AuthServiceServer,
};
use turbomessage_service_kit::{
    problem::{Problem, Reason},
    server::MAX_MESSAGE_BYTES,
};

use self::{auth_service::AuthApi, directory_service::DirectoryApi, session_service::SessionApi};
use crate::{
    auth::Auth, directory::Directory, domain::ClientAddress, introspection::Introspection,
};

mod auth_service;
mod convert;
mod directory_service;
mod requests;
mod session_service;
mod watch;

/// The name of the public service, which health is asked about.
pub(crate) const AUTH_SERVICE: &str = <AuthServiceServer<AuthApi> as NamedService>::NAME;

/// The client's address, as the gateway saw it.
const CLIENT_ADDRESS: &str = "x-tm-client-address";
/// Whose sessions a call has ended: the gateway forgets what it knew of that account before it
/// answers the client, and strips the header.
const ENDED_SESSIONS_OF: &str = "x-tm-ended-sessions-of";

macro_rules! with_limits {
    ($server:expr) => {
        $server
            .accept_compressed(Gzip)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES)
    };
}

/// Adds the three services to `routes`. Their streams end with `shutdown`.
pub(crate) fn add_services(
    routes: &mut RoutesBuilder,
    auth: Arc<Auth>,
    introspection: Introspection,
    shutdown: CancellationToken,
) {
    let directory = Directory::new(Arc::clone(&auth.accounts));
    let sessions = SessionApi::new(introspection, Arc::clone(&auth.sessions), shutdown.clone());
    let directory = DirectoryApi::new(directory, shutdown);
    routes
        .add_service(with_limits!(AuthServiceServer::new(AuthApi::new(auth))))
        .add_service(with_limits!(SessionServiceServer::new(sessions)))
        .add_service(with_limits!(DirectoryServiceServer::new(directory)));
}

/// The token in the one `authorization: Bearer <token>`, if there is exactly one: of several, each
/// part of the system could take another.
fn bearer(metadata: &MetadataMap) -> Option<&str> {
    let mut values = metadata.get_all("authorization").iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn client_address(metadata: &MetadataMap) -> ClientAddress {
    ClientAddress::new(metadata.get(CLIENT_ADDRESS).and_then(|v| v.to_str().ok()))
}

/// What ends a stream when the process stops: the same request goes on elsewhere.
fn shutting_down() -> Problem {
    Problem::new(Reason::ShuttingDown).retry_after(std::time::Duration::from_secs(1))
}
