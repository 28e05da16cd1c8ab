//! Calls below the generated clients: any headers, any bytes, and all that comes back.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tonic::Status;

use crate::stack::Edge;

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

/// A connection that says nothing by itself, unlike tonic's, which also ends calls at their timeout.
#[derive(Debug, Clone)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
}

impl Connection {
    /// A new connection to `edge`.
    pub async fn open(edge: &Edge) -> Self {
        let stream = TcpStream::connect(edge.address)
            .await
            .expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let io = TokioIo::new(stream);
        let (sender, connection) = handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
        tokio::spawn(connection);
        let authority = edge.address.to_string();
        Self { sender, authority }
    }

    /// Calls `path` with `headers` besides those that gRPC asks for, and `body` as it is.
    ///
    /// # Errors
    /// The connection gave no answer, or broke off.
    pub async fn call(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> hyper::Result<Answer> {
        let uri = format!("http://{}{path}", self.authority);
        let mut request = Request::post(uri).body(Full::new(body)).expect("a path");
        let fixed = [("content-type", "application/grpc"), ("te", "trailers")];
        for (name, value) in fixed.iter().chain(headers) {
            let name = HeaderName::try_from(*name).expect("a name");
            request
                .headers_mut()
                .append(name, HeaderValue::try_from(*value).expect("a value"));
        }
        let response = self.sender.clone().send_request(request).await?;
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
}
