//! Messages that people in the cases send.

use uuid::Uuid;

use crate::{
    commit::{Addressees, Job, Recipient, Send},
    domain::{Body, Copy, Draft, Recipients, RequestId},
};

/// A message to send, built up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) from: Uuid,
    pub(super) to: Vec<Uuid>,
    pub(super) cc: Vec<Uuid>,
    pub(super) bcc: Vec<Uuid>,
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) in_reply_to: Option<Uuid>,
    pub(super) request: Option<Uuid>,
}

/// A letter `from` one `to` others.
pub(super) fn letter(from: Uuid, to: &[Uuid]) -> Letter {
    Letter {
        from,
        to: to.to_vec(),
        cc: Vec::new(),
        bcc: Vec::new(),
        subject: "A letter".into(),
        text: "Hello".into(),
        in_reply_to: None,
        request: None,
    }
}

impl Letter {
    pub(super) fn answering(mut self, copy: &Copy) -> Self {
        self.in_reply_to = Some(copy.message_id);
        self
    }

    pub(super) fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    pub(super) fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    pub(super) fn with_request(mut self, id: Uuid) -> Self {
        self.request = Some(id);
        self
    }

    pub(super) fn size(&self) -> i64 {
        i64::try_from(self.subject.len() + self.text.len()).unwrap()
    }

    pub(super) fn job(&self) -> Job {
        let names = |ids: &[Uuid]| ids.iter().copied().map(name_of).collect();
        let recipients = |ids: &[Uuid]| -> Vec<Recipient> {
            let recipient = |id: &Uuid| Recipient {
                account_id: *id,
                username: name_of(*id),
            };
            ids.iter().map(recipient).collect()
        };
        let draft = Draft {
            recipients: Recipients {
                to: names(&self.to),
                cc: names(&self.cc),
                bcc: names(&self.bcc),
            },
            subject: self.subject.clone(),
            body: Body {
                text: self.text.clone(),
                html: String::new(),
            },
            in_reply_to: self.in_reply_to,
            ..Draft::default()
        };
        let fingerprint = draft.fingerprint();
        Job::Send(Box::new(Send {
            sender_id: self.from,
            request: self.request.map(|id| RequestId { id, fingerprint }),
            addressees: Addressees {
                to: recipients(&self.to),
                cc: recipients(&self.cc),
                bcc: recipients(&self.bcc),
            },
            draft,
            source: None,
        }))
    }
}

fn name_of(id: Uuid) -> String {
    format!("u{}", &id.simple().to_string()[..20])
}
