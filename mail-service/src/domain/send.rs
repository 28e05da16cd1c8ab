//! What somebody wants to send.

use serde::Serialize;
use sha2::{Digest, Sha256};
use turbomessage_service_kit::{
    clock::Timestamp,
    fields::{self, Fields},
    problem::{Rule, Unit},
};
use uuid::Uuid;

use super::{Body, MAX_BODY_BYTES, MAX_RECIPIENTS, MAX_SUBJECT_BYTES, message::snippet};

/// What a message is to say: checked, but for whether those it names exist.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// Whom it is for.
    pub recipients: Recipients,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: Body,
    /// The sender's copy of what it answers.
    pub in_reply_to: Option<Uuid>,
    /// The sender's copy of what it passes on.
    pub forward_of: Option<Uuid>,
    /// Labels of the sender's copy, sorted.
    pub labels: Vec<String>,
    /// When to deliver it; not given, or not ahead: at once.
    pub deliver_time: Option<Timestamp>,
}

/// Usernames, each once: a person named twice is kept in `to` before `cc` before `bcc`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Recipients {
    /// The first recipients.
    pub to: Vec<String>,
    /// Those who get it for information.
    pub cc: Vec<String>,
    /// Those whom others do not see.
    pub bcc: Vec<String>,
}

impl Recipients {
    /// Every name.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }

    /// Reads the three lists of a request.
    pub fn parse(fields: &mut Fields, to: &[String], cc: &[String], bcc: &[String]) -> Self {
        let named = to.len() + cc.len() + bcc.len();
        if named > MAX_RECIPIENTS {
            fields.reject("to", Rule::TooLong(MAX_RECIPIENTS, Unit::Items));
            return Self::default();
        }
        let mut seen = std::collections::HashSet::with_capacity(named);
        let mut read = |field: &str, names: &[String]| -> Vec<String> {
            names
                .iter()
                .enumerate()
                .filter_map(|(n, name)| {
                    fields.accept(format!("{field}[{n}]"), fields::username(name))
                })
                .filter(|name| seen.insert(name.clone()))
                .collect()
        };
        Self {
            to: read("to", to),
            cc: read("cc", cc),
            bcc: read("bcc", bcc),
        }
    }
}

impl Draft {
    /// Notes what is wrong with the content, finished or not.
    pub fn check(&self, fields: &mut Fields) {
        if self.subject.len() > MAX_SUBJECT_BYTES {
            fields.reject("subject", Rule::TooLong(MAX_SUBJECT_BYTES, Unit::Bytes));
        }
        if self.subject.chars().any(|c| c.is_control() && c != '\t') {
            fields.reject("subject", Rule::ControlCharacter);
        }
        for (field, text) in [
            ("body.text", &self.body.text),
            ("body.html", &self.body.html),
        ] {
            if text.len() > MAX_BODY_BYTES {
                fields.reject(field, Rule::TooLong(MAX_BODY_BYTES, Unit::Bytes));
            }
            if text.contains('\0') {
                fields.reject(field, Rule::Nul);
            }
        }
    }

    /// Notes what is missing before it can be sent to `named` recipients.
    pub fn check_complete(&self, fields: &mut Fields, named: usize) {
        if named == 0 {
            fields.reject("to", Rule::Required);
        }
        if self.subject.is_empty() && self.body.text.is_empty() && self.body.html.is_empty() {
            fields.reject("subject", Rule::Required);
        }
    }

    /// Bytes it takes of every holder's quota.
    #[must_use]
    pub fn size_bytes(&self) -> i64 {
        let bytes = self.subject.len() + self.body.text.len() + self.body.html.len();
        i64::try_from(bytes).unwrap_or(i64::MAX)
    }

    /// The beginning of the text on one line.
    #[must_use]
    pub fn snippet(&self) -> String {
        snippet(&self.body)
    }

