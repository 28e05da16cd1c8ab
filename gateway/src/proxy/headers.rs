//! Which metadata crosses the edge: from clients only what is on the list, from upstreams
//! everything but what is internal.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, TE, USER_AGENT},
};
use turbomessage_service_kit::listener::Peer;
use uuid::Uuid;

/// What internal headers begin with.
const INTERNAL_PREFIX: &str = "x-tm-";
/// For auth-service: where the client calls from.
const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("x-tm-client-address");
/// From auth-service: whose sessions have ended by this call.
const ENDED_SESSIONS_OF: HeaderName = HeaderName::from_static("x-tm-ended-sessions-of");

/// What clients may say to services. The request id, the deadline, the language and the trace are
/// written anew for every call to another service.
const ALLOWED: [HeaderName; 6] = [
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-accept-encoding"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    ACCEPT_LANGUAGE,
    USER_AGENT,
];

/// The headers for the next service, from those of the client.
pub(super) fn outgoing(from: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    for name in ALLOWED {
        if let Some(value) = from.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers
}

/// What auth-service gets besides: it checks sessions itself, and counts attempts by address.
pub(super) fn for_auth(headers: &mut HeaderMap, from: &HeaderMap, peer: Option<&Peer>) {
    for value in from.get_all(AUTHORIZATION) {
        let mut value = value.clone();
        value.set_sensitive(true);
        headers.append(AUTHORIZATION, value);
    }
    if let Some(address) = peer.map(|peer| peer.client(from).to_string())
        && let Ok(value) = HeaderValue::try_from(address)
    {
        headers.insert(CLIENT_ADDRESS, value);
    }
}

/// The account whose sessions auth-service has ended by the call it answers.
pub(super) fn ended_sessions_of(headers: &HeaderMap) -> Option<Uuid> {
    let value = headers.get(ENDED_SESSIONS_OF)?;
    Uuid::try_parse_ascii(value.as_bytes()).ok()
}

/// Takes out what is not the client's business.
pub(super) fn strip(headers: &mut HeaderMap) {
    let internal: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with(INTERNAL_PREFIX))
        .cloned()
        .collect();
    for name in internal {
        headers.remove(name);
    }
}
