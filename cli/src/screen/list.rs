//! The list of messages: what it shows, what is selected, and how it follows the mailbox.

use turbomessage_proto::mail_v1::Message;

use super::event::{Effect, Page};

/// The next page is asked for when the selection is this close to the end.
const NEAR_THE_END: usize = 20;

/// Where the messages of a list come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The folder with this id.
    Folder(String),
    /// What a query finds.
    Search(String),
}

/// A list of messages, newest first, as far as it has been loaded.
#[derive(Debug, Default)]
pub(crate) struct MessageList {
    /// What it shows; `None` until the first answer.
    pub(crate) source: Option<Source>,
    /// The messages, BASIC.
    pub(crate) messages: Vec<Message>,
    /// The index of the selected one.
    pub(crate) selected: usize,
    /// The index of the one in the first row.
    pub(crate) top: usize,
    next_page: String,
    load: Option<Load>,
    last_ticket: u64,
}

/// A page on its way.
#[derive(Debug)]
struct Load {
    ticket: u64,
    source: Source,
    is_more: bool,
    /// What happened meanwhile: the page may have been read before it.
    meanwhile: Vec<News>,
}

/// What became of a message.
#[derive(Debug, Clone)]
pub(crate) enum News {
    /// It is as it is now.
    Is {
        /// The message.
        message: Box<Message>,
        /// Whether it lies where a search does not look: in Spam or Trash.
        is_out_of_sight: bool,
    },
    /// It is no longer.
    Gone(String),
}

impl MessageList {
    /// Whether a page is on its way.
    pub(crate) fn is_loading(&self) -> bool {
        self.load.is_some()
    }

    /// Whether there is more than was loaded.
    pub(crate) fn has_more(&self) -> bool {
        !self.next_page.is_empty()
    }

    /// The selected message.
    pub(crate) fn current(&self) -> Option<&Message> {
        self.messages.get(self.selected)
    }

    /// The message with this id, if it is in the list.
    pub(crate) fn find(&self, id: &str) -> Option<&Message> {
        self.messages.iter().find(|m| m.message_id == id)
    }

    /// Asks for `source` from its newest message on. What is shown stays until the answer.
    pub(crate) fn load(&mut self, source: Source) -> Effect {
        self.ask(source, false, String::new())
    }

    /// Asks for the next page, if the selection comes near the end and there is one.
    pub(crate) fn load_more(&mut self) -> Option<Effect> {
        let is_near = self.selected + NEAR_THE_END >= self.messages.len();
        if !is_near || !self.has_more() || self.is_loading() {
            return None;
        }
        let source = self.source.clone()?;
        Some(self.ask(source, true, self.next_page.clone()))
    }

    fn ask(&mut self, source: Source, is_more: bool, page_token: String) -> Effect {
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        self.load = Some(Load {
            ticket,
            source: source.clone(),
            is_more,
            meanwhile: Vec::new(),
        });
        Effect::List {
            ticket,
            source,
            page_token,
        }
    }

    /// Takes a page in. Says whether it is one that is still wanted.
    pub(crate) fn listed(&mut self, ticket: u64, page: Page) -> bool {
        let Some(load) = self.load.take_if(|load| load.ticket == ticket) else {
            return false;
        };
        self.next_page = page.next_page_token;
        if load.is_more {
            for message in page.messages {
                if self.find(&message.message_id).is_none() {
                    self.messages.push(message);
                }
            }
        } else {
            let is_same = self.source.as_ref() == Some(&load.source);
            let kept = self.current().filter(|_| is_same);
            let kept = kept.map(|message| message.message_id.clone());
            self.source = Some(load.source);
            self.messages = page.messages;
            if !is_same {
                self.selected = 0;
            }
            self.select_again(kept);
        }
        for news in load.meanwhile {
            self.apply(news);
        }
        true
    }

    /// Gives a page up. Answers with what it was to be of, if it is one that is still wanted.
    pub(crate) fn failed(&mut self, ticket: u64) -> Option<Source> {
        let load = self.load.take_if(|load| load.ticket == ticket)?;
        // Else it would be asked for again at once.
        if load.is_more {
            self.next_page.clear();
        }
        Some(load.source)
    }

    /// Shows what happened to a message. The selection stays on the message it is on.
    pub(crate) fn apply(&mut self, news: News) {
        if let Some(load) = &mut self.load {
            load.meanwhile.push(news.clone());
        }
        let kept = self.current().map(|message| message.message_id.clone());
        match news {
            News::Gone(id) => self.messages.retain(|m| m.message_id != id),
            News::Is {
                message,
                is_out_of_sight,
            } => self.put(*message, is_out_of_sight),
        }
        self.select_again(kept);
    }

    fn put(&mut self, message: Message, is_out_of_sight: bool) {
        let mut known = self.messages.iter();
        let place = known.position(|m| m.message_id == message.message_id);
        let belongs = match &self.source {
            Some(Source::Folder(id)) => message.folder_id == *id,
            // What a query finds, the server alone knows: nothing comes in until it is asked anew.
            Some(Source::Search(query)) => {
                place.is_some() && (!is_out_of_sight || query.contains("in:"))
            }
            None => false,
        };
        match place {
            Some(place) if belongs && arrival(&self.messages[place]) == arrival(&message) => {
                self.messages[place] = message;
                return;
            }
            Some(place) => drop(self.messages.remove(place)),
            None => {}
        }
        let place = self
            .messages
            .partition_point(|m| arrival(m) > arrival(&message));
        // Past what was loaded it comes with its page.
        if belongs && (place < self.messages.len() || !self.has_more()) {
            self.messages.insert(place, message);
        }
    }

