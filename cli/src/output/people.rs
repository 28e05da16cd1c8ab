//! Folders, sessions and accounts as people read them.

use turbomessage_proto::{
    auth_v1::{Account, Session},
    mail_v1::{Folder, Label, Mailbox},
};

use super::{
    screen::{Screen, Style},
    table::Table,
    text::one_line,
    time::{long, short},
};
use crate::short_id::shorten;

/// All folders with their counts.
pub(crate) fn folder_table(folders: &[Folder], screen: &Screen) -> String {
    let row = |f: &Folder| (f.unread_count, f.total_count, one_line(&f.name));
    count_table("FOLDER", folders.iter().map(row), screen)
}

/// All labels with their counts.
pub(crate) fn label_table(labels: &[Label], screen: &Screen) -> String {
    let row = |l: &Label| (l.unread_count, l.total_count, one_line(&l.name));
    count_table("LABEL", labels.iter().map(row), screen)
}

fn count_table(
    title: &'static str,
    rows: impl Iterator<Item = (i32, i32, String)>,
    screen: &Screen,
) -> String {
    let mut table = Table::new(&["UNREAD", "TOTAL", title]);
    for (unread, total, name) in rows {
        let style = if unread > 0 {
            Style::Bold
        } else {
            Style::Plain
        };
        table.row(
            style,
            vec![format!("{unread:>6}"), format!("{total:>5}"), name],
        );
    }
    table.render(screen)
}

/// All sessions.
pub(crate) fn session_table(sessions: &[Session], screen: &Screen) -> String {
    let mut table = Table::new(&["ID", "OPENED", "LAST USED", "ENDS", "DEVICE"]);
    let ids: Vec<&str> = sessions.iter().map(|s| s.session_id.as_str()).collect();
    for (session, id) in sessions.iter().zip(shorten(&ids)) {
        let device = one_line(&session.device_name);
        let (style, device) = if session.current {
            (Style::Bold, format!("{device} (this one)"))
        } else {
            (Style::Plain, device)
        };
        let cells = vec![
            one_line(id),
            short(session.create_time.as_ref(), screen.now),
            short(session.last_seen_time.as_ref(), screen.now),
            short(session.expire_time.as_ref(), screen.now),
            device.trim().to_owned(),
        ];
        table.row(style, cells);
    }
    table.render(screen)
}

/// What an account is called: its name to show and its name to write to.
pub(crate) fn account_name(account: &Account) -> String {
    let username = one_line(&account.username);
    if account.display_name == account.username {
        username
    } else {
        format!("{} <{username}>", one_line(&account.display_name))
    }
}

/// When an account was opened.
pub(crate) fn since(account: &Account) -> String {
    long(account.create_time.as_ref())
}

/// How full a mailbox is.
pub(crate) fn mailbox(mailbox: &Mailbox) -> String {
    format!(
        "Messages: {} of {}\nSize:     {} of {}\n",
        mailbox.message_count,
        mailbox.quota_messages,
        size(mailbox.used_bytes),
        size(mailbox.quota_bytes),
    )
}

/// `one message` or `3 messages`.
pub(crate) fn count(number: usize, one: &str) -> String {
    if number == 1 {
        format!("one {one}")
    } else {
        format!("{number} {one}s")
    }
}

/// A number of bytes in the largest unit of which there is at least one.
pub(super) fn size(bytes: i64) -> String {
    let mut unit = 1_i64 << 30;
    for name in ["GiB", "MiB", "KiB"] {
        if bytes >= unit {
            let tenths = bytes.saturating_mul(10) / unit;
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
        unit >>= 10;
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, expected) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            (1 << 30, "1.0 GiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
