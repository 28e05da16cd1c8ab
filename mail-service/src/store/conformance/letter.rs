//! Messages that people in the cases send.

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use crate::{
    commit::{Addressees, Job, Recipient, Save, Send, Source},
    domain::{Body, Copy, Draft, Fingerprint, Kind, Participant, Recipients, RequestId},
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
    pub(super) forward_of: Option<Uuid>,
    pub(super) labels: Vec<String>,
    pub(super) deliver_time: Option<Timestamp>,
    /// The copy that it is already.
    pub(super) source: Option<Source>,
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
        forward_of: None,
        labels: Vec::new(),
        deliver_time: None,
        source: None,
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

    pub(super) fn passing_on(mut self, copy: &Copy) -> Self {
        self.forward_of = Some(copy.message_id);
        self
    }

    pub(super) fn labelled(mut self, labels: &[&str]) -> Self {
        self.labels = labels.iter().map(|&label| label.into()).collect();
        self
    }

    pub(super) fn at(mut self, time: Timestamp) -> Self {
        self.deliver_time = Some(time);
        self
    }

    /// What `copy`, a draft or in the Outbox, says with `text`, to be sent.
    pub(super) fn of(copy: &Copy, text: String) -> Self {
        let accounts = |list: &[Participant]| list.iter().filter_map(account_of).collect();
        Self {
            from: copy.owner_id,
            to: accounts(&copy.participants.to),
            cc: accounts(&copy.participants.cc),
            bcc: accounts(&copy.participants.bcc),
            subject: copy.subject.clone(),
            text,
            in_reply_to: copy.in_reply_to,
            forward_of: copy.forward_of,
            labels: copy.labels.clone(),
            deliver_time: copy.deliver_time,
            source: Some(Source {
                message_id: copy.message_id,
                change: copy.change,
                waiting: copy.kind == Kind::Waiting,
            }),
            request: None,
        }
    }

    /// To send it.
    pub(super) fn job(&self) -> Job {
        let draft = self.draft();
        // A draft is named by its id, whatever it says.
        let fingerprint = match self.source {
            Some(source) => Fingerprint::of(&("send draft", source.message_id)),
            None => draft.fingerprint(),
        };
        Job::Send(Box::new(Send {
            sender_id: self.from,
            request: self.request.map(|id| RequestId { id, fingerprint }),
            addressees: self.addressees(),
            draft,
            source: self.source,
        }))
    }

    /// To keep it as a draft, in the place of another one, which has the etag.
    pub(super) fn save_job(&self, replaced: Option<(Uuid, String)>) -> Job {
        let draft = self.draft();
        let of = replaced.as_ref().map(|(id, etag)| (*id, &**etag));
        let fingerprint = draft.fingerprint_as_draft(of);
        Job::Save(Box::new(Save {
            owner_id: self.from,
            request: self.request.map(|id| RequestId { id, fingerprint }),
            addressees: self.addressees(),
            draft,
            replaced,
        }))
    }

    fn draft(&self) -> Draft {
        let names = |ids: &[Uuid]| ids.iter().copied().map(name_of).collect();
        Draft {
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
            forward_of: self.forward_of,
            labels: self.labels.clone(),
            deliver_time: self.deliver_time,
        }
    }

    fn addressees(&self) -> Addressees {
        let recipients = |ids: &[Uuid]| -> Vec<Recipient> {
            let recipient = |id: &Uuid| Recipient {
                account_id: *id,
                username: name_of(*id),
            };
            ids.iter().map(recipient).collect()
        };
        Addressees {
            to: recipients(&self.to),
            cc: recipients(&self.cc),
            bcc: recipients(&self.bcc),
        }
    }
}

fn account_of(participant: &Participant) -> Option<Uuid> {
    match participant {
        Participant::Account(id) => Some(*id),
        Participant::External { .. } | Participant::System => None,
    }
}

fn name_of(id: Uuid) -> String {
    format!("u{}", &id.simple().to_string()[..20])
}
