//! Sending, at once or later, and drafts.

use std::collections::{HashMap, HashSet};

use turbomessage_service_kit::{
    clock::Timestamp,
    fields::Fields,
    problem::{Problem, Reason},
};
use uuid::Uuid;

use super::{
    Mail,
    refusals::{Fields as Named, odd},
};
use crate::{
    commit::{
        Addressees, Answer, Cancel, Failure, Job, Notice, Recipient, Refusal, Save, Send, Source,
    },
    domain::{Copy, Draft, Fingerprint, Kind, Participant, Recipients, RequestId},
    store::{Kept, Key, Queue},
};

/// How often a draft that changes while it is being sent is read again.
const TRIES: u32 = 5;

/// What became of a message whose time had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Everybody has it.
    Done,
    /// It went back to Drafts, with a notice to the sender.
    Returned,
    /// There is nothing to deliver any more, or another replica did.
    Nothing,
}

impl Mail {
    /// Sends `draft`, and answers with the sender's copy when it is durable.
    ///
    /// # Errors
    /// See `MailService.SendMessage`.
    pub(crate) async fn send(
        &self,
        sender_id: Uuid,
        request: Option<RequestId>,
        draft: Draft,
    ) -> Result<Copy, Problem> {
        let done = self.send_new(sender_id, request, draft).await;
        self.or_replay(sender_id, request, done).await
    }

    async fn send_new(
        &self,
        sender_id: Uuid,
        request: Option<RequestId>,
        draft: Draft,
    ) -> Result<Copy, Problem> {
        let addressees = self.addressees(&draft.recipients).await?;
        let names = names(&addressees);
        let is_among = |behind: &HashSet<Uuid>| {
            let mut everybody = addressees.all();
            everybody.any(|r| behind.contains(&r.account_id))
        };
        self.hints.let_catch_up(is_among).await;
        let send = Send {
            sender_id,
            request,
            draft,
            addressees,
            source: None,
        };
        message(self.submit(Job::Send(Box::new(send)), names).await?)
    }

    /// Keeps `draft` in the Drafts folder, in the place of `replaced` (its id and etag) if given.
    ///
    /// # Errors
    /// See `MailService.CreateDraft` and `UpdateDraft`.
    pub(crate) async fn save(
        &self,
        owner_id: Uuid,
        request: Option<RequestId>,
        draft: Draft,
        replaced: Option<(Uuid, String)>,
    ) -> Result<Copy, Problem> {
        let done = self.save_new(owner_id, request, draft, replaced).await;
        self.or_replay(owner_id, request, done).await
    }

    async fn save_new(
        &self,
        owner_id: Uuid,
        request: Option<RequestId>,
        draft: Draft,
        replaced: Option<(Uuid, String)>,
    ) -> Result<Copy, Problem> {
        let addressees = self.addressees(&draft.recipients).await?;
        let names = names(&addressees);
        let save = Save {
            owner_id,
            request,
            draft,
            addressees,
            replaced,
        };
        message(self.submit(Job::Save(Box::new(save)), names).await?)
    }

    /// Sends a draft.
    ///
    /// # Errors
    /// See `MailService.SendDraft`.
    pub(crate) async fn send_draft(
        &self,
        owner: Uuid,
        request_id: Option<Uuid>,
        message_id: Uuid,
    ) -> Result<Copy, Problem> {
        let fingerprint = Fingerprint::of(&("send draft", message_id));
        let request = request_id.map(|id| RequestId { id, fingerprint });
        let done = self.send_kept(owner, request, message_id).await;
        self.or_replay(owner, request, done).await
    }

    async fn send_kept(
        &self,
        owner: Uuid,
        request: Option<RequestId>,
        message_id: Uuid,
    ) -> Result<Copy, Problem> {
        let mut tried = 0;
        loop {
            let send = self.read_draft(owner, request, message_id).await?;
            let names = names(&send.addressees);
            let job = Job::Send(Box::new(send));
            let fields = Named::of(&job);
            match self.writer.submit(job).await {
                Ok(answer) => return message(answer),
                Err(Failure::Refused(Refusal::SourceChanged)) if tried < TRIES => tried += 1,
                Err(Failure::Refused(refusal)) => {
                    return Err(self.explain(refusal, fields, names).await);
                }
                Err(Failure::Problem(problem)) => return Err(problem),
            }
        }
    }

