//! Calls below the generated clients: any headers, any bytes, and all that comes back.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use tonic::{Status, body::Body, transport::Channel};
use tower::ServiceExt;

/// All that came back of a call.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub http_status: http::StatusCode,
    /// Headers and trailers, without the date.
    pub headers: HeaderMap,
    /// The messages as they were framed.
    pub data: Bytes,
}

impl Answer {
    /// How the call ended.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::from_header_map(&self.headers)
            .unwrap_or_else(|| panic!("no grpc-status: {:?}", self.headers))
    }

    /// Everything the client can see, to compare with another answer.
    #[must_use]
    pub fn bytes(&self) -> Vec<String> {
        let mut seen: Vec<String> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {:?}", value.as_bytes()))
            .collect();
        seen.sort();
        seen.insert(0, format!("{} {:?}", self.http_status, self.data));
        seen
    }
}

/// `message` as gRPC frames it, not compressed.
#[must_use]
pub fn frame(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).expect("a small message"));
    framed.put_slice(message);
    framed.freeze()
}

/// Calls `path` with `headers` besides those that gRPC asks for, and `body` as it is.
///
/// # Errors
/// The connection gave no answer, or broke off.
pub async fn call(
    channel: &Channel,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Result<Answer, tonic::transport::Error> {
    let mut request = Request::post(path).body(Body::new(Full::new(body))).expect("a path");
    let fixed = [("content-type", "application/grpc"), ("te", "trailers")];
    for (name, value) in fixed.iter().chain(headers) {
        let name = HeaderName::try_from(*name).expect("a name");
        request.headers_mut().insert(name, HeaderValue::try_from(*value).expect("a value"));
    }
    let response = channel.clone().oneshot(request).await?;
    let (head, body) = response.into_parts();
    let mut headers = head.headers;
    let mut data = Bytes::new();
    if let Ok(body) = body.collect().await {
        headers.extend(body.trailers().cloned().unwrap_or_default());
        data = body.to_bytes();
    }
    headers.remove(http::header::DATE);
    Ok(Answer {
        http_status: head.status,
        headers,
        data,
    })
}
