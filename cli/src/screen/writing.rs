//! A message that is being written: what it is to become, and where its text is kept meanwhile.

use std::time::Duration;

use prost_types::Timestamp as ProtoTime;
use turbomessage_proto::mail_v1::{
    Body, CreateDraftRequest, Message, Participant, ParticipantKind, SendMessageRequest,
    UpdateDraftRequest,
};
use turbomessage_service_kit::clock::Timestamp;

use super::{event::Written, reader::Reader};
use crate::compose::{content::as_draft, letter::Letter};

/// How long a send waits, so that it can be taken back.
pub(crate) const SECOND_THOUGHTS: Duration = Duration::from_secs(10);

/// A message that is being written.
#[derive(Debug)]
pub(crate) struct Writing {
    /// What it began as.
    pub(crate) origin: Origin,
    /// What the editor showed at first.
    begin: Letter,
    /// What came out of the editor.
    pub(crate) written: Option<Written>,
    /// What that says, or why it cannot be read.
    pub(crate) letter: Result<Letter, String>,
    /// The letter as it will be read.
    pub(crate) preview: Reader,
    /// What is being done with it.
    pub(crate) busy: Option<Busy>,
    /// Whether the server has this text as a draft.
    pub(crate) is_kept: bool,
    deliver_time: Option<ProtoTime>,
}

/// What a message began as.
#[derive(Debug)]
pub(crate) enum Origin {
    /// A new one.
    New {
        /// The message that it answers, or nothing.
        in_reply_to: String,
        /// The message that it passes on, or nothing.
        forward_of: String,
    },
    /// A draft, as it was last seen.
    Draft(Box<Message>),
}

/// What is being done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Busy {
    /// It is sent.
    Sending,
    /// It is kept as a draft.
    Keeping,
}

impl Writing {
    /// A message of which nothing was written yet but `begin`.
    pub(crate) fn new(origin: Origin, begin: Letter) -> Self {
        Self {
            origin,
            preview: Reader::new(Message::default()),
            letter: Ok(begin.clone()),
            begin,
            written: None,
            busy: None,
            is_kept: false,
            deliver_time: None,
        }
    }

    /// Takes in what came out of the editor. Says whether anything was changed.
    pub(crate) fn edited(&mut self, written: Written) -> bool {
        self.letter = written.text.parse();
        let is_first = self.written.is_none();
        self.written = Some(written);
        self.is_kept = false;
        self.deliver_time = None;
        if let Ok(letter) = &self.letter {
            self.preview = Reader::new(preview(letter));
            return !(is_first && letter.says_the_same_as(&self.begin));
        }
        true
    }

    /// Settles when it is to be delivered: a while after `now`, or when it was to be anyway.
    pub(crate) fn settle_time(&mut self, now: Timestamp) {
        if self.deliver_time.is_none() {
            let soon = ProtoTime::from(now.plus(SECOND_THOUGHTS));
            let planned = self.planned_time().unwrap_or(soon);
            let is_later = (planned.seconds, planned.nanos) > (soon.seconds, soon.nanos);
            self.deliver_time = Some(if is_later { planned } else { soon });
        }
    }

    fn planned_time(&self) -> Option<ProtoTime> {
        match &self.origin {
            Origin::Draft(draft) => draft.deliver_time,
            Origin::New { .. } => None,
        }
    }

    /// Makes a new message of one whose draft is no longer what it was.
    pub(crate) fn part_from_draft(&mut self) {
        if let Origin::Draft(draft) = &self.origin {
            self.origin = Origin::New {
                in_reply_to: draft.in_reply_to.clone(),
                forward_of: draft.forward_of.clone(),
            };
        }
    }

    /// The request that sends a new message.
    pub(crate) fn send_request(&self) -> SendMessageRequest {
        SendMessageRequest {
            request_id: self.ids().1,
            deliver_time: self.deliver_time,
            ..self.content()
        }
    }

    /// The request that keeps a new message as a draft.
    pub(crate) fn create_request(&self) -> CreateDraftRequest {
        as_draft(SendMessageRequest {
            request_id: self.ids().0,
            ..self.content()
        })
    }

    /// What was written, and what it answers or passes on.
    fn content(&self) -> SendMessageRequest {
        let letter = self.letter.clone().unwrap_or_default();
        let (in_reply_to, forward_of) = match &self.origin {
            Origin::New {
                in_reply_to,
                forward_of,
            } => (in_reply_to, forward_of),
            Origin::Draft(draft) => (&draft.in_reply_to, &draft.forward_of),
        };
        SendMessageRequest {
            in_reply_to: in_reply_to.clone(),
            forward_of: forward_of.clone(),
            ..SendMessageRequest::from(letter)
        }
    }

    /// The request that replaces `draft`.
    pub(crate) fn update_request(&self, draft: &Message) -> UpdateDraftRequest {
        let new = self.create_request();
        UpdateDraftRequest {
            request_id: new.request_id,
            to: new.to,
            cc: new.cc,
            bcc: new.bcc,
            subject: new.subject,
            body: new.body,
            in_reply_to: new.in_reply_to,
            forward_of: new.forward_of,
            labels: draft.labels.clone(),
            deliver_time: self.deliver_time.or(draft.deliver_time),
            message_id: draft.message_id.clone(),
            etag: draft.etag.clone(),
            ..UpdateDraftRequest::default()
        }
    }

    /// The ids for keeping and for sending.
    pub(crate) fn ids(&self) -> (String, String) {
        let written = self.written.as_ref();
        written
            .map(|w| (w.keep_id.clone(), w.send_id.clone()))
            .unwrap_or_default()
    }
}

/// A draft as it is put into the editor.
pub(crate) fn letter_of(draft: &Message) -> Letter {
    let names = |them: &[Participant]| them.iter().map(|one| one.username.clone()).collect();
    Letter {
        to: names(&draft.to),
        cc: names(&draft.cc),
        bcc: names(&draft.bcc),
        subject: draft.subject.clone(),
        text: draft.body.clone().unwrap_or_default().text,
    }
}

fn preview(letter: &Letter) -> Message {
    let people = |names: &[String]| names.iter().map(|name| person(name)).collect();
    Message {
        to: people(&letter.to),
        cc: people(&letter.cc),
        bcc: people(&letter.bcc),
        subject: letter.subject.clone(),
        body: Some(Body {
            text: letter.text.clone(),
            html: String::new(),
        }),
        ..Message::default()
    }
}

fn person(username: &str) -> Participant {
    Participant {
        username: username.to_owned(),
        display_name: username.to_owned(),
        kind: ParticipantKind::User.into(),
        ..Participant::default()
    }
}
