//! Messages as people read them: a row in a list, or a whole one.

use turbomessage_proto::mail_v1::{
    Attachment, Highlight, Message, Participant, ParticipantKind, Thread,
};

use super::{
    marked::Marked,
    people::size,
    screen::{Screen, Style},
    table::Table,
    text::{cut, one_line, shown_body},
    time::{long, short},
};
use crate::short_id::shorten;

/// Names in lists are cut to this many columns.
const NAME_COLUMNS: usize = 24;

/// Titles in a message's header take this many columns.
const TITLE_COLUMNS: usize = 10;

/// Whom a list of messages names: those who wrote them, or those they went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Correspondent {
    /// Who wrote it.
    Sender,
    /// Whom it went to.
    Recipients,
}

/// A list of messages as a table, newest first as it came.
pub(crate) fn message_table(
    messages: &[Message],
    correspondent: Correspondent,
    screen: &Screen,
) -> String {
    let who = match correspondent {
        Correspondent::Sender => "FROM",
        Correspondent::Recipients => "TO",
    };
    let mut table = Table::new(&["ID", "", "DATE", who, "SUBJECT"]);
    let ids: Vec<&str> = messages.iter().map(|m| m.message_id.as_str()).collect();
    for (message, id) in messages.iter().zip(shorten(&ids)) {
        let style = new_or_not(!message.read);
        let name = match correspondent {
            Correspondent::Sender => message.from.as_ref().map(name).unwrap_or_default(),
            Correspondent::Recipients => recipients(message),
        };
        let cells = vec![
            one_line(id),
            marks(message),
            short(message.receive_time.as_ref(), screen.now),
            cut(&name, NAME_COLUMNS),
            subject_and_snippet(message),
        ];
        table.row(style, cells);
    }
    table.render(screen)
}

/// `N` for new (not read), `*` for starred, `r` for answered, `f` for forwarded.
pub(super) fn marks(message: &Message) -> String {
    let mark = |set: bool, mark: char| if set { mark } else { ' ' };
    let marks = [
        mark(!message.read, 'N'),
        mark(message.starred, '*'),
        mark(message.answered, 'r'),
        mark(message.forwarded, 'f'),
    ];
    String::from_iter(marks)
}

fn new_or_not(new: bool) -> Style {
    if new { Style::Bold } else { Style::Plain }
}

/// A list of conversations as a table, newest activity first as it came.
pub(crate) fn thread_table(threads: &[Thread], screen: &Screen) -> String {
    let mut table = Table::new(&["ID", "", "DATE", "WITH", "COUNT", "SUBJECT"]);
    let ids: Vec<&str> = threads.iter().map(|t| t.thread_id.as_str()).collect();
    for (thread, id) in threads.iter().zip(shorten(&ids)) {
        let new = thread.unread_count > 0;
        let cells = vec![
            one_line(id),
            if new { "N" } else { "" }.to_owned(),
            short(thread.last_time.as_ref(), screen.now),
            cut(&names(thread.participants.iter()), NAME_COLUMNS),
            format!("{:>5}", thread.message_count),
            beginning(&thread.subject, &thread.snippet),
        ];
        table.row(new_or_not(new), cells);
    }
    table.render(screen)
}

/// What a search found: each message in a row, where its text matches below it.
pub(crate) fn found_table(found: &[(Message, Highlight)], screen: &Screen) -> String {
    let mut table = Table::new(&["ID", "", "DATE", "FROM", "SUBJECT"]);
    let ids: Vec<&str> = found.iter().map(|(m, _)| m.message_id.as_str()).collect();
    for ((message, highlight), id) in found.iter().zip(shorten(&ids)) {
        let from = message.from.as_ref().map(name).unwrap_or_default();
        let mut subject = Marked::found(&highlight.subject);
        if subject.is_empty() {
            subject = Marked::plain(one_line(shown_subject(&message.subject)));
        }
        let cells = vec![
            Marked::plain(one_line(id)),
            Marked::plain(marks(message)),
            Marked::plain(short(message.receive_time.as_ref(), screen.now)),
            Marked::plain(cut(&from, NAME_COLUMNS)),
            subject,
        ];
        table.row_with_line(cells, Marked::found(&highlight.snippet));
    }
    table.render(screen)
}

