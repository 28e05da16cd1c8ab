//! Pages and messages that the server answers with.

use turbomessage_proto::mail_v1::Message;

use crate::{
    failure::Failure,
    output::in_a_line,
    screen::{
        change::Modify,
        event::{Page, Purpose},
        line::LineEdit,
        list::Source,
        state::{Mode, State},
    },
};

impl State {
    pub(super) fn listed(&mut self, ticket: u64, result: Result<Page, Failure>) {
        match result {
            Ok(page) => {
                self.list.listed(ticket, page);
                if let Some(Source::Folder(id)) = &self.list.source {
                    self.home = Some(id.clone());
                }
            }
            Err(failure) => match self.list.failed(ticket) {
                Some(Source::Search(query)) if failure.reason == "QUERY_INVALID" => {
                    self.correct(&query, &failure);
                }
                Some(_) => self.fail(failure),
                None => {}
            },
        }
    }

    /// Puts a query that cannot be read before its writer again.
    fn correct(&mut self, query: &str, failure: &Failure) {
        let position = failure.metadata.get("position");
        let position = position.and_then(|position| position.parse().ok());
        let mistake = (position.unwrap_or(1), in_a_line(failure));
        if matches!(self.mode, Mode::Browse) {
            self.mode = Mode::Search(LineEdit::new(query), Some(mistake));
        }
    }

    pub(super) fn fetched(&mut self, purpose: Purpose, result: Result<Box<Message>, Failure>) {
        let message = match result {
            Ok(message) => *message,
            Err(failure) => {
                if purpose == Purpose::Read {
                    self.reader = None;
                }
                return self.fail(failure);
            }
        };
        if purpose == Purpose::Read {
            self.read(message);
        } else {
            self.begin_writing(purpose, &message);
        }
    }

    /// Shows a whole message, which makes it read.
    fn read(&mut self, message: Message) {
        let Some(reader) = &mut self.reader else {
            return;
        };
        if reader.message.message_id != message.message_id {
            return;
        }
        reader.set(message.clone());
        if !message.read {
            self.change(message, &Modify::Read(true));
        }
    }
}