    /// Tells this content, sent, from any other request.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint_of(Purpose::Send)
    }

    /// Tells this content, kept as a draft in the place of `replaced`, from any other request.
    #[must_use]
    pub fn fingerprint_as_draft(&self, replaced: Option<(Uuid, &str)>) -> Fingerprint {
        self.fingerprint_of(Purpose::Save(replaced))
    }

    fn fingerprint_of(&self, purpose: Purpose<'_>) -> Fingerprint {
        let content = (
            &self.recipients,
            &self.subject,
            &self.body,
            self.in_reply_to,
            self.forward_of,
            &self.labels,
            self.deliver_time,
        );
        Fingerprint::of(&(purpose, content))
    }
}

/// What a request wants done with a content. The order is part of fingerprints that are stored.
#[derive(Serialize)]
enum Purpose<'a> {
    Send,
    Save(Option<(Uuid, &'a str)>),
}

/// The SHA-256 of a request's validated content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of a validated request. What is given for different methods must differ in
    /// its type or values.
    #[must_use]
    pub fn of(request: &impl Serialize) -> Self {
        // The number names this way of writing requests down: another way must have another
        // number, and answers kept for the old one must be recognised for as long as they are.
        let bytes = postcard::to_allocvec(&(2_u8, request)).unwrap_or_default();
        Self(Sha256::digest(bytes).into())
    }
}

/// The client's name for a call that must take effect once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    /// The UUID the client chose.
    pub id: Uuid,
    /// What the call asked for.
    pub fingerprint: Fingerprint,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|&n| n.into()).collect()
    }

    #[test]
    fn a_person_named_twice_gets_one_copy() {
        let mut fields = Fields::new();
        let to = strings(&["Bob", "bob"]);
        let cc = strings(&["carol", "bob"]);
        let bcc = strings(&["carol", "dave"]);
        let found = Recipients::parse(&mut fields, &to, &cc, &bcc);
        assert!(fields.is_ok());
        assert_eq!(
            (found.to, found.cc, found.bcc),
            (strings(&["bob"]), strings(&["carol"]), strings(&["dave"]))
        );
    }

    fn named(fields: Fields) -> Vec<String> {
        let problem = fields.finish().unwrap_err();
        problem
            .violations()
            .iter()
            .map(|v| v.field.clone())
            .collect()
    }

    #[test]
    fn every_bad_field_is_named() {
        let mut fields = Fields::new();
        let names = strings(&["ok-name", "x", "a b c"]);
        let draft = Draft {
            recipients: Recipients::parse(&mut fields, &names, &[], &[]),
            subject: "line\nbreak".repeat(200),
            body: Body {
                text: "a\0b".into(),
                html: "x".repeat(MAX_BODY_BYTES + 1),
            },
            ..Draft::default()
        };
        draft.check(&mut fields);
        let expected = [
            "to[1]",
            "to[2]",
            "subject",
            "subject",
            "body.text",
            "body.html",
        ];
        assert_eq!(named(fields), expected);
    }

    #[test]
    fn a_recipient_and_some_content_are_required_to_send() {
        let mut fields = Fields::new();
        Draft::default().check(&mut fields);
        assert!(fields.is_ok(), "an empty draft is one");
        Draft::default().check_complete(&mut fields, 0);
        assert_eq!(named(fields), ["to", "subject"]);
    }

    #[test]
    fn fingerprints_tell_contents_apart() {
        let draft = |to: &str, cc: &str, subject: &str| Draft {
            recipients: Recipients {
                to: strings(&[to]),
                cc: strings(&[cc]),
                bcc: vec![],
            },
            subject: subject.into(),
            ..Draft::default()
        };
        let one = draft("ana", "bob", "x").fingerprint();
        assert_eq!(one, draft("ana", "bob", "x").fingerprint());
        assert_ne!(one, draft("bob", "ana", "x").fingerprint());
        assert_ne!(one, draft("ana", "bob", "y").fingerprint());
        assert_ne!(one, draft("anab", "ob", "x").fingerprint());
        let draft = draft("ana", "bob", "x");
        assert_ne!(one, draft.fingerprint_as_draft(None));
        let id = Uuid::from_u128(1);
        assert_ne!(
            draft.fingerprint_as_draft(None),
            draft.fingerprint_as_draft(Some((id, "1")))
        );
        let later = Draft {
            deliver_time: Some(Timestamp::from_micros(1)),
            ..draft
        };
        assert_ne!(one, later.fingerprint());
    }
}