/// A whole conversation, oldest message first, a line between one message and the next.
pub(crate) fn conversation(messages: &[Message], screen: &Screen) -> String {
    let rule = "─".repeat(screen.width.unwrap_or(80).min(80));
    let rule = format!("\n{}\n\n", screen.paint(Style::Dim, &rule));
    let messages: Vec<String> = messages.iter().map(|m| message(m, screen)).collect();
    messages.join(&rule)
}

/// `[label] Subject — the beginning of the text`.
pub(super) fn subject_and_snippet(message: &Message) -> String {
    let labels = message.labels.iter().flat_map(|label| ["[", label, "] "]);
    one_line(&labels.collect::<String>()) + &beginning(&message.subject, &message.snippet)
}

fn beginning(subject: &str, snippet: &str) -> String {
    let subject = shown_subject(subject);
    if snippet.is_empty() {
        one_line(subject)
    } else {
        one_line(&format!("{subject} — {snippet}"))
    }
}

/// A subject, or what stands for one.
pub(crate) fn shown_subject(subject: &str) -> &str {
    if subject.is_empty() {
        "(no subject)"
    } else {
        subject
    }
}

pub(crate) fn recipients(message: &Message) -> String {
    names(
        [&message.to, &message.cc, &message.bcc]
            .into_iter()
            .flatten(),
    )
}

fn names<'a>(participants: impl Iterator<Item = &'a Participant>) -> String {
    participants.map(name).collect::<Vec<_>>().join(", ")
}

/// What a participant is called in few words.
pub(crate) fn name(participant: &Participant) -> String {
    let name = match participant.kind() {
        ParticipantKind::Deleted => "(deleted account)",
        ParticipantKind::System => "TurboMessage",
        ParticipantKind::External if participant.display_name.is_empty() => &participant.address,
        ParticipantKind::User if participant.display_name.is_empty() => &participant.username,
        ParticipantKind::User | ParticipantKind::External | ParticipantKind::Unspecified => {
            &participant.display_name
        }
    };
    one_line(name)
}

/// What a participant is called, and how to write to them: names can be chosen to deceive,
/// usernames cannot.
pub(crate) fn full_name(participant: &Participant) -> String {
    let short = name(participant);
    let address = match participant.kind() {
        ParticipantKind::User => &participant.username,
        ParticipantKind::External => &participant.address,
        ParticipantKind::Deleted | ParticipantKind::System | ParticipantKind::Unspecified => "",
    };
    if address.is_empty() || address == short {
        short
    } else {
        format!("{short} <{}>", one_line(address))
    }
}

/// A whole message: its header, and its body unless that is to be written as it is.
pub(crate) fn message(message: &Message, screen: &Screen) -> String {
    let mut lines = Vec::new();
    let mut header = |title: &str, value: &str| {
        if !value.is_empty() {
            let title = screen.paint(Style::Dim, &format!("{title:<TITLE_COLUMNS$}"));
            lines.push(format!("{title}{value}\n"));
        }
    };
    let full_names = |them: &[Participant]| {
        let names: Vec<String> = them.iter().map(full_name).collect();
        names.join(", ")
    };
    let from = message.from.as_ref().map(full_name).unwrap_or_default();
    header("From:", &from);
    header("To:", &full_names(&message.to));
    header("Cc:", &full_names(&message.cc));
    header("Bcc:", &full_names(&message.bcc));
    header("Date:", &long(message.send_time.as_ref()));
    header(
        "Subject:",
        &screen.paint(Style::Bold, &one_line(&message.subject)),
    );
    header("Labels:", &one_line(&message.labels.join(", ")));
    header("Goes out:", &long(message.deliver_time.as_ref()));
    header("Id:", &one_line(&message.message_id));
    for file in &message.attachments {
        header("File:", &attachment(file));
    }
    lines.push("\n".into());
    lines.push(body(message, screen));
    lines.concat()
}

pub(crate) fn attachment(file: &Attachment) -> String {
    let name = one_line(&file.filename);
    let media_type = one_line(&file.media_type);
    format!("{name} ({media_type}, {})", size(file.size_bytes))
}

