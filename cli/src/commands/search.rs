//! `tm search`.

use clap::Args;
use serde_json::{Value, json};
use turbomessage_proto::mail_v1::{Highlight, Message, SearchMessagesRequest};

use super::pages::{self, PageArgs};
use crate::{
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{json, mail},
};

/// Options of `tm search`.
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  tm search lunch
  tm search '\"at the corner\"' from:ana after:2026-01-01
  tm search 'invoice* OR (label:work is:unread)' --all
  tm search -- lunch -subject:re          all but answers",
    after_help = "\
The query:
  word, word*, \"a phrase\"      in subject, text and people, whatever case and accents
  a b, a OR b, -a, ( )         both, either, not, grouped
  from: to: cc: subject:       in one place
  in:FOLDER, in:anywhere       without it, all but Spam and Trash
  label:NAME                   with this label
  is:read is:unread is:starred has:attachment
  before:DAY after:DAY         2026-12-24, in UTC
  larger:SIZE smaller:SIZE     10K, 2M"
)]
pub(crate) struct SearchArgs {
    /// What to find; words are joined by spaces.
    #[arg(required = true, value_name = "QUERY")]
    words: Vec<String>,
    #[command(flatten)]
    pages: PageArgs,
}

/// Finds messages, newest first.
pub(crate) async fn run(args: &SearchArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let (found, next_page) = find(args, &connection).await?;
    let json = json!({
        "messages": found.iter().map(|(message, _)| json::message(message)).collect::<Value>(),
        "highlights": found.iter().map(|(_, highlight)| json::highlight(highlight)).collect::<Value>(),
        "next_page_token": next_page,
    });
    context.printer.print(&json, |screen| {
        if found.is_empty() && next_page.is_empty() {
            return "Nothing was found.\n".into();
        }
        mail::found_table(&found, screen) + &pages::rest(&next_page, screen)
    })
}

async fn find(
    args: &SearchArgs,
    connection: &Connection,
) -> Result<(Vec<(Message, Highlight)>, String), Failure> {
    let query = args.words.join(" ");
    let fetch = async |page_size, page_token| {
        let request = SearchMessagesRequest {
            query: query.clone(),
            page_size,
            page_token,
        };
        let page = connection
            .mail()
            .search_messages(request)
            .await?
            .into_inner();
        let mut highlights = page.highlights.into_iter();
        let with_highlight = |message| (message, highlights.next().unwrap_or_default());
        let found = page.messages.into_iter().map(with_highlight).collect();
        Ok((found, page.next_page_token))
    };
    let found = args.pages.collect(fetch).await;
    found.map_err(|failure| failure.in_query(&query))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tonic::Code;
    use turbomessage_proto::mail_v1::SearchMessagesResponse;

    use super::*;
    use crate::fake_server::{self, Script};

    fn args(words: &[&str]) -> SearchArgs {
        SearchArgs {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            pages: pages::first(50),
        }
    }

    #[tokio::test]
    async fn words_are_one_query_and_short_pages_are_filled_up() {
        let script = Arc::new(Script::default());
        for next in ["more", ""] {
            script.search_messages.will(Ok(SearchMessagesResponse {
                messages: vec![Message::default()],
                highlights: vec![Highlight::default()],
                next_page_token: next.into(),
            }));
        }
        let connection = fake_server::serve(&script).await;
        let (found, next) = find(&args(&["from:ana", "\"a b\""]), &connection)
            .await
            .unwrap();
        assert_eq!((found.len(), next.as_str()), (2, ""));
        let asked = script.search_messages.asked();
        let asked: Vec<(&str, i32, &str)> = asked
            .iter()
            .map(|r| (r.query.as_str(), r.page_size, r.page_token.as_str()))
            .collect();
        let query = "from:ana \"a b\"";
        assert_eq!(asked, [(query, 50, ""), (query, 49, "more")]);
    }

    #[tokio::test]
    async fn a_query_that_cannot_be_read_says_where() {
        let script = Arc::new(Script::default());
        let position = [("position", "7"), ("kind", "GROUP_OPEN")];
        let unread = fake_server::error(Code::InvalidArgument, "QUERY_INVALID", &position);
        script.search_messages.will(Err(unread));
        let connection = fake_server::serve(&script).await;
        let failure = find(&args(&["lunch", "(from:ana"]), &connection)
            .await
            .unwrap_err();
        let place = failure.place.unwrap();
        assert_eq!(
            (place.text.as_str(), place.position),
            ("lunch (from:ana", 7)
        );
    }
}
