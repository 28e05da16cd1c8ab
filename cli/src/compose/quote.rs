//! Other people's words in a message of one's own.

use turbomessage_proto::mail_v1::{Message, Participant};

use crate::output::{mail, one_line, time};

/// `original` as an answer quotes it: who wrote it and when, then its lines behind `>`.
pub(crate) fn quoted(original: &Message) -> String {
    let mut text = format!("{} wrote:\n", attribution(original));
    for line in text_of(original).trim_end().lines() {
        // A quote in a quote grows by one mark, as readers that fold quotes expect.
        let gap = if line.is_empty() || line.starts_with('>') {
            ""
        } else {
            " "
        };
        text.extend([">", gap, line, "\n"]);
    }
    text
}

/// `original` as it is passed on: a header that says whose it is, then its text.
pub(crate) fn forwarded(original: &Message) -> String {
    let mut text = String::from("---------- Forwarded message ----------\n");
    let mut header = |title: &str, value: String| {
        if !value.is_empty() {
            text.extend([title, ": ", &value, "\n"]);
        }
    };
    header("From", names(original.from.as_slice()));
    header("To", names(&original.to));
    header("Cc", names(&original.cc));
    header("Date", time::long(original.send_time.as_ref()));
    header("Subject", one_line(&original.subject));
    text.push('\n');
    text.push_str(text_of(original));
    text
}

/// One's own words, and below them, if there is any, somebody else's.
pub(crate) fn above(words: &str, below: &str) -> String {
    match (words.trim_end(), below) {
        ("", below) => below.to_owned(),
        (_, "") => words.to_owned(),
        (words, below) => format!("{words}\n\n{below}"),
    }
}

fn attribution(original: &Message) -> String {
    let name = names(original.from.as_slice());
    match time::long(original.send_time.as_ref()).as_str() {
        "" => name,
        date => format!("On {date}, {name}"),
    }
}

fn names(people: &[Participant]) -> String {
    let names: Vec<String> = people.iter().map(mail::full_name).collect();
    names.join(", ")
}

/// The text, or what stands for it where there is HTML alone.
fn text_of(message: &Message) -> &str {
    message.body.as_ref().map_or("", |body| {
        if body.text.is_empty() {
            &body.html
        } else {
            &body.text
        }
    })
}

#[cfg(test)]
mod tests {
    use turbomessage_proto::mail_v1::{Body, ParticipantKind};

    use super::*;

    fn user(username: &str, display_name: &str) -> Participant {
        Participant {
            username: username.into(),
            display_name: display_name.into(),
            kind: ParticipantKind::User.into(),
            ..Participant::default()
        }
    }

    fn letter(text: &str) -> Message {
        Message {
            from: Some(user("ana", "Ana Díaz")),
            to: vec![user("ben", "ben"), user("carla", "Carla")],
            // Noon, so that no time zone that people live in has another day.
            send_time: Some(prost_types::Timestamp {
                seconds: 1_772_539_200,
                nanos: 0,
            }),
            subject: "Lunch?".into(),
            body: Some(Body {
                text: text.into(),
                html: "<p>html</p>".into(),
            }),
            ..Message::default()
        }
    }

    #[test]
    fn every_line_of_a_quote_is_marked() {
        let text = quoted(&letter("At one?\r\n\n> earlier\n>> first\n\n"));
        let (first, lines) = text.split_once('\n').unwrap();
        assert!(first.starts_with("On Tue, 3 Mar 2026 "), "{first}");
        assert!(first.ends_with(", Ana Díaz <ana> wrote:"), "{first}");
        assert_eq!(lines, "> At one?\n>\n>> earlier\n>>> first\n");
    }

    #[test]
    fn what_is_passed_on_says_whose_it_is_and_stays_as_it_is() {
        let text = forwarded(&letter("At one?\r\n\nEnd"));
        let (header, body) = text.split_once("\n\n").unwrap();
        let lines: Vec<&str> = header.lines().collect();
        assert_eq!(lines[1], "From: Ana Díaz <ana>");
        assert_eq!(lines[2], "To: ben, Carla <carla>");
        assert!(lines[3].starts_with("Date: Tue, 3 Mar 2026"), "{header}");
        assert_eq!(lines[4..], ["Subject: Lunch?"]);
        assert_eq!(body, "At one?\r\n\nEnd");
    }

    #[test]
    fn html_alone_is_passed_on_too() {
        assert!(forwarded(&letter("")).ends_with("\n\n<p>html</p>"));
    }

    #[test]
    fn ones_own_words_come_first() {
        assert_eq!(above("Yes!\n", "> x\n"), "Yes!\n\n> x\n");
        assert_eq!(above("", "> x\n"), "> x\n");
        assert_eq!(above("Yes!\n", ""), "Yes!\n");
    }
}
