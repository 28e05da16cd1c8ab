//! gRPC-Web for browsers, and which pages may use it.

use std::{sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderName, Method, Uri,
    header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN},
};
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::Layer;
use tower_http::cors::{AllowOrigin, Cors, CorsLayer};

use crate::config::Origin;

/// How long a browser remembers that it may call.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// A gRPC service for browsers too.
pub(crate) type Web<S> = Cors<GrpcWebService<S>>;

/// The origins whose pages may call.
#[derive(Debug)]
pub(crate) struct Origins(Vec<Origin>);

impl Origins {
    pub(crate) fn new(allowed: Vec<Origin>) -> Self {
        Self(allowed)
    }

    /// Whether a request with these headers may come in: from one of the origins, from a page of
    /// the gateway's own, or from no page at all.
    pub(crate) fn allow(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let Some(origin) = headers.get(ORIGIN) else {
            return true;
        };
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let own = uri
            .authority()
            .map(http::uri::Authority::as_str)
            .or_else(|| headers.get(HOST)?.to_str().ok());
        let host = origin.split_once("://").map(|(_, host)| host);
        let is_own = matches!((host, own), (Some(a), Some(b)) if a.eq_ignore_ascii_case(b));
        is_own || self.0.iter().any(|allowed| allowed.as_str() == origin)
    }
}

/// Lays gRPC-Web and CORS over `service`.
pub(crate) fn layer<S: Clone>(origins: Arc<Origins>, service: S) -> Web<S>
where
    GrpcWebLayer: Layer<S, Service = GrpcWebService<S>>,
{
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |_, request| {
            origins.allow(&request.headers, &request.uri)
        }))
        .allow_methods([Method::POST])
        .allow_headers(
            [CONTENT_TYPE, AUTHORIZATION, ACCEPT_LANGUAGE]
                .into_iter()
                .chain(REQUEST_HEADERS)
                .collect::<Vec<_>>(),
        )
        .expose_headers(RESPONSE_HEADERS)
        .max_age(MAX_AGE);
    cors.layer(GrpcWebLayer::new().layer(service))
}

const REQUEST_HEADERS: [HeaderName; 6] = [
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

const RESPONSE_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];
