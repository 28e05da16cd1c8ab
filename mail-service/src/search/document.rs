//! A message as search sees it.

use uuid::Uuid;

use super::{
    html::html_text,
    tokenizer::{Token, tokens},
};

/// Where a word stands in a message. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Field {
    /// In the subject.
    Subject = 1,
    /// In the text or the HTML.
    Body = 2,
}

impl Field {
    /// Every field.
    pub const ALL: &[Self] = &[Self::Subject, Self::Body];
}

/// What somebody is in a message. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// The sender.
    From = 1,
    /// A first recipient.
    To = 2,
    /// Somebody who gets it for information.
    Cc = 3,
    /// Somebody whom others do not see.
    Bcc = 4,
}

/// What of a message is indexed: nothing that changes.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// When it came into the mailbox, in microseconds since the Unix epoch. Names the message.
    pub time: i64,
    /// The subject.
    pub subject: &'a str,
    /// The plain text of the body.
    pub text: &'a str,
    /// The HTML of the body.
    pub html: &'a str,
    /// Who is named in it, by id: their names may change.
    pub people: &'a [(Uuid, Role)],
}

impl Document<'_> {
    /// Hands over every word with its field and its position there, in order. No phrase goes from the
    /// text on into the HTML: a position between them stays empty.
    pub(super) fn words(&self, mut sink: impl FnMut(Field, Token<'_>)) {
        tokens(self.subject, |token| sink(Field::Subject, token));
        let mut next = 0;
        tokens(self.text, |token| {
            next = token.position + 2;
            sink(Field::Body, token);
        });
        tokens(&html_text(self.html), |token| {
            let position = token.position + next;
            sink(Field::Body, Token { position, ..token });
        });
    }
}
