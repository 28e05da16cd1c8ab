//! `tm` alone on a terminal: the mailbox on the whole screen, driven by real keys.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use pty_process::Command;
use tempfile::TempDir;
use turbomessage_proto::mail_v1::FolderRole;
use turbomessage_tests::{
    Dev, Edge, User,
    eventually::{SOON, eventually},
    programs,
    terminal::Terminal,
};

/// The smallest terminal that people have.
const SMALL: (u16, u16) = (80, 24);

/// What `tm` needs to be somebody's: a token file, and an editor that writes a letter.
struct Desk {
    home: TempDir,
    server: String,
}

impl Desk {
    fn of(user: &User, edge: &Edge) -> Self {
        let home = tempfile::tempdir().unwrap();
        let token = home.path().join("token");
        fs::write(&token, &user.token).unwrap();
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
        Self {
            home,
            server: format!("http://{}", edge.address),
        }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    /// `tm` without a word, with these further variables.
    fn tm(&self, variables: &[(&str, &str)]) -> Command {
        Command::new(programs::own("tm"))
            .env_remove("NO_COLOR")
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .env("TM_SERVER", &self.server)
            .env("TM_TOKEN_FILE", self.path().join("token"))
            .env("HOME", self.path())
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("EDITOR", self.path().join("editor"))
            .envs(variables.iter().copied())
    }

    /// From now on the editor writes `letter` in place of what is there.
    fn will_write(&self, letter: &str) {
        self.will_do(letter, ">");
    }

    /// From now on the editor adds `text` to what is there.
    fn will_add(&self, text: &str) {
        self.will_do(text, ">>");
    }

    fn will_do(&self, text: &str, to: &str) {
        let editor = self.path().join("editor");
        let file = self.path().join("text");
        fs::write(&file, text).unwrap();
        let script = format!("#!/bin/sh\ncat '{}' {to} \"$1\"\n", file.display());
        fs::write(&editor, script).unwrap();
        fs::set_permissions(&editor, fs::Permissions::from_mode(0o700)).unwrap();
    }

    /// The letters that were written and are neither sent nor thrown away.
    fn unsent(&self) -> usize {
        fs::read_dir(self.path().join("state/turbomessage/unsent")).map_or(0, Iterator::count)
    }
}

async fn has(user: &User, role: FolderRole, subject: &str) {
    eventually(subject, SOON, async || {
        let messages = user.list(role).await.unwrap();
        messages.iter().any(|m| m.subject == subject).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_read_starred_archived_and_thrown_away_with_single_keys() {
    let dev = Dev::start().await;
    let (ana, ben) = (dev.register_fresh().await, dev.register_fresh().await);
    for subject in ["First", "Second", "Third"] {
        let text = format!("This is the text of {subject}.\n");
        ben.send(&[&ana], subject, &text).await.unwrap();
    }
    let desk = Desk::of(&ana, &dev);
    let mut tm = Terminal::start(desk.tm(&[]), SMALL);
    let screen = tm.shows("This is the text of First.").await;
    assert!(screen.is_whole_screen && screen.has_colour);

    tm.press("\r").await;
    tm.shows("Subject: Third").await;
    let screen = tm.hides("Loading…").await;
    assert!(screen.text.contains("This is the text of Third."));
    eventually("it is marked as read", SOON, async || {
        ana.inbox().await[0].read.then_some(())
    })
    .await;
    tm.press("u").await;
    tm.hides("Subject: Third").await;

    tm.press("s").await;
    tm.shows("Starred. z undoes it.").await;
    tm.press("je").await;
    tm.shows("Moved to Archive.").await;
    tm.press("#").await;
    tm.shows("Moved to Trash.").await;
    tm.hides("First").await;
    tm.press("gt").await;
    tm.shows("First").await;

    has(&ana, FolderRole::Archive, "Second").await;
    has(&ana, FolderRole::Trash, "First").await;
    eventually("the star", SOON, async || {
        ana.inbox().await[0].starred.then_some(())
    })
    .await;

    tm.press("z").await;
    tm.shows("Undone.").await;
    has(&ana, FolderRole::Inbox, "First").await;
    tm.press("q").await;
    let (status, screen) = tm.ended().await;
    assert!(status.success() && !screen.is_whole_screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_written_in_the_editor_and_sent() {
    let dev = Dev::start().await;
    let (ana, ben) = (dev.register_fresh().await, dev.register_fresh().await);
    let desk = Desk::of(&ana, &dev);
    let mut tm = Terminal::start(desk.tm(&[]), SMALL);
    tm.shows("No messages.").await;
    desk.will_write(&format!("To: {}\nSubject: Lunch?\n\nAt one?\n", ben.name));
    tm.press("c").await;
    tm.shows("y send").await;
    tm.press("y").await;
    tm.shows("z takes it back").await;
    has(&ben, FolderRole::Inbox, "Lunch?").await;
    assert_eq!(desk.unsent(), 0);
    tm.press("\x03").await;
    assert!(tm.ended().await.0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_kept_and_can_be_mended() {
    let dev = Dev::start().await;
    let (ana, ben) = (dev.register_fresh().await, dev.register_fresh().await);
    let desk = Desk::of(&ana, &dev);
    let mut tm = Terminal::start(desk.tm(&[]), SMALL);
    tm.shows("No messages.").await;
    desk.will_write("To: nobody-at-all\nSubject: Lunch?\n\nAt one?\n");
    tm.press("c").await;
    tm.shows("y send").await;
    tm.press("y").await;
    tm.shows("Your text is kept in").await;
    assert_eq!(desk.unsent(), 1);

    desk.will_write(&format!("To: {}\nSubject: Lunch?\n\nAt one?\n", ben.name));
    tm.press("e").await;
    // What was written now, and not the empty screen while the editor has it.
    tm.shows(&ben.name).await;
    tm.press("y").await;
    tm.shows("z takes it back").await;
    has(&ben, FolderRole::Inbox, "Lunch?").await;
    assert_eq!(desk.unsent(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_quotes_what_it_answers() {
    let dev = Dev::start().await;
    let (ana, ben) = (dev.register_fresh().await, dev.register_fresh().await);
    ben.send(&[&ana], "Lunch?", "At one?\n").await.unwrap();
    let desk = Desk::of(&ana, &dev);
    let mut tm = Terminal::start(desk.tm(&[]), SMALL);
    tm.shows("Lunch?").await;
    desk.will_add("I come.");
    // The answer begins when the whole message has come, not with the key.
    tm.press("r").await;
    let screen = tm.shows("y send").await.text;
    for text in ["Subject: Re: Lunch?", &ben.name, "> At one?", "I come."] {
        assert!(screen.contains(text), "{text}\n{screen}");
    }
    tm.press("q").await;
    tm.shows("Thrown away.").await;
    assert_eq!(desk.unsent(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_comes_is_shown_at_once() {
    let dev = Dev::start().await;
    let (ana, ben) = (dev.register_fresh().await, dev.register_fresh().await);
    let desk = Desk::of(&ana, &dev);
    let mut tm = Terminal::start(desk.tm(&[]), SMALL);
    tm.shows("No messages.").await;
    ben.send(&[&ana], "News", "Something new.").await.unwrap();
    tm.shows("News").await;
    tm.shows("1 unread").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_follows_the_size_of_the_terminal_and_may_be_without_colour() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    ana.send(&[&ana], "Note", "To myself.").await.unwrap();
    let desk = Desk::of(&ana, &dev);
    let mut tm = Terminal::start(desk.tm(&[("NO_COLOR", "1")]), SMALL);
    let screen = tm.shows("To myself.").await;
    assert!(!screen.has_colour && !screen.text.contains("Outbox"));
    tm.resize((120, 40));
    tm.shows("Outbox").await;
    tm.press("?").await;
    tm.shows("draw and load anew").await;
    tm.resize((20, 5));
    tm.hides("Outbox").await;
    tm.press("qq").await;
    assert!(tm.ended().await.0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_gives_the_terminal_back_and_says_what_to_do() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let desk = Desk::of(&ana, &dev);
    let mut tm = Terminal::start(desk.tm(&[]), SMALL);
    tm.shows("No messages.").await;
    ana.auth()
        .logout(turbomessage_proto::auth_v1::LogoutRequest {})
        .await
        .unwrap();
    tm.press("gs").await;
    let (status, screen) = tm.ended().await;
    assert_eq!(status.code(), Some(4));
    assert!(
        !screen.is_whole_screen && screen.text.contains("tm login"),
        "{}",
        screen.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_cannot_show_it_is_told_so() {
    let dev = Dev::start().await;
    let desk = Desk::of(&dev.register_fresh().await, &dev);
    let tm = Terminal::start(desk.tm(&[("TERM", "dumb")]), SMALL);
    let (status, screen) = tm.ended().await;
    assert_eq!(status.code(), Some(2));
    assert!(screen.text.contains("TERM=dumb"), "{}", screen.text);
}
