//! What all commands that send have in common: when, how often, and what they say.

use clap::Args;
use serde_json::json;
use turbomessage_proto::mail_v1::{Message, SendMessageRequest};
use turbomessage_service_kit::clock;
use uuid::Uuid;

use super::retry;
use crate::{
    compose::when::WhenArgs,
    connection::Connection,
    context::Context,
    failure::{Failure, Kind},
    output::{json, one_line, time},
    short_id::shorten,
};

/// Options that say when and how often to send.
#[derive(Debug, Default, Args)]
pub(crate) struct DeliveryArgs {
    #[command(flatten)]
    pub(crate) when: WhenArgs,
    /// A UUID under which this is sent once, however often it is tried [default: a new one].
    #[arg(long, value_name = "UUID")]
    request_id: Option<Uuid>,
}

/// A new id for a request that is to have its effect once.
pub(super) fn new_request_id(context: &Context) -> String {
    clock::new_id(context.clock.now()).to_string()
}

/// Sends `request`, once, when `args` say.
pub(super) async fn deliver(
    mut request: SendMessageRequest,
    args: &DeliveryArgs,
    connection: &Connection,
    context: &Context,
) -> Result<Message, Failure> {
    request.deliver_time = args.when.deliver_time(context.clock.now())?;
    request.request_id = args
        .request_id
        .map_or_else(|| new_request_id(context), |id| id.to_string());
    let call = async || connection.mail().send_message(request.clone()).await;
    let answer = retry::until_answered(call).await;
    let answer = answer.map_err(|failure| unsure(failure, &request.request_id))?;
    Ok(answer.message.unwrap_or_default())
}

/// Says how to go on without sending twice.
fn unsure(failure: Failure, request_id: &str) -> Failure {
    let unsure = failure.kind == Kind::Unavailable;
    failure.also(unsure.then(|| {
        format!(
            "it may have been sent all the same: repeat the command with --request-id {request_id}, which sends it at most once"
        )
    }))
}

/// Says what was sent, or when it will be.
pub(super) fn said(message: &Message, context: &Context) -> Result<(), Failure> {
    let json = json!({"message": json::message(message)});
    context.printer.print(&json, |_| sent(message))
}

fn sent(message: &Message) -> String {
    let all = [&message.to, &message.cc, &message.bcc]
        .into_iter()
        .flatten();
    let names: Vec<&str> = all.map(|person| person.username.as_str()).collect();
    let names = one_line(&names.join(", "));
    if message.deliver_time.is_none() {
        return format!("Sent to {names}.\n");
    }
    let date = time::long(message.deliver_time.as_ref());
    let id = shorten(&[&message.message_id]).concat();
    format!(
        "Goes to {names} on {date}.\n`tm undo {}` takes it back until then.\n",
        one_line(&id)
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clap::Parser;
    use turbomessage_proto::mail_v1::Participant;
    use turbomessage_service_kit::clock::Timestamp;

    use super::*;
    use crate::fake_server::{self, Script};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        delivery: DeliveryArgs,
    }

    /// What was asked of the server at 1,000,000 s by a command with the options `line`.
    async fn asked(line: &str) -> SendMessageRequest {
        let script = Arc::new(Script::default());
        let connection = fake_server::serve(&script).await;
        let context = Context::for_tests(Timestamp::from_micros(1_000_000_000_000));
        let args = Line::parse_from(line.split(' ')).delivery;
        let request = SendMessageRequest::default();
        deliver(request, &args, &connection, &context)
            .await
            .unwrap();
        let sends = script.sends.lock().unwrap();
        sends[0].get_ref().clone()
    }

    #[tokio::test]
    async fn a_send_has_an_id_and_the_time_that_was_asked_for() {
        let at_once = asked("send").await;
        assert_eq!(at_once.deliver_time, None);
        assert!(Uuid::parse_str(&at_once.request_id).is_ok());
        let id = "0199a8f3-1c2b-7abc-8def-3fa2c1d00001";
        let later = asked(&format!("send --in 2h --request-id {id}")).await;
        assert_eq!(later.request_id, id);
        assert_eq!(later.deliver_time.unwrap().seconds, 1_007_200);
    }

    #[test]
    fn who_sends_later_learns_when_and_how_to_take_it_back() {
        let user = |name: &str| Participant {
            username: name.into(),
            ..Participant::default()
        };
        let mut message = Message {
            message_id: "0199a8f3-1c2b-7abc-8def-3fa2c1d00001".into(),
            to: vec![user("ben")],
            bcc: vec![user("carla")],
            ..Message::default()
        };
        assert_eq!(sent(&message), "Sent to ben, carla.\n");
        message.deliver_time = Some(prost_types::Timestamp {
            seconds: 1_772_539_200,
            nanos: 0,
        });
        let text = sent(&message);
        assert!(
            text.starts_with("Goes to ben, carla on Tue, 3 Mar 2026 "),
            "{text}"
        );
        assert!(
            text.contains("\n`tm undo 3fa2c1d0` takes it back"),
            "{text}"
        );
    }

    #[test]
    fn only_a_send_that_may_have_happened_is_to_be_repeated() {
        let lost = unsure(Failure::unreachable("x"), "the-id").hint.unwrap();
        assert!(lost.contains("--request-id the-id"), "{lost}");
        assert_eq!(unsure(Failure::other("x"), "the-id").hint, None);
    }
}