    /// A draft as it is to be sent.
    async fn read_draft(
        &self,
        owner: Uuid,
        request: Option<RequestId>,
        message_id: Uuid,
    ) -> Result<Send, Problem> {
        let (copy, body) = self.get(owner, message_id, true).await?;
        if copy.kind != Kind::Draft {
            return Err(Problem::new(Reason::NotADraft).with("message_id", message_id.to_string()));
        }
        let mut send = self.send_of(copy, request).await?;
        send.draft.body = body.unwrap_or_default();
        let mut fields = Fields::new();
        let named = send.addressees.all().count();
        send.draft.check_complete(&mut fields, named);
        fields.finish()?;
        Ok(send)
    }

    /// What was kept, as something to send; without its text.
    async fn send_of(&self, copy: Copy, request: Option<RequestId>) -> Result<Send, Problem> {
        let named = copy.participants.all().filter_map(Participant::account_id);
        let known = self.directory.accounts(named).await?;
        let recipients = |list: &[Participant]| -> Vec<Recipient> {
            list.iter()
                .filter_map(Participant::account_id)
                .map(|account_id| Recipient {
                    account_id,
                    username: known
                        .get(&account_id)
                        .map(|a| a.username.clone())
                        .unwrap_or_default(),
                })
                .collect()
        };
        let addressees = Addressees {
            to: recipients(&copy.participants.to),
            cc: recipients(&copy.participants.cc),
            bcc: recipients(&copy.participants.bcc),
        };
        Ok(Send {
            sender_id: copy.owner_id,
            request,
            addressees,
            source: Some(Source {
                message_id: copy.message_id,
                change: copy.change,
                waiting: copy.kind == Kind::Waiting,
            }),
            draft: Draft {
                recipients: Recipients::default(),
                subject: copy.subject,
                body: crate::domain::Body::default(),
                in_reply_to: copy.in_reply_to,
                forward_of: copy.forward_of,
                labels: copy.labels,
                deliver_time: copy.deliver_time,
            },
        })
    }

    /// Takes back a message that waits in the Outbox.
    ///
    /// # Errors
    /// See `MailService.CancelSend`.
    pub(crate) async fn cancel(&self, owner_id: Uuid, message_id: Uuid) -> Result<Copy, Problem> {
        let cancel = Cancel {
            owner_id,
            message_id,
            failed: None,
        };
        let job = Job::Cancel(Box::new(cancel));
        message(self.submit(job, HashMap::new()).await?)
    }

