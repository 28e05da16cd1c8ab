//! Sending: everybody or nobody, once.

use std::collections::BTreeMap;

use turbomessage_service_kit::clock::new_id;
use uuid::Uuid;

use super::Desk;
use crate::{
    commit::job::{Answer, Recipient, Refusal, Send},
    domain::{Copy, FolderRole, Kind, Participant, Participants},
    store::{Content, KeptAnswer},
};

impl Desk {
    pub(super) fn send(&mut self, send: &Send) -> Result<Answer, Refusal> {
        self.active(send.sender_id)?;
        if let Some(request) = send.request
            && let Some(kept) = self.answers.get(&(send.sender_id, request.id))
        {
            return if kept.fingerprint == request.fingerprint {
                Ok(Answer::Sent(Box::new(kept.answer.clone())))
            } else {
                Err(Refusal::RequestIdReused)
            };
        }
        let parent = self.parent(send)?;
        self.check_recipients(send)?;

        let content = self.content(send, parent.as_ref());
        let thread_id = parent
            .as_ref()
            .map_or_else(|| new_id(self.time()), |p| p.thread_id);
        let mut deliveries = Vec::new();
        for recipient in send.recipients() {
            let copy = self.received_copy(&content, recipient.account_id, thread_id);
            deliveries.push((copy.owner_id, copy.message_id));
            self.add(copy);
        }
        let mut own = self.copy_of(&content, send.sender_id, Kind::Sent);
        own.thread_id = thread_id;
        own.in_reply_to = send.draft.in_reply_to;
        own.participants = content.participants.clone();
        own.read = true;
        let own = self.add(own);
        deliveries.push((own.owner_id, own.message_id));
        self.changes.contents.push(Content {
            deliveries,
            ..content
        });

        if let Some(parent) = parent {
            self.change((parent.owner_id, parent.message_id), |copy| {
                copy.answered = true;
            });
        }
        if let Some(request) = send.request {
            let kept = KeptAnswer {
                request: (send.sender_id, request.id),
                fingerprint: request.fingerprint,
                answer: own.clone(),
            };
            self.answers.insert(kept.request, kept.clone());
            self.changes.answers.push(kept);
        }
        Ok(Answer::Sent(Box::new(own)))
    }

    fn parent(&self, send: &Send) -> Result<Option<Copy>, Refusal> {
        let Some(id) = send.draft.in_reply_to else {
            return Ok(None);
        };
        let copy = self
            .copies
            .get(&(send.sender_id, id))
            .ok_or(Refusal::ParentNotFound(id))?;
        Ok(Some(copy.clone()))
    }

    /// Everybody must be there and have room, the sender too.
    fn check_recipients(&self, send: &Send) -> Result<(), Refusal> {
        let mut wanted: BTreeMap<Uuid, i64> = BTreeMap::from([(send.sender_id, 1)]);
        for recipient in send.recipients() {
            *wanted.entry(recipient.account_id).or_default() += 1;
        }
        let owners = || wanted.keys().copied();
        let gone: Vec<Uuid> = owners()
            .filter(|&owner| self.active(owner).is_err())
            .collect();
        if !gone.is_empty() {
            return Err(Refusal::RecipientsGone(gone));
        }
        let bytes = send.draft.size_bytes();
        let full: Vec<Uuid> = wanted
            .iter()
            .filter(|(owner, messages)| {
                let mailbox = self.mailboxes.get(owner);
                !mailbox.is_some_and(|m| m.has_room(**messages, bytes.saturating_mul(**messages)))
            })
            .map(|(owner, _)| *owner)
            .collect();
        if full.is_empty() {
            Ok(())
        } else {
            Err(Refusal::MailboxesFull(full))
        }
    }

    fn content(&self, send: &Send, parent: Option<&Copy>) -> Content {
        let accounts = |list: &[Recipient]| -> Vec<Participant> {
            list.iter()
                .map(|r| Participant::Account(r.account_id))
                .collect()
        };
        Content {
            content_id: new_id(self.time()),
            sender_id: send.sender_id,
            send_time: self.time(),
            subject: send.draft.subject.clone(),
            body: send.draft.body.clone(),
            participants: Participants {
                from: Participant::Account(send.sender_id),
                to: accounts(&send.to),
                cc: accounts(&send.cc),
                bcc: accounts(&send.bcc),
            },
            // Its own random name: it is shown to everybody, so it says nothing of our ids.
            internet_message_id: format!("<{}@{}>", Uuid::new_v4(), self.mail_domain),
            in_reply_to: parent.map_or_else(String::new, |p| p.internet_message_id.clone()),
            size_bytes: send.draft.size_bytes(),
            deliveries: Vec::new(),
        }
    }

    /// A recipient's copy: it joins the conversation in which they have what is answered.
    fn received_copy(&self, content: &Content, owner: Uuid, thread_id: Uuid) -> Copy {
        let mut copy = self.copy_of(content, owner, Kind::Received);
        let answered = self.parents.get(&(owner, content.in_reply_to.clone()));
        copy.thread_id = answered.map_or(thread_id, |parent| parent.thread_id);
        copy.in_reply_to = answered.map(|parent| parent.message_id);
        copy.participants = content.participants.without_bcc();
        copy
    }

    fn copy_of(&self, content: &Content, owner: Uuid, kind: Kind) -> Copy {
        let role = if kind == Kind::Sent {
            FolderRole::Sent
        } else {
            FolderRole::Inbox
        };
        Copy {
            owner_id: owner,
            message_id: new_id(self.time()),
            content_id: content.content_id,
            thread_id: Uuid::nil(),
            folder_id: self.standard_folder(owner, role),
            kind,
            change: 0,
            create_change: 0,
            receive_time: content.send_time,
            send_time: content.send_time,
            read: false,
            starred: false,
            answered: false,
            forwarded: false,
            subject: content.subject.clone(),
            snippet: crate::domain::snippet(&content.body),
            participants: content.participants.without_bcc(),
            in_reply_to: None,
            internet_message_id: content.internet_message_id.clone(),
            size_bytes: content.size_bytes,
        }
    }
}
