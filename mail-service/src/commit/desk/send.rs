//! Sending: everybody or nobody, once; at once or later.

use std::collections::BTreeMap;

use turbomessage_service_kit::clock::new_id;
use uuid::Uuid;

use super::Desk;
use crate::{
    commit::job::{Addressees, Answer, Recipient, Refusal, Send, Source},
    domain::{Body, Copy, Draft, FolderRole, Kind, Participant, Participants, snippet},
    store::{Content, Kept},
};

impl Desk {
    pub(super) fn send(&mut self, send: &Send) -> Result<Answer, Refusal> {
        let owner = send.sender_id;
        self.active(owner)?;
        if let Some(answer) = self.replay(owner, send.request) {
            return answer;
        }
        let own = self.source(send)?;
        let parent = self.named(owner, send.draft.in_reply_to);
        if own.is_none() {
            self.check_named(owner, &send.draft)?;
            self.check_labels(owner, &send.draft.labels, 0)?;
        }
        let later = send.draft.deliver_time.is_some_and(|t| t > self.time());
        self.check_room(send, own.as_ref(), later)?;

        let participants = participants(Participant::Account(owner), &send.addressees);
        let content = self.content(owner, &send.draft, participants, parent.as_ref());
        let mut copy = self.own_copy(&content, &send.draft, own.as_ref(), parent.as_ref());
        let deliveries = if later {
            copy.kind = Kind::Waiting;
            copy.folder_id = self.standard_folder(owner, FolderRole::Outbox);
            copy.forward_of = send.draft.forward_of;
            copy.deliver_time = send.draft.deliver_time;
            Vec::new()
        } else {
            self.mark_named(owner, &send.draft);
            self.deliver(&content, &send.addressees, &copy)
        };
        let copy = self.put(copy, own.is_some());
        self.put_content(content, deliveries, &copy);
        self.keep(owner, send.request, Kept::Message(Box::new(copy.clone())));
        Ok(Answer::Message(Box::new(copy)))
    }

    /// The copy that is to be sent, if it still is what was read.
    fn source(&self, send: &Send) -> Result<Option<Copy>, Refusal> {
        let Some(source) = send.source else {
            return Ok(None);
        };
        self.check_source(send.sender_id, source).map(Some)
    }

    pub(super) fn check_source(&self, owner: Uuid, source: Source) -> Result<Copy, Refusal> {
        let copy = self.copies.get(&(owner, source.message_id));
        let copy = copy.ok_or_else(|| Refusal::MessagesNotFound(vec![source.message_id]))?;
        let kind = if source.waiting {
            Kind::Waiting
        } else {
            Kind::Draft
        };
        if copy.kind != kind {
            return Err(Refusal::NotADraft);
        }
        if copy.change != source.change {
            return Err(Refusal::SourceChanged);
        }
        Ok(copy.clone())
    }

    /// What a message answers and passes on must be the sender's.
    pub(super) fn check_named(&self, owner: Uuid, draft: &Draft) -> Result<(), Refusal> {
        let missing = |id: &Uuid| !self.copies.contains_key(&(owner, *id));
        if let Some(id) = draft.in_reply_to.filter(missing) {
            return Err(Refusal::ParentNotFound(id));
        }
        if let Some(id) = draft.forward_of.filter(missing) {
            return Err(Refusal::OriginalNotFound(id));
        }
        Ok(())
    }

    pub(super) fn named(&self, owner: Uuid, id: Option<Uuid>) -> Option<Copy> {
        self.copies.get(&(owner, id?)).cloned()
    }

    fn mark_named(&mut self, owner: Uuid, draft: &Draft) {
        if let Some(id) = draft.in_reply_to {
            self.change((owner, id), |copy| copy.answered = true);
        }
        if let Some(id) = draft.forward_of {
            self.change((owner, id), |copy| copy.forwarded = true);
        }
    }

    /// Everybody must be there and have room, the sender too. What is sent later is looked at again
    /// when it is delivered.
    fn check_room(&self, send: &Send, own: Option<&Copy>, later: bool) -> Result<(), Refusal> {
        let bytes = send.draft.size_bytes();
        let mut wanted: BTreeMap<Uuid, (i64, i64)> = BTreeMap::new();
        let sender = wanted.entry(send.sender_id).or_default();
        *sender = match own {
            None => (1, bytes),
            Some(copy) => (0, bytes - copy.size_bytes),
        };
        if !later {
            for recipient in send.addressees.all() {
                let wanted = wanted.entry(recipient.account_id).or_default();
                *wanted = (wanted.0 + 1, wanted.1.saturating_add(bytes));
            }
        }
        let owners = send.addressees.all().map(|r| r.account_id);
        let mut gone: Vec<Uuid> = owners.filter(|&o| self.active(o).is_err()).collect();
        if !gone.is_empty() {
            gone.sort_unstable();
            return Err(Refusal::RecipientsGone(gone));
        }
        let full = wanted.into_iter();
        let full = full.filter(|(owner, more)| !self.has_room(*owner, *more));
        let full: Vec<Uuid> = full.map(|(owner, _)| owner).collect();
        if full.is_empty() {
            Ok(())
        } else {
            Err(Refusal::MailboxesFull(full))
        }
    }

