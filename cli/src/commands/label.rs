//! `tm label` and `tm labels`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use turbomessage_proto::mail_v1::{ListLabelsRequest, Message, ModifyMessagesRequest};

use super::mark::{IdArgs, modify, say};
use crate::{
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{json, one_line, people},
};

/// Options of `tm label`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm label add work 3fa2c1d0 81c0aa17
  tm label remove work 3fa2c1d0
  tm labels                            lists them
  tm list --label work                 lists the messages of the Inbox that have it
  tm search label:work                 finds them in all folders")]
pub(crate) struct LabelArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Put a label on messages. It comes into being with its first use.
    #[command(before_help = "Examples:\n  tm label add work 3fa2c1d0 81c0aa17")]
    Add(WhatArgs),
    /// Take a label off messages. It goes with its last use.
    #[command(before_help = "Examples:\n  tm label remove work 3fa2c1d0")]
    Remove(WhatArgs),
}

#[derive(Debug, Args)]
struct WhatArgs {
    /// The label: at most 64 characters; case matters.
    label: String,
    #[command(flatten)]
    messages: IdArgs,
}

/// Puts a label on messages or takes it off.
pub(crate) async fn run(args: &LabelArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let messages = change(&args.action, &connection).await?;
    let (done, label) = match &args.action {
        Action::Add(what) => ("Labelled", one_line(&what.label)),
        Action::Remove(what) => ("Took the label off", one_line(&what.label)),
    };
    say(&messages, done, &format!("({label})"), context)
}

async fn change(action: &Action, connection: &Connection) -> Result<Vec<Message>, Failure> {
    let mut change = ModifyMessagesRequest::default();
    let what = match action {
        Action::Add(what) => {
            change.add_labels.push(what.label.clone());
            what
        }
        Action::Remove(what) => {
            change.remove_labels.push(what.label.clone());
            what
        }
    };
    modify(&what.messages.ids, change, connection).await
}

/// Lists the labels in use.
pub(crate) async fn list(context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let answer = connection.mail().list_labels(ListLabelsRequest {}).await?;
    let labels = answer.into_inner().labels;
    let rows: Value = labels.iter().map(json::label).collect();
    context.printer.print(&json!({"labels": rows}), |screen| {
        if labels.is_empty() {
            "No labels.\n".into()
        } else {
            people::label_table(&labels, screen)
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use turbomessage_proto::mail_v1::ModifyMessagesResponse;

    use super::*;
    use crate::fake_server::{self, Script};

    const A: &str = "0199a8f3-1c2b-7abc-8def-3fa2c1d00001";

    #[tokio::test]
    async fn a_label_is_put_on_and_taken_off() {
        let script = Arc::new(Script::default());
        let connection = fake_server::serve(&script).await;
        let what = || WhatArgs {
            label: "Work".into(),
            messages: IdArgs {
                ids: vec![A.parse().unwrap()],
            },
        };
        for action in [Action::Add(what()), Action::Remove(what())] {
            script
                .modify_messages
                .will(Ok(ModifyMessagesResponse::default()));
            change(&action, &connection).await.unwrap();
        }
        let of_a = || ModifyMessagesRequest {
            message_ids: vec![A.into()],
            ..ModifyMessagesRequest::default()
        };
        let added = ModifyMessagesRequest {
            add_labels: vec!["Work".into()],
            ..of_a()
        };
        let removed = ModifyMessagesRequest {
            remove_labels: vec!["Work".into()],
            ..of_a()
        };
        assert_eq!(script.modify_messages.asked(), [added, removed]);
    }
}