    /// Up to `limit` messages whose time has come, or will by `time`.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn due(&self, time: Timestamp, limit: i64) -> Result<Vec<Key>, Problem> {
        Ok(self.store.due(Queue::Outbox, time, limit).await?)
    }

    /// Delivers a message whose time has come. Where it cannot be delivered to all, it goes back to
    /// Drafts, and the sender is told.
    ///
    /// # Errors
    /// Something does not answer: it is to be tried again.
    pub(crate) async fn deliver(&self, (owner, message_id): Key) -> Result<Delivery, Problem> {
        let (copy, body) = match self.get(owner, message_id, true).await {
            Ok(found) => found,
            Err(problem) if problem.reason() == Reason::MessageNotFound => {
                return Ok(Delivery::Nothing);
            }
            Err(problem) => return Err(problem),
        };
        if copy.kind != Kind::Waiting {
            return Ok(Delivery::Nothing);
        }
        let mut send = self.send_of(copy, None).await?;
        send.draft.body = body.unwrap_or_default();
        let subject = send.draft.subject.clone();
        let (source, names) = (send.source, names(&send.addressees));
        let job = Job::Send(Box::new(send));
        let fields = Named::of(&job);
        match self.writer.submit(job).await {
            Ok(_) => Ok(Delivery::Done),
            Err(Failure::Refused(
                refusal @ (Refusal::RecipientsGone(_) | Refusal::MailboxesFull(_)),
            )) => {
                let problem = self.explain(refusal, fields, names).await;
                self.give_back((owner, message_id), source, &subject, &problem)
                    .await
            }
            Err(Failure::Refused(_)) => Ok(Delivery::Nothing),
            Err(Failure::Problem(problem)) => Err(problem),
        }
    }

    async fn give_back(
        &self,
        (owner_id, message_id): Key,
        source: Option<Source>,
        subject: &str,
        problem: &Problem,
    ) -> Result<Delivery, Problem> {
        let Some(source) = source else {
            return Ok(Delivery::Nothing);
        };
        let cancel = Cancel {
            owner_id,
            message_id,
            failed: Some((source, notice(subject, problem))),
        };
        match self.writer.submit(Job::Cancel(Box::new(cancel))).await {
            Ok(_) => Ok(Delivery::Returned),
            Err(Failure::Refused(_)) => Ok(Delivery::Nothing),
            Err(Failure::Problem(problem)) => Err(problem),
        }
    }

    /// The accounts of `recipients`, each of whom must exist.
    async fn addressees(&self, recipients: &Recipients) -> Result<Addressees, Problem> {
        let accounts = self.directory.resolve(recipients.all()).await?;
        let unknown = recipients.all();
        let unknown: Vec<&String> = unknown.filter(|n| !accounts.contains_key(*n)).collect();
        if !unknown.is_empty() {
            let problem = Problem::new(Reason::RecipientNotFound);
            return Err(problem.with_culprits("recipients", &unknown));
        }
        let known = |names: &[String]| -> Vec<Recipient> {
            names
                .iter()
                .filter_map(|name| Some((name, *accounts.get(name)?)))
                .map(|(name, account_id)| Recipient {
                    account_id,
                    username: name.clone(),
                })
                .collect()
        };
        Ok(Addressees {
            to: known(&recipients.to),
            cc: known(&recipients.cc),
            bcc: known(&recipients.bcc),
        })
    }

    /// What was done; or, where it was not but the same request was answered before, that answer.
    async fn or_replay(
        &self,
        owner: Uuid,
        request: Option<RequestId>,
        done: Result<Copy, Problem>,
    ) -> Result<Copy, Problem> {
        match done {
            Ok(copy) => Ok(copy),
            Err(problem) => match self.replay(owner, request, problem).await? {
                Kept::Message(copy) => Ok(*copy),
                Kept::Folder(_) => Err(Problem::new(Reason::RequestIdReused)),
            },
        }
    }

    /// The answer that `request` got before. Whatever stands in the way now did not then.
    ///
    /// # Errors
    /// `problem` if it got none.
    pub(super) async fn replay(
        &self,
        owner: Uuid,
        request: Option<RequestId>,
        problem: Problem,
    ) -> Result<Kept, Problem> {
        let Some(request) = request else {
            return Err(problem);
        };
        if problem.reason() == Reason::RequestIdReused {
            return Err(problem);
        }
        match self.store.kept_answer((owner, request.id)).await {
            Ok(Some(kept)) if kept.fingerprint == request.fingerprint => Ok(kept.answer),
            Ok(Some(_)) => Err(Problem::new(Reason::RequestIdReused)),
            Ok(None) | Err(_) => Err(problem),
        }
    }
}

fn names(addressees: &Addressees) -> HashMap<Uuid, String> {
    addressees
        .all()
        .map(|r| (r.account_id, r.username.clone()))
        .collect()
}

fn message(answer: Answer) -> Result<Copy, Problem> {
    let Answer::Message(copy) = answer else {
        return Err(odd(&answer));
    };
    Ok(*copy)
}

/// What the sender is told of a message that could not be delivered.
fn notice(subject: &str, problem: &Problem) -> Notice {
    let why = match (problem.reason(), problem.metadata("recipients")) {
        (Reason::MailboxFull, Some(names)) => format!("The mailbox of {names} is full."),
        (_, Some(names)) if !names.trim_matches(',').is_empty() => {
            format!("{names} can no longer be reached.")
        }
        _ => "A recipient's account no longer exists.".to_owned(),
    };
    Notice {
        subject: "Your message was not delivered".to_owned(),
        text: format!(
            "Your message \"{subject}\" was to be delivered now, and could not be. {why}\n\nNobody \
             has got it. It is in your Drafts folder again: change it, and send it when you like.\n"
        ),
    }
}