    pub(super) fn has_room(&self, owner: Uuid, (messages, bytes): (i64, i64)) -> bool {
        let mailbox = self.mailboxes.get(&owner);
        // What does not grow always fits, also where a quota was lowered.
        (messages <= 0 && bytes <= 0) || mailbox.is_some_and(|m| m.has_room(messages, bytes))
    }

    /// A recipient's copy each, of what the sender has as `own`: it joins the conversation in which they have what is
    /// answered.
    fn deliver(
        &mut self,
        content: &Content,
        addressees: &Addressees,
        own: &Copy,
    ) -> Vec<(Uuid, Uuid)> {
        let mut deliveries = Vec::new();
        for recipient in addressees.all() {
            let owner = recipient.account_id;
            let snippet = own.snippet.clone();
            let mut copy = self.copy_of(content, snippet, owner, Kind::Received);
            let answered = self.parents.get(&(owner, content.in_reply_to.clone()));
            copy.thread_id = answered.map_or(own.thread_id, |parent| parent.thread_id);
            copy.in_reply_to = answered.map(|parent| parent.message_id);
            copy.participants = content.participants.without_bcc();
            deliveries.push((owner, copy.message_id));
            self.add(copy);
        }
        deliveries
    }

    /// The sender's copy: what it was before keeps its id and its flags.
    pub(super) fn own_copy(
        &self,
        content: &Content,
        draft: &Draft,
        before: Option<&Copy>,
        parent: Option<&Copy>,
    ) -> Copy {
        let snippet = snippet(&content.body);
        let mut copy = self.copy_of(content, snippet, content.sender_id, Kind::Sent);
        copy.in_reply_to = draft.in_reply_to;
        copy.labels.clone_from(&draft.labels);
        copy.read = true;
        // What answers nothing any more begins a conversation of its own.
        let before_too = before.filter(|copy| copy.in_reply_to == draft.in_reply_to);
        let thread = parent.or(before_too).map(|other| other.thread_id);
        copy.thread_id = thread.unwrap_or_else(|| new_id(self.time()));
        if let Some(before) = before {
            copy.message_id = before.message_id;
            copy.create_change = before.create_change;
            copy.read = before.read;
            copy.starred = before.starred;
            copy.answered = before.answered;
            copy.forwarded = before.forwarded;
        }
        copy
    }

    /// Puts a copy into its mailbox, in the place of the one with its id if there is one.
    pub(super) fn put(&mut self, copy: Copy, is_there: bool) -> Copy {
        if is_there {
            self.replace(copy)
        } else {
            self.add(copy)
        }
    }

    pub(super) fn put_content(
        &mut self,
        content: Content,
        mut deliveries: Vec<(Uuid, Uuid)>,
        own: &Copy,
    ) {
        deliveries.push((own.owner_id, own.message_id));
        self.changes.contents.push(Content {
            deliveries,
            ..content
        });
    }

    pub(super) fn content(
        &self,
        sender_id: Uuid,
        draft: &Draft,
        participants: Participants,
        parent: Option<&Copy>,
    ) -> Content {
        Content {
            content_id: new_id(self.time()),
            sender_id,
            send_time: self.time(),
            subject: draft.subject.clone(),
            body: draft.body.clone(),
            participants,
            // Its own random name: it is shown to everybody, so it says nothing of our ids. It begins with the time of
            // sending, which is shown as well, so that what comes into an index together stands together in it.
            internet_message_id: format!("<{}@{}>", new_id(self.time()), self.mail_domain),
            in_reply_to: parent.map_or_else(String::new, |p| p.internet_message_id.clone()),
            size_bytes: draft.size_bytes(),
            deliveries: Vec::new(),
        }
    }

    /// A message from the system, which arrives however full the mailbox is.
    pub(super) fn notify(&mut self, owner: Uuid, subject: &str, text: &str) {
        let draft = Draft {
            subject: subject.to_owned(),
            body: Body {
                text: text.to_owned(),
                html: String::new(),
            },
            ..Draft::default()
        };
        let to = Addressees {
            to: vec![Recipient {
                account_id: owner,
                username: String::new(),
            }],
            ..Addressees::default()
        };
        let participants = participants(Participant::System, &to);
        let content = self.content(Uuid::nil(), &draft, participants, None);
        let snippet = snippet(&content.body);
        let mut copy = self.copy_of(&content, snippet, owner, Kind::Received);
        copy.thread_id = new_id(self.time());
        let copy = self.add(copy);
        self.put_content(content, Vec::new(), &copy);
    }

    /// A copy of `content`, in the folder where such copies come.
    fn copy_of(&self, content: &Content, snippet: String, owner: Uuid, kind: Kind) -> Copy {
        let role = match kind {
            Kind::Received => FolderRole::Inbox,
            Kind::Sent | Kind::Draft | Kind::Waiting => FolderRole::Sent,
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
            snippet,
            participants: content.participants.clone(),
            in_reply_to: None,
            internet_message_id: content.internet_message_id.clone(),
            size_bytes: content.size_bytes,
            labels: Vec::new(),
            forward_of: None,
            deliver_time: None,
            trash_time: None,
        }
    }
}

pub(super) fn participants(from: Participant, addressees: &Addressees) -> Participants {
    let accounts = |list: &[Recipient]| -> Vec<Participant> {
        list.iter()
            .map(|r| Participant::Account(r.account_id))
            .collect()
    };
    Participants {
        from,
        to: accounts(&addressees.to),
        cc: accounts(&addressees.cc),
        bcc: accounts(&addressees.bcc),
    }
}
