//! Writing messages, and what becomes of them.

use std::path::PathBuf;

use turbomessage_proto::mail_v1::Message;

use crate::{
    compose::{answer, letter::Letter, quote},
    failure::{Failure, Kind},
    output::{in_a_line, one_line, time},
    screen::{
        event::{Effect, Purpose, Written},
        key::Key,
        state::{Mode, State, Undo},
        writing::{Busy, Origin, SECOND_THOUGHTS, Writing, letter_of},
    },
};

impl State {
    pub(super) fn compose(&mut self) {
        self.write(String::new(), String::new(), Letter::default());
    }

    /// Begins to write about the current message, once all of it is there.
    pub(super) fn want(&mut self, purpose: Purpose) {
        if let Some(reader) = &self.reader
            && reader.message.body.is_some()
        {
            let message = reader.message.clone();
            return self.begin_writing(purpose, &message);
        }
        if let Some(message) = self.current() {
            let id = message.message_id.clone();
            self.ask(Effect::Fetch(id, purpose));
        }
    }

    pub(super) fn begin_writing(&mut self, purpose: Purpose, message: &Message) {
        let id = message.message_id.clone();
        match purpose {
            Purpose::Read => {}
            Purpose::Reply => self.reply(message, false),
            Purpose::ReplyAll => self.reply(message, true),
            Purpose::Forward => {
                let letter = Letter {
                    subject: answer::forward_subject(&message.subject),
                    text: format!("\n\n{}", quote::forwarded(message)),
                    ..Letter::default()
                };
                self.write(String::new(), id, letter);
            }
            Purpose::Draft => {
                let origin = Origin::Draft(Box::new(message.clone()));
                self.edit(Writing::new(origin, letter_of(message)));
            }
        }
    }

    fn reply(&mut self, message: &Message, all: bool) {
        match answer::recipients(message, all, &self.account.account_id) {
            Err(failure) => self.fail(failure),
            Ok(recipients) => {
                let letter = Letter {
                    to: recipients.to,
                    cc: recipients.cc,
                    bcc: Vec::new(),
                    subject: answer::reply_subject(&message.subject),
                    text: format!("\n\n{}", quote::quoted(message)),
                };
                self.write(message.message_id.clone(), String::new(), letter);
            }
        }
    }

    fn write(&mut self, in_reply_to: String, forward_of: String, begin: Letter) {
        let origin = Origin::New {
            in_reply_to,
            forward_of,
        };
        self.edit(Writing::new(origin, begin));
    }

    fn edit(&mut self, writing: Writing) {
        let text = writing.letter.clone().unwrap_or_default().to_string();
        self.writing = Some(writing);
        self.ask(Effect::Edit { text, path: None });
    }

    /// The file that keeps what was written.
    pub(super) fn written_path(&self) -> Option<PathBuf> {
        let written = self.writing.as_ref()?.written.as_ref()?;
        Some(written.path.clone())
    }

    pub(super) fn edited(&mut self, result: Result<Written, Failure>) {
        let Some(writing) = &mut self.writing else {
            return;
        };
        match result {
            Ok(written) => {
                if writing.edited(written) {
                    self.mode = Mode::Written;
                } else {
                    self.done_writing();
                    self.say("Nothing was written, so nothing was done.");
                }
            }
            Err(failure) => {
                if writing.written.is_some() {
                    self.mode = Mode::Written;
                } else {
                    self.writing = None;
                }
                self.fail(failure);
            }
        }
    }

