//! The reading pane: one message as rows of a screen.

use turbomessage_proto::mail_v1::{Message, Participant};

use super::{view::theme::Look, wrap::wrap};
use crate::output::{
    mail::{attachment, full_name},
    one_line,
    text::shown_body,
    time::long,
};

/// The columns of a header's title.
pub(crate) const TITLE_COLUMNS: usize = 9;

/// A message that is being read.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The message; without a body until that has come.
    pub(crate) message: Message,
    /// The first row in sight.
    pub(crate) scroll: usize,
    /// Its rows.
    pub(crate) rows: Vec<Row>,
    columns: usize,
}

/// A row of the pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The title of a header, or nothing.
    pub(crate) title: &'static str,
    /// What it says; safe for a terminal.
    pub(crate) text: String,
    /// How it looks.
    pub(crate) look: Look,
}

impl Reader {
    /// A pane that shows `message` from its beginning.
    pub(crate) fn new(message: Message) -> Self {
        Self {
            message,
            scroll: 0,
            rows: Vec::new(),
            columns: 0,
        }
    }

    /// Shows `message` in place of the one so far, which is the same with less in it.
    pub(crate) fn set(&mut self, message: Message) {
        self.message = message;
        self.columns = 0;
    }

    /// Takes over what may change in a message: all but its text.
    pub(crate) fn refresh(&mut self, message: &Message) {
        let body = self.message.body.take();
        self.set(Message {
            body,
            ..message.clone()
        });
    }

    /// Breaks the message into rows, if it was not for as many columns already, and keeps the
    /// scroll position within a pane of `rows` rows.
    pub(crate) fn lay_out(&mut self, columns: usize, rows: usize) {
        if self.columns != columns {
            self.columns = columns;
            self.rows = headers(&self.message, columns);
            self.rows.push(plain(String::new()));
            self.rows.extend(body(&self.message, columns));
        }
        self.scroll = self.scroll.min(self.last_scroll(rows));
    }

    /// The scroll position at which the last row is at the bottom of a pane of `rows` rows.
    pub(crate) fn last_scroll(&self, rows: usize) -> usize {
        self.rows.len().saturating_sub(rows)
    }

    /// Scrolls by so many rows.
    pub(crate) fn scroll_by(&mut self, rows: isize) {
        self.scroll = self.scroll.saturating_add_signed(rows);
    }
}

fn plain(text: String) -> Row {
    Row {
        title: "",
        text,
        look: Look::Plain,
    }
}

fn headers(message: &Message, columns: usize) -> Vec<Row> {
    let from: &[Participant] = message.from.as_slice();
    let names = |them: &[Participant]| {
        let names: Vec<String> = them.iter().map(full_name).collect();
        names.join(", ")
    };
    let files: Vec<String> = message.attachments.iter().map(attachment).collect();
    let mut rows = Vec::new();
    for (title, value, look) in [
        ("From:", names(from), Look::Plain),
        ("To:", names(&message.to), Look::Plain),
        ("Cc:", names(&message.cc), Look::Plain),
        ("Bcc:", names(&message.bcc), Look::Plain),
        ("Date:", long(message.send_time.as_ref()), Look::Plain),
        ("Sends:", long(message.deliver_time.as_ref()), Look::Plain),
        ("Subject:", one_line(&message.subject), Look::Bold),
        ("Labels:", one_line(&message.labels.join(", ")), Look::Plain),
        ("Files:", files.join(", "), Look::Plain),
    ] {
        if value.is_empty() {
            continue;
        }
        let values = wrap(&value, columns.saturating_sub(TITLE_COLUMNS));
        rows.extend(values.into_iter().enumerate().map(|(n, text)| Row {
            title: if n == 0 { title } else { "" },
            text: format!("{:TITLE_COLUMNS$}{text}", ""),
            look,
        }));
    }
    rows
}

fn body(message: &Message, columns: usize) -> Vec<Row> {
    let Some(body) = &message.body else {
        return vec![Row {
            look: Look::Dim,
            ..plain("Loading…".to_owned())
        }];
    };
    let text = if body.text.is_empty() {
        &body.html
    } else {
        &body.text
    };
    let mut rows = Vec::new();
    for line in shown_body(text).trim_end_matches('\n').split('\n') {
        // What somebody quotes stands back behind what they say.
        let look = if line.starts_with('>') {
            Look::Dim
        } else {
            Look::Plain
        };
        let wrapped = wrap(line, columns).into_iter();
        rows.extend(wrapped.map(|text| Row {
            look,
            ..plain(text)
        }));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        output::text::width,
        screen::fixtures::{letter, whole},
    };

    #[test]
    fn nothing_in_a_message_steers_the_terminal_and_no_row_is_too_wide() {
        let mut message = whole("m1", "one\x1b[2J\u{202e} two\tthree\r\n> four\x07 日本語");
        message.subject = "Hi\x1b]0;title\x07".repeat(9);
        message.labels = vec!["a\u{9b}b".into()];
        message.from.as_mut().unwrap().display_name = "Ben\nBcc: all".into();
        let mut reader = Reader::new(message);
        for columns in [12, 20, 80] {
            reader.lay_out(columns, 10);
            for row in &reader.rows {
                assert!(!row.text.contains(|c: char| c.is_control()), "{row:?}");
                assert!(width(&row.text) <= columns, "{row:?} in {columns}");
            }
        }
        let last = reader.rows.last().unwrap();
        assert_eq!(last.text, "> four\\u{7} 日本語");
        assert_eq!(last.look, Look::Dim, "a quotation");
    }

    #[test]
    fn scrolling_ends_with_the_text_whatever_the_size_of_the_pane() {
        let mut reader = Reader::new(whole("m1", &"line\n".repeat(50)));
        reader.lay_out(40, 10);
        reader.scroll_by(1000);
        reader.lay_out(40, 10);
        assert_eq!(reader.scroll, reader.rows.len() - 10);
        reader.lay_out(40, 30);
        assert_eq!(reader.scroll, reader.rows.len() - 30);
        reader.scroll_by(-1000);
        assert_eq!(reader.scroll, 0);
    }

    #[test]
    fn a_change_elsewhere_shows_and_the_text_stays() {
        let mut reader = Reader::new(whole("m1", "the text"));
        let mut changed = letter("m1");
        changed.labels = vec!["work".into()];
        reader.refresh(&changed);
        reader.lay_out(40, 10);
        let texts: Vec<&str> = reader.rows.iter().map(|row| row.text.trim()).collect();
        assert!(
            texts.contains(&"work") && texts.contains(&"the text"),
            "{texts:?}"
        );
    }
}
