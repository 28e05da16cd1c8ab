//! Following the mailbox.

use std::time::Duration;

use turbomessage_proto::mail_v1::{
    Change, Folder, FolderRole, WatchMailboxResponse, change, watch_mailbox_response,
};

use crate::{
    failure::{Failure, Kind},
    screen::{
        event::{Begun, Effect},
        list::{News, Source},
        state::State,
    },
};

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl State {
    /// The lists are read after the state, and the stream replays what came in between.
    pub(super) fn begun(&mut self, result: Result<Begun, Failure>) {
        let begun = match result {
            Ok(begun) => begun,
            Err(failure) => {
                self.live.failures += 1;
                let pause = self.pause();
                self.ask(Effect::Begin(pause));
                return self.fail(failure);
            }
        };
        self.account = begun.account;
        self.folders = begun.folders;
        self.live.state.clone_from(&begun.state);
        self.live.failures = 0;
        let inbox = self.standard(FolderRole::Inbox).unwrap_or_default();
        let source = self.list.source.clone();
        let effect = self.list.load(source.unwrap_or(Source::Folder(inbox)));
        self.ask(effect);
        self.ask(Effect::Watch(begun.state, Duration::ZERO));
    }

    pub(super) fn watched(&mut self, news: WatchMailboxResponse) {
        self.live.state = news.state;
        self.live.failures = 0;
        if let Some(watch_mailbox_response::Event::Change(Change {
            change: Some(change),
        })) = news.event
        {
            self.follow(change);
        }
    }

    fn follow(&mut self, change: change::Change) {
        match change {
            change::Change::MessageCreated(message) | change::Change::MessageUpdated(message) => {
                self.learn(message);
            }
            change::Change::MessageDeleted(id) => self.list.apply(News::Gone(id)),
            change::Change::FolderCreated(folder) | change::Change::FolderUpdated(folder) => {
                self.put_folder(folder);
            }
            change::Change::FolderDeleted(id) => {
                self.folders.retain(|folder| folder.folder_id != id);
                if self.list.source == Some(Source::Folder(id)) {
                    let inbox = self.standard(FolderRole::Inbox).unwrap_or_default();
                    self.show(Source::Folder(inbox));
                }
            }
        }
    }

    fn put_folder(&mut self, folder: Folder) {
        self.folders
            .retain(|known| known.folder_id != folder.folder_id);
        self.folders.push(folder);
        self.folders.sort_by_cached_key(|folder| {
            let is_own = folder.role() == FolderRole::Unspecified;
            (is_own, folder.role, folder.name.to_lowercase())
        });
    }

    pub(super) fn watch_ended(&mut self, failure: Failure) {
        let is_too_old = matches!(failure.reason.as_str(), "HISTORY_EXPIRED" | "STATE_INVALID");
        self.live.failures += 1;
        let pause = self.pause();
        if is_too_old {
            self.ask(Effect::Begin(pause));
        } else if failure.kind == Kind::NotSignedIn || failure.code == "UNIMPLEMENTED" {
            self.fail(failure);
        } else {
            self.ask(Effect::Watch(self.live.state.clone(), pause));
        }
    }

    /// How long to wait after the failures so far: not at all, then longer and longer.
    fn pause(&self) -> Duration {
        match self.live.failures.checked_sub(2) {
            None => Duration::ZERO,
            Some(more) => FIRST_PAUSE
                .saturating_mul(2_u32.saturating_pow(more))
                .min(LONGEST_PAUSE),
        }
    }
}
