//! Trying again without sending twice: every try carries the same request id.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use crate::failure::Failure;

/// No try begins later than this after the first.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Makes `call`, again and again for a while if the server cannot say whether it was carried out.
/// The call must be safe to repeat.
pub(super) async fn until_answered<A>(
    call: impl AsyncFn() -> Result<Response<A>, Status>,
) -> Result<A, Failure> {
    let begin = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let status = match call().await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) => status,
        };
        let wait = pause.max(wanted_pause(&status));
        if !is_worth_another_try(&status) || begin.elapsed() + wait > PATIENCE {
            return Err(status.into());
        }
        sleep(wait).await;
        pause *= 2;
    }
}

/// How long the server wants to be left alone.
pub(super) fn wanted_pause(status: &Status) -> Duration {
    let info = status.get_details_retry_info();
    info.and_then(|info| info.retry_delay).unwrap_or_default()
}

/// Whether the same call may end well in a moment: a part of the system was away, busy or slow, or
/// the connection broke, which shows as a status without details.
pub(super) fn is_worth_another_try(status: &Status) -> bool {
    let reason = status.get_details_error_info().map(|info| info.reason);
    match (status.code(), reason.as_deref()) {
        (Code::Unavailable | Code::DeadlineExceeded, _)
        | (Code::ResourceExhausted, Some("OVERLOADED"))
        | (Code::Unknown | Code::Cancelled | Code::Internal, None) => true,
        (_, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use tonic_types::ErrorDetails;
    use turbomessage_proto::mail_v1::{Message, SendMessageRequest};

    use super::*;
    use crate::{
        connection::Connection,
        fake_server::{self, Script},
    };

    fn status(code: Code, reason: &str) -> Status {
        let details = ErrorDetails::with_error_info(reason, "turbomessage", HashMap::new());
        Status::with_error_details(code, "", details)
    }

    #[test]
    fn only_what_may_end_well_is_tried_again() {
        for status in [
            status(Code::Unavailable, "STORE_UNAVAILABLE"),
            status(Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
            status(Code::ResourceExhausted, "OVERLOADED"),
            Status::unknown("transport error"),
        ] {
            assert!(is_worth_another_try(&status), "{status:?}");
        }
        for status in [
            status(Code::ResourceExhausted, "MAILBOX_FULL"),
            status(Code::NotFound, "RECIPIENT_NOT_FOUND"),
            status(Code::Internal, "INTERNAL"),
            status(Code::AlreadyExists, "REQUEST_ID_REUSED"),
        ] {
            assert!(!is_worth_another_try(&status), "{status:?}");
        }
    }

    fn request() -> SendMessageRequest {
        SendMessageRequest {
            request_id: "0199a8f3-1c2b-7abc-8def-3fa2c1d00001".into(),
            ..SendMessageRequest::default()
        }
    }

    async fn send(
        connection: &Connection,
        request: &SendMessageRequest,
    ) -> Result<Message, Failure> {
        let mail = connection.mail();
        let call = async || mail.clone().send_message(request.clone()).await;
        Ok(until_answered(call).await?.message.unwrap_or_default())
    }

    #[tokio::test]
    async fn a_send_that_is_tried_again_keeps_its_request_id() {
        let script = Arc::new(Script::default());
        let away = status(Code::Unavailable, "SHUTTING_DOWN");
        script.send_failures.lock().unwrap().push_back(away);
        let connection = fake_server::serve(&script).await;
        let message = send(&connection, &request()).await.unwrap();
        assert_eq!(message.message_id, "sent");

        let sends = script.sends.lock().unwrap();
        let ids = sends.iter().map(|send| send.get_ref().request_id.as_str());
        assert_eq!(ids.collect::<Vec<_>>(), [request().request_id.as_str(); 2]);
        let metadata = sends[0].metadata();
        assert_eq!(metadata.get("authorization").unwrap(), "Bearer tm_token");
        assert!(metadata.contains_key("accept-language") && metadata.contains_key("grpc-timeout"));
    }

    #[tokio::test]
    async fn a_send_that_is_refused_is_tried_once() {
        let script = Arc::new(Script::default());
        let unknown = status(Code::NotFound, "RECIPIENT_NOT_FOUND");
        script.send_failures.lock().unwrap().push_back(unknown);
        let connection = fake_server::serve(&script).await;
        let failure = send(&connection, &request()).await.unwrap_err();
        assert_eq!(failure.reason, "RECIPIENT_NOT_FOUND");
        assert_eq!(script.sends.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_server_that_wants_a_long_pause_is_not_waited_for() {
        let script = Arc::new(Script::default());
        let mut busy = ErrorDetails::with_error_info("OVERLOADED", "turbomessage", HashMap::new());
        busy.set_retry_info(Some(Duration::from_secs(60)));
        let busy = Status::with_error_details(Code::ResourceExhausted, "", busy);
        script.send_failures.lock().unwrap().push_back(busy);
        let connection = fake_server::serve(&script).await;
        let failure = send(&connection, &request()).await.unwrap_err();
        assert_eq!(failure.hint.as_deref(), Some("try again in 60 s"));
    }
}
