//! Whom an answer goes to, and what it is called.

use turbomessage_proto::mail_v1::{Message, Participant, ParticipantKind};

use crate::{failure::Failure, output::mail};

/// The most bytes a subject may have.
const MAX_SUBJECT_BYTES: usize = 998;

/// Whom an answer goes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recipients {
    /// Usernames.
    pub(crate) to: Vec<String>,
    /// Usernames of those who get it for information.
    pub(crate) cc: Vec<String>,
    /// What those are called who should get it but cannot be written to.
    pub(crate) left_out: Vec<String>,
}

/// Whom an answer to `original` goes to: its sender, or with `all` everybody in it but the account
/// `own_id`. An answer to one's own message goes to those whom it went to. Fails if nobody of them
/// can be written to.
pub(crate) fn recipients(
    original: &Message,
    all: bool,
    own_id: &str,
) -> Result<Recipients, Failure> {
    let from = original.from.as_slice();
    let is_own = from.iter().any(|sender| sender.account_id == own_id);
    let to = match (is_own, all) {
        (true, _) => others(&original.to, own_id),
        (false, true) => [others(from, own_id), others(&original.to, own_id)].concat(),
        (false, false) => others(from, own_id),
    };
    let cc = if all {
        others(&original.cc, own_id)
    } else {
        Vec::new()
    };
    let everyone = [to.as_slice(), cc.as_slice()].concat();
    let mut left_out = everyone.into_iter().filter(|person| !is_user(person));
    let mut found = Recipients {
        to: usernames(&to),
        cc: usernames(&cc),
        left_out: left_out.clone().map(mail::full_name).collect(),
    };
    if found.to.is_empty() && found.cc.is_empty() {
        if let Some(person) = left_out.next() {
            return Err(cannot_write_to(person));
        }
        // Whoever writes to themselves answers themselves.
        found.to = usernames(&from.iter().collect::<Vec<_>>());
    }
    Ok(found)
}

fn others<'a>(people: &'a [Participant], own_id: &str) -> Vec<&'a Participant> {
    let mut others: Vec<&Participant> = Vec::new();
    for person in people {
        if person.account_id != own_id && !others.contains(&person) {
            others.push(person);
        }
    }
    others
}

fn is_user(person: &Participant) -> bool {
    person.kind() == ParticipantKind::User
}

fn usernames(people: &[&Participant]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for person in people {
        if is_user(person) && !names.contains(&person.username) {
            names.push(person.username.clone());
        }
    }
    names
}

fn cannot_write_to(person: &Participant) -> Failure {
    let name = mail::full_name(person);
    Failure::other(match person.kind() {
        ParticipantKind::Deleted => {
            "The account that this came from has been deleted: nobody would get an answer.".into()
        }
        ParticipantKind::System => {
            "TurboMessage itself wrote this: nobody would read an answer.".into()
        }
        ParticipantKind::External | ParticipantKind::User | ParticipantKind::Unspecified => {
            format!("{name} is no user of this server and cannot be written to.")
        }
    })
}

/// The subject of an answer: `Re: `, once.
pub(crate) fn reply_subject(subject: &str) -> String {
    prefixed("Re: ", &["re:"], subject)
}

/// The subject of what is passed on: `Fwd: `, once.
pub(crate) fn forward_subject(subject: &str) -> String {
    prefixed("Fwd: ", &["fwd:", "fw:"], subject)
}

fn prefixed(prefix: &str, known: &[&str], subject: &str) -> String {
    let start = subject.trim_start().to_lowercase();
    if known.iter().any(|known| start.starts_with(known)) {
        return subject.to_owned();
    }
    let whole = format!("{prefix}{subject}");
    let end = whole.floor_char_boundary(MAX_SUBJECT_BYTES);
    whole[..end].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "id of me";

    fn user(username: &str) -> Participant {
        Participant {
            account_id: format!("id of {username}"),
            username: username.into(),
            kind: ParticipantKind::User.into(),
            ..Participant::default()
        }
    }

    fn other(kind: ParticipantKind) -> Participant {
        Participant {
            address: "x@example.org".into(),
            kind: kind.into(),
            ..Participant::default()
        }
    }

    fn message(from: Participant, to: &[&str], cc: &[&str]) -> Message {
        Message {
            from: Some(from),
            to: to.iter().map(|name| user(name)).collect(),
            cc: cc.iter().map(|name| user(name)).collect(),
            ..Message::default()
        }
    }

    fn chosen(original: &Message, all: bool) -> (String, String) {
        let found = recipients(original, all, ME).unwrap();
        (found.to.join(" "), found.cc.join(" "))
    }

    #[test]
    fn an_answer_goes_to_the_sender_or_to_all_but_oneself() {
        let letter = message(user("ana"), &["me", "ben"], &["carla", "me"]);
        assert_eq!(chosen(&letter, false), ("ana".into(), String::new()));
        assert_eq!(chosen(&letter, true), ("ana ben".into(), "carla".into()));
        let twice = message(user("ana"), &["ana", "ben", "ben"], &[]);
        assert_eq!(chosen(&twice, true).0, "ana ben");
    }

    #[test]
    fn an_answer_to_ones_own_message_goes_to_those_who_got_it() {
        let own = message(user("me"), &["ana", "me"], &["ben"]);
        assert_eq!(chosen(&own, false), ("ana".into(), String::new()));
        assert_eq!(chosen(&own, true), ("ana".into(), "ben".into()));
        let alone = message(user("me"), &["me"], &[]);
        assert_eq!(chosen(&alone, true), ("me".into(), String::new()));
    }

    #[test]
    fn who_cannot_be_written_to_is_refused_or_left_out_of_many() {
        for (kind, word) in [
            (ParticipantKind::Deleted, "deleted"),
            (ParticipantKind::System, "TurboMessage itself"),
            (ParticipantKind::External, "x@example.org is no user"),
        ] {
            let letter = message(other(kind), &["me", "ben"], &[]);
            let failure = recipients(&letter, false, ME).unwrap_err();
            assert!(failure.message.contains(word), "{}", failure.message);
            assert_eq!(failure.exit_code(), 1);

            let found = recipients(&letter, true, ME).unwrap();
            assert_eq!((found.to.len(), found.left_out.len()), (1, 1));
            let alone = message(other(kind), &["me"], &[]);
            assert!(recipients(&alone, true, ME).is_err());
        }
    }

    #[test]
    fn a_subject_says_once_what_it_is() {
        for (subject, reply, forward) in [
            ("Lunch?", "Re: Lunch?", "Fwd: Lunch?"),
            ("Re: Lunch?", "Re: Lunch?", "Fwd: Re: Lunch?"),
            ("RE:Lunch?", "RE:Lunch?", "Fwd: RE:Lunch?"),
            ("fw: Lunch?", "Re: fw: Lunch?", "fw: Lunch?"),
            ("Regards", "Re: Regards", "Fwd: Regards"),
            ("", "Re:", "Fwd:"),
        ] {
            assert_eq!(reply_subject(subject), reply);
            assert_eq!(forward_subject(subject), forward);
        }
        let longest = "ñ".repeat(499);
        let reply = reply_subject(&longest);
        assert!(
            reply.len() <= 998 && reply.ends_with('ñ'),
            "{}",
            reply.len()
        );
    }
}