    /// What becomes of what was written.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most keys mean nothing here"
    )]
    pub(super) fn decide(&mut self, key: Key) {
        self.mode = Mode::Written;
        let Some(writing) = &mut self.writing else {
            self.mode = Mode::Browse;
            return;
        };
        if writing.busy.is_some() {
            return;
        }
        let is_readable = writing.letter.is_ok();
        match key {
            Key::Char('y') if is_readable => self.send(),
            Key::Char('d') if is_readable => self.keep(),
            Key::Char('e') => {
                let path = self.written_path();
                let text = String::new();
                self.ask(Effect::Edit { text, path });
            }
            Key::Char('q') => {
                self.done_writing();
                self.say("Thrown away.");
            }
            Key::Char('j') | Key::Down => writing.preview.scroll_by(1),
            Key::Char('k') | Key::Up => writing.preview.scroll_by(-1),
            Key::PageDown | Key::Char(' ') => writing.preview.scroll_by(10),
            Key::PageUp => writing.preview.scroll_by(-10),
            _ => {}
        }
    }

    fn send(&mut self) {
        let now = self.now;
        let Some(writing) = &mut self.writing else {
            return;
        };
        writing.busy = Some(Busy::Sending);
        writing.settle_time(now);
        let effect = match &writing.origin {
            Origin::New { .. } => Effect::Send(Box::new(writing.send_request())),
            Origin::Draft(draft) if writing.is_kept => {
                Effect::SendDraft(draft.message_id.clone(), writing.ids().1)
            }
            Origin::Draft(draft) => Effect::UpdateDraft(Box::new(writing.update_request(draft))),
        };
        self.ask(effect);
    }

    fn keep(&mut self) {
        let Some(writing) = &mut self.writing else {
            return;
        };
        if writing.is_kept {
            self.done_writing();
            return self.say("Kept in Drafts (g d).");
        }
        writing.busy = Some(Busy::Keeping);
        let effect = match &writing.origin {
            Origin::New { .. } => Effect::CreateDraft(Box::new(writing.create_request())),
            Origin::Draft(draft) => Effect::UpdateDraft(Box::new(writing.update_request(draft))),
        };
        self.ask(effect);
    }

    /// A draft was kept: that was all, or it is sent now.
    pub(super) fn kept(&mut self, result: Result<Box<Message>, Failure>) {
        let Some(writing) = &mut self.writing else {
            return;
        };
        let is_to_be_sent = writing.busy.take() == Some(Busy::Sending);
        match result {
            Err(failure) => self.not_done(failure),
            Ok(draft) => {
                writing.origin = Origin::Draft(draft);
                writing.is_kept = true;
                if is_to_be_sent {
                    self.send();
                } else {
                    self.keep();
                }
            }
        }
    }

    pub(super) fn sent(&mut self, result: Result<Box<Message>, Failure>) {
        if let Some(writing) = &mut self.writing {
            writing.busy = None;
        }
        match result {
            Err(failure) => self.not_done(failure),
            Ok(message) => {
                self.done_writing();
                self.say_sent(&message);
            }
        }
    }

    fn say_sent(&mut self, message: &Message) {
        let people = [&message.to, &message.cc, &message.bcc]
            .into_iter()
            .flatten();
        let names: Vec<&str> = people.map(|person| person.username.as_str()).collect();
        let names = one_line(&names.join(", "));
        let (Some(at), Some(from)) = (message.deliver_time, message.send_time) else {
            return self.say(format!("Sent to {names}."));
        };
        let id = message.message_id.clone();
        self.can_undo(Undo::Send(id.clone()));
        // By the server's clock, which may not be this machine's.
        let seconds = u64::try_from(at.seconds - from.seconds).unwrap_or(0);
        if seconds > SECOND_THOUGHTS.as_secs() + 1 {
            let time = time::long(Some(&at));
            return self.say(format!("Goes to {names} on {time}. z takes it back."));
        }
        self.outgoing = Some((
            names,
            self.now.plus(std::time::Duration::from_secs(seconds)),
        ));
    }

    /// What was written is still there, in the editor's file and on the screen.
    fn not_done(&mut self, failure: Failure) {
        let is_parted = matches!(
            failure.reason.as_str(),
            "ETAG_MISMATCH" | "NOT_A_DRAFT" | "MESSAGE_NOT_FOUND"
        );
        if failure.kind == Kind::NotSignedIn {
            return self.fail(failure);
        }
        let mut text = in_a_line(&failure);
        if let Some(writing) = &mut self.writing
            && matches!(writing.origin, Origin::Draft(_))
            && is_parted
        {
            writing.part_from_draft();
            text.push_str(" d keeps yours as another draft.");
        }
        if let Some(path) = self.written_path() {
            text = format!("{text} Your text is kept in {}.", path.display());
        }
        self.complain(text);
    }

    fn done_writing(&mut self) {
        self.mode = Mode::Browse;
        if let Some(path) = self.written_path() {
            self.ask(Effect::Forget(path));
        }
        self.writing = None;
    }
}
