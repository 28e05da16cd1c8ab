//! Messages: the immutable content, and the copy that each holder has.

use serde::{Deserialize, Serialize};
use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

/// Somebody named in a message. Accounts are kept by id: their names are looked up when shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Participant {
    /// An account of this system, by id.
    Account(Uuid),
    /// Somebody elsewhere, from imported mail.
    External {
        /// The name beside the address, or empty.
        name: String,
        /// The e-mail address.
        address: String,
    },
    /// `TurboMessage` itself.
    System,
}

impl Participant {
    /// The account, if it is one.
    #[must_use]
    pub fn account_id(&self) -> Option<Uuid> {
        match self {
            Self::Account(id) => Some(*id),
            Self::External { .. } | Self::System => None,
        }
    }
}

/// Who is named in a message, as one holder may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participants {
    /// The sender.
    pub from: Participant,
    /// The first recipients.
    pub to: Vec<Participant>,
    /// Those who get it for information.
    pub cc: Vec<Participant>,
    /// Those whom others do not see: empty but in the sender's copy.
    pub bcc: Vec<Participant>,
}

impl Participants {
    /// What everybody but the sender sees.
    #[must_use]
    pub fn without_bcc(&self) -> Self {
        Self {
            bcc: Vec::new(),
            ..self.clone()
        }
    }

    /// Everybody named.
    pub fn all(&self) -> impl Iterator<Item = &Participant> {
        std::iter::once(&self.from)
            .chain(&self.to)
            .chain(&self.cc)
            .chain(&self.bcc)
    }
}

/// The text of a message, kept byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Body {
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
}

/// How a copy came into its owner's mailbox. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(i16)]
pub enum Kind {
    /// The owner got it.
    Received = 1,
    /// The owner sent it.
    Sent = 2,
    /// The owner is writing it.
    Draft = 3,
    /// The owner sent it, to be delivered later.
    Waiting = 4,
}

impl Kind {
    /// The kind stored as `number`; what is not known here is as if received.
    #[must_use]
    pub fn from_number(number: i16) -> Self {
        [Self::Sent, Self::Draft, Self::Waiting]
            .into_iter()
            .find(|kind| *kind as i16 == number)
            .unwrap_or(Self::Received)
    }
}

/// One holder's copy of a message: everything that lists show.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four flags that are set one by one"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// Whose it is.
    pub owner_id: Uuid,
    /// The copy's id.
    pub message_id: Uuid,
    /// The content that all copies share.
    pub content_id: Uuid,
    /// The conversation.
    pub thread_id: Uuid,
    /// Where it is.
    pub folder_id: Uuid,
    /// How it came here.
    pub kind: Kind,
    /// The number of its last change: its etag.
    pub change: i64,
    /// The number of the change that made it.
    pub create_change: i64,
    /// When it came into the mailbox.
    pub receive_time: Timestamp,
    /// When it was sent.
    pub send_time: Timestamp,
    /// Marked as read.
    pub read: bool,
    /// A favourite.
    pub starred: bool,
    /// The owner answered it.
    pub answered: bool,
    /// The owner forwarded it.
    pub forwarded: bool,
    /// The subject.
    pub subject: String,
    /// The beginning of the text.
    pub snippet: String,
    /// Who is named in it.
    pub participants: Participants,
    /// The owner's copy of what it answers.
    pub in_reply_to: Option<Uuid>,
    /// The `Message-ID` of RFC 5322.
    pub internet_message_id: String,
    /// Bytes it takes of the quota.
    pub size_bytes: i64,
    /// The owner's labels on it, sorted.
    pub labels: Vec<String>,
    /// Of what is not sent yet: the owner's copy of what it passes on.
    pub forward_of: Option<Uuid>,
    /// Of what is not sent yet: when it is to be delivered.
    pub deliver_time: Option<Timestamp>,
    /// When it was moved to Trash, if it is there.
    pub trash_time: Option<Timestamp>,
}

impl Copy {
    /// What changes whenever the copy does.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("{:x}", self.change)
    }
}

/// The most characters of a snippet.
const SNIPPET_CHARACTERS: usize = 200;

/// The beginning of `body` on one line, for lists.
#[must_use]
pub(crate) fn snippet(body: &Body) -> String {
    // A few times what is shown is enough to fill it, whatever is white space or markup.
    const ENOUGH: usize = SNIPPET_CHARACTERS * 40;
    if body.text.is_empty() {
        one_line(without_tags(body.html.chars().take(ENOUGH)))
    } else {
        one_line(body.text.chars().take(ENOUGH))
    }
}

/// The first characters of a text, with one space for all white space and control characters between two others.
fn one_line(text: impl Iterator<Item = char>) -> String {
    let mut line = String::with_capacity(SNIPPET_CHARACTERS);
    let (mut length, mut apart) = (0, false);
    for c in text {
        if c.is_whitespace() || c.is_control() {
            apart = length > 0;
            continue;
        }
        for c in apart.then_some(' ').into_iter().chain([c]) {
            if length == SNIPPET_CHARACTERS {
                return line;
            }
            line.push(c);
            length += 1;
        }
        apart = false;
    }
    line
}

/// HTML as a hint of its text: tags become spaces, entities stay as they are.
fn without_tags(html: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    let mut inside = false;
    html.filter_map(move |c| match c {
        '<' => {
            inside = true;
            Some(' ')
        }
        '>' if inside => {
            inside = false;
            None
        }
        _ if inside => None,
        c => Some(c),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Body {
        Body {
            text: text.into(),
            html: String::new(),
        }
    }

    #[test]
    fn a_snippet_is_one_short_line() {
        assert_eq!(snippet(&text("  Hola,\r\n\tmundo\u{0} ")), "Hola, mundo");
        assert_eq!(
            snippet(&text(&"é ".repeat(1000))).chars().count(),
            SNIPPET_CHARACTERS
        );
        assert_eq!(
            snippet(&text(&"x".repeat(1 << 20))).len(),
            SNIPPET_CHARACTERS
        );
        assert_eq!(snippet(&text("")), "");
    }

    #[test]
    fn html_serves_where_there_is_no_text() {
        let body = Body {
            text: String::new(),
            html: "<p>Hello <b>you</b></p>".into(),
        };
        assert_eq!(snippet(&body), "Hello you");
    }
}
