//! What a message says and to whom, as options of a command.

use std::path::PathBuf;

use clap::Args;
use turbomessage_proto::mail_v1::{Body, CreateDraftRequest, SendMessageRequest};

use super::{
    letter::Letter,
    text::{self, Text},
};
use crate::{failure::Failure, short_id::ShortId};

/// Options that say what is in a message.
#[derive(Debug, Default, Args)]
pub(crate) struct ContentArgs {
    /// Usernames of those it goes to.
    pub(crate) to: Vec<String>,
    /// Usernames of those who get it for information.
    #[arg(long, value_name = "NAME")]
    pub(crate) cc: Vec<String>,
    /// Usernames of those who get it unseen by others.
    #[arg(long, value_name = "NAME")]
    pub(crate) bcc: Vec<String>,
    /// The subject, and after it the body: `-` reads it from standard input. Without a body it
    /// comes from --file, from standard input, or from your editor.
    #[arg(short, long, num_args = 1..=2, value_names = ["SUBJECT", "BODY"])]
    subject: Vec<String>,
    /// Take the text of a file, byte for byte.
    #[arg(short, long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Take the HTML of a file as well.
    #[arg(long, value_name = "PATH")]
    html: Option<PathBuf>,
    /// The message that this one answers.
    #[arg(long, value_name = "ID")]
    pub(crate) reply_to: Option<ShortId>,
    /// A label for your own copy. May be given more than once.
    #[arg(short, long = "label", value_name = "LABEL")]
    labels: Vec<String>,
}

impl ContentArgs {
    /// The text that was given; `None` if it is yet to be written.
    pub(crate) fn text(&self) -> Result<Option<Text>, Failure> {
        text::given(
            self.subject.get(1).map(String::as_str),
            self.file.as_deref(),
            self.html.is_some(),
        )
    }

    /// The letter that this is the beginning of.
    pub(crate) fn letter(&self, text: &str) -> Letter {
        Letter {
            to: self.to.clone(),
            cc: self.cc.clone(),
            bcc: self.bcc.clone(),
            subject: self.subject.first().cloned().unwrap_or_default(),
            text: text.to_owned(),
        }
    }

    /// What to send: what `letter` says, and the rest of the options.
    pub(crate) fn request(
        &self,
        letter: Letter,
        in_reply_to: String,
    ) -> Result<SendMessageRequest, Failure> {
        let html = self.html.as_deref().map(text::file).transpose()?;
        let mut request = SendMessageRequest::from(letter);
        if let Some(body) = &mut request.body {
            body.html = html.unwrap_or_default();
        }
        Ok(SendMessageRequest {
            in_reply_to,
            labels: self.labels.clone(),
            ..request
        })
    }
}

/// The request that keeps `content` as a draft, under its request id.
pub(crate) fn as_draft(content: SendMessageRequest) -> CreateDraftRequest {
    CreateDraftRequest {
        request_id: content.request_id,
        to: content.to,
        cc: content.cc,
        bcc: content.bcc,
        subject: content.subject,
        body: content.body,
        in_reply_to: content.in_reply_to,
        attachment_ids: content.attachment_ids,
        labels: content.labels,
        deliver_time: content.deliver_time,
        forward_of: content.forward_of,
    }
}

impl From<Letter> for SendMessageRequest {
    fn from(letter: Letter) -> Self {
        Self {
            to: letter.to,
            cc: letter.cc,
            bcc: letter.bcc,
            subject: letter.subject,
            body: Some(Body {
                text: letter.text,
                html: String::new(),
            }),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        content: ContentArgs,
    }

    #[test]
    fn all_that_was_asked_for_is_in_the_request() {
        let dir = tempfile::tempdir().unwrap();
        let html = dir.path().join("html");
        std::fs::write(&html, "<p>").unwrap();
        let html = html.to_str().unwrap();
        let line = "send ben carla --cc dani --bcc eva -s Lunch? Text --label a -l b --html";
        let words = line.split(' ').chain([html]);
        let content = Line::parse_from(words).content;
        let text = content.text().unwrap().unwrap();
        let letter = content.letter(text.as_str());
        let expected = SendMessageRequest {
            to: vec!["ben".into(), "carla".into()],
            cc: vec!["dani".into()],
            bcc: vec!["eva".into()],
            subject: "Lunch?".into(),
            body: Some(Body {
                text: "Text".into(),
                html: "<p>".into(),
            }),
            in_reply_to: "original".into(),
            labels: vec!["a".into(), "b".into()],
            ..SendMessageRequest::default()
        };
        assert_eq!(
            content.request(letter, "original".into()).unwrap(),
            expected
        );
    }
}