    fn select_again(&mut self, id: Option<String>) {
        let place = id.and_then(|id| self.messages.iter().position(|m| m.message_id == id));
        self.select(place.unwrap_or(self.selected));
    }

    /// Selects the message at `index`, or the last one.
    pub(crate) fn select(&mut self, index: usize) {
        self.selected = index.min(self.messages.len().saturating_sub(1));
    }

    /// Moves the selection by so many rows, as far as there are any.
    pub(crate) fn select_by(&mut self, rows: isize) {
        self.select(self.selected.saturating_add_signed(rows));
    }

    /// Scrolls as little as it takes to have the selection in one of `rows` rows.
    pub(crate) fn keep_in_sight(&mut self, rows: usize) {
        let rows = rows.max(1);
        let last_top = self.messages.len().saturating_sub(rows);
        self.top = self
            .top
            .clamp((self.selected + 1).saturating_sub(rows), self.selected);
        self.top = self.top.min(last_top);
    }
}

/// The order of every list.
fn arrival(message: &Message) -> (i64, i32) {
    let time = message.receive_time.unwrap_or_default();
    (time.seconds, time.nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::fixtures::{ids, letter, page};

    fn inbox(ids: &[&str], next: &str) -> MessageList {
        let mut list = MessageList::default();
        let Effect::List { ticket, .. } = list.load(Source::Folder("inbox".into())) else {
            panic!("no list is asked for");
        };
        assert!(list.listed(ticket, page(ids, next)));
        list
    }

    fn is(id: &str) -> News {
        News::Is {
            message: Box::new(letter(id)),
            is_out_of_sight: false,
        }
    }

    #[test]
    fn new_mail_does_not_move_the_selection() {
        let mut list = inbox(&["m5", "m3"], "");
        list.select(1);
        list.apply(is("m9"));
        list.apply(is("m4"));
        assert_eq!(ids(&list.messages), ["m9", "m5", "m4", "m3"]);
        assert_eq!(list.current().unwrap().message_id, "m3");
    }

    #[test]
    fn what_leaves_the_folder_leaves_the_list_and_the_next_is_selected() {
        let mut list = inbox(&["m3", "m2", "m1"], "");
        list.select(1);
        let mut moved = letter("m2");
        moved.folder_id = "archive".into();
        list.apply(News::Is {
            message: Box::new(moved),
            is_out_of_sight: false,
        });
        assert_eq!(ids(&list.messages), ["m3", "m1"]);
        assert_eq!(list.current().unwrap().message_id, "m1");
        list.apply(News::Gone("m1".into()));
        assert_eq!(list.current().unwrap().message_id, "m3");
    }

    #[test]
    fn what_happens_while_a_page_is_on_its_way_is_not_lost() {
        let mut list = inbox(&["m2"], "");
        let Effect::List { ticket, .. } = list.load(Source::Folder("inbox".into())) else {
            panic!("no list is asked for");
        };
        list.apply(is("m3"));
        list.apply(News::Gone("m2".into()));
        list.listed(ticket, page(&["m2", "m1"], ""));
        assert_eq!(ids(&list.messages), ["m3", "m1"]);
    }

    #[test]
    fn the_next_page_comes_once_and_nothing_twice() {
        let mut list = inbox(&["m5", "m4"], "next");
        let Some(Effect::List {
            ticket, page_token, ..
        }) = list.load_more()
        else {
            panic!("no page is asked for");
        };
        assert_eq!(page_token, "next");
        assert!(list.load_more().is_none(), "one at a time");
        list.listed(ticket, page(&["m4", "m3"], ""));
        assert_eq!(ids(&list.messages), ["m5", "m4", "m3"]);
        assert!(list.load_more().is_none(), "there is no more");
    }

    #[test]
    fn old_mail_past_what_was_loaded_waits_for_its_page() {
        let mut list = inbox(&["m5", "m4"], "next");
        list.apply(is("m1"));
        assert_eq!(ids(&list.messages), ["m5", "m4"]);
    }

    #[test]
    fn an_answer_that_is_no_longer_wanted_changes_nothing() {
        let mut list = inbox(&["m1"], "");
        let Effect::List { ticket, .. } = list.load(Source::Search("one".into())) else {
            panic!("no list is asked for");
        };
        let _ = list.load(Source::Search("two".into()));
        assert!(!list.listed(ticket, page(&["m7"], "")));
        assert_eq!(ids(&list.messages), ["m1"]);
    }

    #[test]
    fn a_search_keeps_what_it_found_until_it_is_thrown_away() {
        let mut list = MessageList::default();
        let Effect::List { ticket, .. } = list.load(Source::Search("lunch".into())) else {
            panic!("no list is asked for");
        };
        list.listed(ticket, page(&["m2", "m1"], ""));
        list.apply(is("m3"));
        let news = |folder: &str, is_out_of_sight| News::Is {
            message: Box::new(Message {
                folder_id: folder.into(),
                ..letter("m2")
            }),
            is_out_of_sight,
        };
        list.apply(news("archive", false));
        assert_eq!(ids(&list.messages), ["m2", "m1"]);
        list.apply(news("trash", true));
        assert_eq!(ids(&list.messages), ["m1"]);
    }

    #[test]
    fn the_selection_is_always_in_sight() {
        let mut list = inbox(&["m6", "m5", "m4", "m3", "m2", "m1"], "");
        for (selected, top) in [
            (0, 0),
            (2, 0),
            (3, 1),
            (5, 3),
            (4, 3),
            (3, 3),
            (2, 2),
            (0, 0),
        ] {
            list.select(selected);
            list.keep_in_sight(3);
            assert_eq!(list.top, top, "{selected}");
        }
        list.select(5);
        list.keep_in_sight(0);
        assert_eq!(list.top, 5, "however small the screen");
    }
}
