//! The steps.

use std::{collections::BTreeSet, fmt::Write as _, future::Future, time::UNIX_EPOCH};

use tokio::{net::TcpStream, time::Instant};
use tonic::{Code, Status, metadata::MetadataMap};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
use tonic_reflection::pb::{v1, v1alpha};
use turbomessage_proto::{
    auth_v1::auth_service_server::SERVICE_NAME as AUTH,
    mail_v1::mail_service_server::SERVICE_NAME as MAIL,
};
use turbomessage_service_kit::clock::Timestamp;

use super::{Finding, TIME_LIMIT, Verdict};
use crate::{connection::Connection, failure::Failure, server_address::ServerAddress};

/// Sessions and tickets last for minutes at least: clocks this far apart are no matter.
const CLOCKS_APART_SECONDS: i64 = 30;

/// Whether there is anything at the address.
pub(super) async fn address(server: &ServerAddress) -> Finding {
    let begun = Instant::now();
    let (host, port) = server.host_and_port();
    let connected = within(async { TcpStream::connect((host, port)).await }).await;
    let stream = match connected {
        Some(Ok(stream)) => stream,
        Some(Err(error)) => return bad("Address", format!("{server} cannot be reached: {error}")),
        None => return bad("Address", format!("{server} does not answer")),
    };
    let address = stream
        .peer_addr()
        .map_or_else(|_| server.to_string(), |address| address.to_string());
    let millis = begun.elapsed().as_millis();
    good("Address", format!("{address}, reached in {millis} ms"))
}

/// Whether calls are encrypted; `failure` is why there is no connection.
pub(super) fn encryption(server: &ServerAddress, failure: Option<&Failure>) -> Finding {
    match failure {
        Some(failure) => bad("TLS", failure.message.trim_end_matches('.')),
        None if server.is_tls() => good("TLS", "the server showed a certificate that is trusted"),
        None if server.is_this_machine() => good("TLS", "none, on this machine"),
        None => Finding::new(
            "TLS",
            Verdict::Warning,
            "none: whoever is on the way can read and change everything",
        ),
    }
}

/// The names of the services that a version of reflection shows: two packages with the same messages.
macro_rules! services {
    ($version:ident, $client:expr) => {
        async {
            use $version::{
                ServerReflectionRequest, server_reflection_request::MessageRequest,
                server_reflection_response::MessageResponse,
            };
            let request = ServerReflectionRequest {
                host: String::new(),
                message_request: Some(MessageRequest::ListServices(String::new())),
            };
            let mut client = $client;
            let requests = tokio_stream::once(request);
            let answers = client.server_reflection_info(requests).await?;
            let answer = answers.into_inner().message().await?;
            let answer = answer.and_then(|answer| answer.message_response);
            let Some(MessageResponse::ListServicesResponse(list)) = answer else {
                return Err(Status::internal("there is no list of services"));
            };
            let names = list.service.into_iter().map(|service| service.name);
            Ok(names.collect::<BTreeSet<String>>())
        }
    };
}

/// Asks the server about itself.
pub(super) struct Checks {
    pub(super) connection: Connection,
}

impl Checks {
    /// How the server and its services are, and what it says of itself beside.
    pub(super) async fn health(&self) -> (Finding, MetadataMap) {
        let mut ill = Vec::new();
        let mut head = MetadataMap::new();
        for (service, name) in [("", "the server"), (AUTH, "accounts"), (MAIL, "mail")] {
            let request = HealthCheckRequest {
                service: service.into(),
            };
            let mut client = self.connection.health();
            match answer(client.check(request)).await {
                Ok(response) => {
                    head = response.metadata().clone();
                    if response.get_ref().status() != ServingStatus::Serving {
                        ill.push(format!("{name} does not serve now"));
                    }
                }
                Err(status) => ill.push(format!("{name}: {}", status.message())),
            }
        }
        let finding = if ill.is_empty() {
            good("Health", "the server, accounts and mail serve")
        } else {
            bad("Health", ill.join("; "))
        };
        (finding, head)
    }

    /// Whether both versions of reflection show the same services.
    pub(super) async fn reflection(&self) -> Finding {
        let v1 = answer(services!(v1, self.connection.reflection())).await;
        let v1alpha = answer(services!(v1alpha, self.connection.reflection_alpha())).await;
        match (v1, v1alpha) {
            (Ok(v1), Ok(v1alpha)) if v1 == v1alpha && v1.contains(AUTH) && v1.contains(MAIL) => {
                let count = v1.len();
                good(
                    "Reflection",
                    format!("v1 and v1alpha show {count} services"),
                )
            }
            (Ok(v1), Ok(v1alpha)) => {
                let list = |names: BTreeSet<String>| Vec::from_iter(names).join(", ");
                let (v1, v1alpha) = (list(v1), list(v1alpha));
                bad(
                    "Reflection",
                    format!("v1 shows {v1}; v1alpha shows {v1alpha}"),
                )
            }
            (v1, v1alpha) => {
                let mut detail = String::new();
                for (version, answer) in [("v1", v1), ("v1alpha", v1alpha)] {
                    if let Err(status) = answer {
                        let separator = if detail.is_empty() { "" } else { "; " };
                        let _ = write!(detail, "{separator}{version}: {}", status.message());
                    }
                }
                bad("Reflection", detail)
            }
        }
    }
}

