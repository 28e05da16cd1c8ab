//! What somebody wants to send.

use serde::Serialize;
use sha2::{Digest, Sha256};
use turbomessage_service_kit::{
    fields::{self, Fields},
    problem::{Rule, Unit},
};
use uuid::Uuid;

use super::{Body, MAX_BODY_BYTES, MAX_RECIPIENTS, MAX_SUBJECT_BYTES, message::snippet};

/// A message that may be sent: everything in it has been checked but that its recipients exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// Whom it is for.
    pub recipients: Recipients,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: Body,
    /// The sender's copy of what it answers.
    pub in_reply_to: Option<Uuid>,
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
        if named == 0 {
            fields.reject("to", Rule::Required);
        }
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
    /// Reads the content of a request.
    pub fn parse(
        fields: &mut Fields,
        recipients: Recipients,
        subject: String,
        body: Body,
        in_reply_to: Option<Uuid>,
    ) -> Self {
        if subject.is_empty() && body.text.is_empty() && body.html.is_empty() {
            fields.reject("subject", Rule::Required);
        }
        if subject.len() > MAX_SUBJECT_BYTES {
            fields.reject("subject", Rule::TooLong(MAX_SUBJECT_BYTES, Unit::Bytes));
        }
        if subject.chars().any(|c| c.is_control() && c != '\t') {
            fields.reject("subject", Rule::ControlCharacter);
        }
        for (field, text) in [("body.text", &body.text), ("body.html", &body.html)] {
            if text.len() > MAX_BODY_BYTES {
                fields.reject(field, Rule::TooLong(MAX_BODY_BYTES, Unit::Bytes));
            }
            if text.contains('\0') {
                fields.reject(field, Rule::Nul);
            }
        }
        Self {
            recipients,
            subject,
            body,
            in_reply_to,
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

    /// Tells this content from any other.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        // The number names this form of the content: another form must have another number, and
        // answers kept for the old one must be recognised for as long as they are kept.
        let bytes = postcard::to_allocvec(&(1_u8, self)).unwrap_or_default();
        Fingerprint(Sha256::digest(bytes).into())
    }
}

/// The SHA-256 of a request's validated content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

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

    #[test]
    fn every_bad_field_is_named() {
        let mut fields = Fields::new();
        let recipients =
            Recipients::parse(&mut fields, &strings(&["ok-name", "x", "a b c"]), &[], &[]);
        let body = Body {
            text: "a\0b".into(),
            html: "x".repeat(MAX_BODY_BYTES + 1),
        };
        let _ = Draft::parse(
            &mut fields,
            recipients,
            "line\nbreak".repeat(200),
            body,
            None,
        );
        let problem = fields.finish().unwrap_err();
        let named: Vec<&str> = problem
            .violations()
            .iter()
            .map(|v| v.field.as_str())
            .collect();
        assert_eq!(
            named,
            [
                "to[1]",
                "to[2]",
                "subject",
                "subject",
                "body.text",
                "body.html"
            ]
        );
    }

    #[test]
    fn a_recipient_and_some_content_are_required() {
        let mut fields = Fields::new();
        let recipients = Recipients::parse(&mut fields, &[], &[], &[]);
        let _ = Draft::parse(
            &mut fields,
            recipients,
            String::new(),
            Body::default(),
            None,
        );
        let problem = fields.finish().unwrap_err();
        let named: Vec<&str> = problem
            .violations()
            .iter()
            .map(|v| v.field.as_str())
            .collect();
        assert_eq!(named, ["to", "subject"]);
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
            body: Body::default(),
            in_reply_to: None,
        };
        let one = draft("ana", "bob", "x").fingerprint();
        assert_eq!(one, draft("ana", "bob", "x").fingerprint());
        assert_ne!(one, draft("bob", "ana", "x").fingerprint());
        assert_ne!(one, draft("ana", "bob", "y").fingerprint());
        assert_ne!(one, draft("anab", "ob", "x").fingerprint());
    }
}