/// A terminal is protected from what the text might do to it; a file gets the text as it is.
fn body(message: &Message, screen: &Screen) -> String {
    let Some(body) = &message.body else {
        return String::new();
    };
    let text = if body.text.is_empty() {
        &body.html
    } else {
        &body.text
    };
    let mut shown = if screen.is_terminal {
        shown_body(text)
    } else {
        text.clone()
    };
    if !shown.is_empty() && !shown.ends_with('\n') {
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use turbomessage_proto::mail_v1::{Body, HighlightPart};

    use super::*;

    fn user(username: &str, display_name: &str) -> Participant {
        Participant {
            username: username.into(),
            display_name: display_name.into(),
            kind: ParticipantKind::User.into(),
            ..Participant::default()
        }
    }

    fn letter() -> Message {
        Message {
            message_id: "0199a8f3-1c2b-7abc-8def-3fa2c1d00001".into(),
            from: Some(user("ana", "Ana\x1b[2J\nDíaz")),
            to: vec![user("ben", "ben")],
            subject: "Hi\u{202e}".into(),
            snippet: "first\x07".into(),
            body: Some(Body {
                text: "first\x07\r\nsecond".into(),
                html: String::new(),
            }),
            starred: true,
            ..Message::default()
        }
    }

    #[test]
    fn a_row_shows_id_marks_name_subject_and_snippet() {
        let text = message_table(&[letter()], Correspondent::Sender, &Screen::plain());
        let row = text.lines().nth(1).unwrap();
        assert!(row.starts_with("3fa2c1d0  N*"), "{row}");
        assert!(row.ends_with("Hi\\u{202e} — first\\u{7}"), "{row}");
        let text = message_table(&[letter()], Correspondent::Recipients, &Screen::plain());
        assert!(text.lines().nth(1).unwrap().contains("  ben  "), "{text}");
    }

    #[test]
    fn nothing_in_a_message_reaches_the_terminal_as_a_control_character() {
        let terminal = Screen {
            is_terminal: true,
            ..Screen::plain()
        };
        let text = message(&letter(), &terminal);
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n'),
            "{text:?}"
        );
        assert!(
            text.contains("From:     Ana\\u{1b}[2J Díaz <ana>\n"),
            "{text}"
        );
        assert!(text.ends_with("\nfirst\\u{7}\nsecond\n"), "{text:?}");
    }

    #[test]
    fn a_row_names_labels_before_the_subject() {
        let labelled = Message {
            labels: vec!["work".into(), "a\x1b".into()],
            ..letter()
        };
        let row = subject_and_snippet(&labelled);
        assert!(row.starts_with("[work] [a\\u{1b}] Hi"), "{row}");
    }

    #[test]
    fn what_was_found_shows_where_below_the_row() {
        let part = |text: &str, matched| HighlightPart {
            text: text.into(),
            matched,
        };
        let highlight = Highlight {
            subject: vec![],
            snippet: vec![part("At ", false), part("one", true)],
        };
        let coloured = Screen {
            has_colour: true,
            ..Screen::plain()
        };
        let text = found_table(&[(letter(), highlight)], &coloured);
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert!(rows[0].ends_with("  Hi\\u{202e}"), "{text}");
        assert_eq!(rows[1..], ["          At \x1b[1mone\x1b[0m"]);
    }

    #[test]
    fn a_conversation_is_told_by_those_in_it_and_how_long_it_is() {
        let thread = Thread {
            thread_id: letter().message_id,
            subject: String::new(),
            participants: vec![user("ben", "Ben"), user("ana", "Ana\x07")],
            message_count: 3,
            unread_count: 1,
            snippet: "At one".into(),
            ..Thread::default()
        };
        let text = thread_table(&[thread], &Screen::plain());
        let row = text.lines().nth(1).unwrap();
        assert!(row.starts_with("3fa2c1d0  N "), "{text}");
        assert!(
            row.ends_with("  Ben, Ana\\u{7}      3  (no subject) — At one"),
            "{text}"
        );
    }

    #[test]
    fn the_messages_of_a_conversation_are_told_apart() {
        let text = conversation(&[letter(), letter()], &Screen::plain());
        let rule = format!("second\n\n{}\n\nFrom:", "─".repeat(80));
        assert_eq!(text.matches(&rule).count(), 1, "{text}");
    }

    #[test]
    fn a_file_gets_the_body_as_it_is() {
        let text = message(&letter(), &Screen::plain());
        assert!(text.ends_with("\n\nfirst\x07\r\nsecond\n"), "{text:?}");
    }

    #[test]
    fn participants_without_a_username_have_a_name_all_the_same() {
        let mut someone = Participant::default();
        for (kind, expected) in [
            (ParticipantKind::Deleted, "(deleted account)"),
            (ParticipantKind::System, "TurboMessage"),
            (ParticipantKind::External, "x@example.org"),
        ] {
            someone.set_kind(kind);
            someone.address = "x@example.org".into();
            assert_eq!(full_name(&someone), expected);
        }
    }
}