/// Which versions talk to each other.
pub(super) fn versions(head: &MetadataMap) -> Finding {
    let own = env!("CARGO_PKG_VERSION");
    let server = head.get("server").and_then(|value| value.to_str().ok());
    match server.and_then(|server| server.strip_prefix("turbomessage/")) {
        Some(version) if version == own => good("Versions", format!("both are {own}")),
        Some(version) => Finding::new(
            "Versions",
            Verdict::Warning,
            format!("tm is {own}, the server is {version}"),
        ),
        None => Finding::new(
            "Versions",
            Verdict::Warning,
            format!("tm is {own}, the server does not say what it is"),
        ),
    }
}

/// Whether the server's clock and this machine's agree, by the `date` of an answer (RFC 9110, section 6.6.1).
pub(super) fn clocks(head: &MetadataMap, now: Timestamp) -> Finding {
    let date = head.get("date").and_then(|value| value.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let since = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok());
    let Some(since) = since.and_then(|since| i64::try_from(since.as_secs()).ok()) else {
        return Finding::new(
            "Clocks",
            Verdict::Warning,
            "the server does not say its time",
        );
    };
    let ahead = now.as_secs() - since;
    let apart = ahead.abs();
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    if apart <= 1 {
        good("Clocks", "they agree to the second")
    } else if apart <= CLOCKS_APART_SECONDS {
        good(
            "Clocks",
            format!("this machine's is {apart} s {side} the server's"),
        )
    } else {
        let detail =
            format!("this machine's is {apart} s {side} the server's: set the one that is wrong");
        Finding::new("Clocks", Verdict::Warning, detail)
    }
}

fn good(step: &'static str, detail: impl Into<String>) -> Finding {
    Finding::new(step, Verdict::Good, detail)
}

fn bad(step: &'static str, detail: impl Into<String>) -> Finding {
    Finding::new(step, Verdict::Bad, detail)
}

async fn within<T>(step: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(TIME_LIMIT, step).await.ok()
}

async fn answer<T>(call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let silence = || Status::new(Code::DeadlineExceeded, "no answer in time");
    within(call).await.unwrap_or_else(|| Err(silence()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(name: &'static str, value: &str) -> MetadataMap {
        let mut head = MetadataMap::new();
        head.insert(name, value.parse().unwrap());
        head
    }

    #[test]
    fn clocks_that_are_apart_are_told_by_how_much() {
        let now = Timestamp::from_micros(1_784_419_200_000_000);
        for (date, verdict, detail) in [
            ("Sun, 19 Jul 2026 00:00:00 GMT", Verdict::Good, "agree"),
            (
                "Sun, 19 Jul 2026 00:00:20 GMT",
                Verdict::Good,
                "20 s behind",
            ),
            (
                "Sat, 18 Jul 2026 23:55:00 GMT",
                Verdict::Warning,
                "300 s ahead of",
            ),
            (
                "Sun, 19 Jul 2026 00:05:00 GMT",
                Verdict::Warning,
                "300 s behind",
            ),
            ("yesterday", Verdict::Warning, "does not say"),
        ] {
            let finding = clocks(&head("date", date), now);
            assert_eq!(finding.verdict, verdict, "{date}");
            assert!(finding.detail.contains(detail), "{date}: {finding:?}");
        }
    }

    #[test]
    fn another_version_is_worth_a_word() {
        let of = |server: &str| versions(&head("server", server)).verdict;
        let own = concat!("turbomessage/", env!("CARGO_PKG_VERSION"));
        assert_eq!(of(own), Verdict::Good);
        assert_eq!(of("turbomessage/99.0.0"), Verdict::Warning);
        assert_eq!(of("something else"), Verdict::Warning);
        assert_eq!(versions(&MetadataMap::new()).verdict, Verdict::Warning);
    }

    #[test]
    fn only_on_this_machine_nothing_has_to_be_encrypted() {
        let of = |server: &str| encryption(&server.parse().unwrap(), None).verdict;
        assert_eq!(of("http://127.0.0.1:1"), Verdict::Good);
        assert_eq!(of("http://[::1]:1"), Verdict::Good);
        assert_eq!(of("localhost"), Verdict::Good);
        assert_eq!(of("https://mail.example"), Verdict::Good);
        assert_eq!(of("http://mail.example"), Verdict::Warning);
    }
}
