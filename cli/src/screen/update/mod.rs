//! What follows from what happens: the state changes, and effects are asked for. Nothing here waits
//! or touches the world.

mod act;
mod browse;
mod go;
mod live;
mod load;
mod write;

use turbomessage_service_kit::clock::Timestamp;

use super::{
    event::{Effect, Event},
    key::Key,
    state::{Mode, State},
};
use crate::{
    failure::{Failure, Kind},
    output::in_a_line,
};

/// Lets `event` happen to `state` at `now`; answers with what is to be done about it.
pub(crate) fn update(state: &mut State, now: Timestamp, event: Event) -> Vec<Effect> {
    state.now = now;
    state.outgoing.take_if(|(_, until)| *until <= now);
    match event {
        Event::Key(key) => state.press(key),
        Event::Paste(text) => state.paste(&text),
        Event::Resize(columns, rows) => state.size = (columns, rows),
        Event::Tick => {}
        Event::Begun(result) => state.begun(result),
        Event::Listed(ticket, result) => state.listed(ticket, result),
        Event::Fetched(purpose, result) => state.fetched(purpose, result),
        Event::Labels(result) => state.labels_came(result),
        Event::Changed(result) => state.changed(result),
        Event::TakenBack(result) => state.taken_back(result),
        Event::Watched(news) => state.watched(*news),
        Event::WatchEnded(failure) => state.watch_ended(failure),
        Event::Edited(result) => state.edited(result),
        Event::Sent(result) => state.sent(result),
        Event::Kept(result) => state.kept(result),
    }
    state.settle();
    std::mem::take(&mut state.effects)
}

impl State {
    /// Begins: what it takes to show anything.
    pub(crate) fn start() -> Vec<Effect> {
        vec![Effect::Begin(std::time::Duration::ZERO)]
    }

    fn press(&mut self, key: Key) {
        self.notice = None;
        match (key, std::mem::replace(&mut self.mode, Mode::Browse)) {
            (Key::Ctrl('c'), _) => self.quit(),
            (Key::Ctrl('l'), mode) => {
                self.mode = mode;
                self.redraw();
            }
            (key, Mode::Browse) => self.browse(key),
            (key, Mode::Go) => self.go(key),
            (key, Mode::Search(line, _)) => self.type_query(key, line),
            (key, Mode::Pick(picker)) => self.pick(key, picker),
            (key, Mode::Confirm(sure)) => self.confirm(key, sure),
            (key, Mode::Written) => self.decide(key),
            (key, Mode::Help(top)) => self.scroll_help(key, top),
        }
    }

    fn paste(&mut self, text: &str) {
        // Elsewhere a text would be taken for commands.
        match &mut self.mode {
            Mode::Search(line, _) => line.insert(text),
            Mode::Pick(picker) => picker.line.insert(text),
            Mode::Browse | Mode::Go | Mode::Confirm(_) | Mode::Written | Mode::Help(_) => {}
        }
    }

    fn redraw(&mut self) {
        self.ask(Effect::Redraw);
        self.reload();
    }

    /// Leaves, and says where what was written is.
    fn quit(&mut self) {
        let path = self.written_path();
        self.ask(Effect::Quit(path.map(|path| {
            Failure::other("What you wrote was not sent.")
                .hint(format!("it is kept in {}", path.display()))
        })));
    }

    /// Deals with a failure that no one else has dealt with.
    fn fail(&mut self, failure: Failure) {
        if failure.kind == Kind::NotSignedIn {
            let kept = self.written_path();
            let kept = kept.map(|path| format!("what you wrote is kept in {}", path.display()));
            let hints: Vec<String> = failure.hint.clone().into_iter().chain(kept).collect();
            self.ask(Effect::Quit(Some(failure.hint(hints.join("; ")))));
        } else {
            self.complain(in_a_line(&failure));
        }
    }

    /// After every change: what is selected is in sight, the text fits, the next page is near.
    fn settle(&mut self) {
        let areas = self.areas();
        self.list.keep_in_sight(usize::from(areas.list.height));
        if let Some(pane) = self.pane_mut() {
            let (columns, rows) = (areas.reader.width, areas.reader.height);
            pane.lay_out(usize::from(columns), usize::from(rows));
        }
        let more = self.list.load_more();
        self.effects.extend(more);
    }
}
