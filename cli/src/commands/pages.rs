//! Lists that come in pages.

use clap::Args;
use tonic::Status;

use crate::{
    failure::Failure,
    output::{Screen, Style},
};

/// The most entries on a page.
pub(crate) const MAX_PAGE: i32 = 500;

/// How much of a list is wanted.
#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// How many at the most.
    #[arg(short = 'n', long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Go on where an earlier list stopped: its page token.
    #[arg(long, value_name = "TOKEN")]
    page: Option<String>,
    /// All of them, however many.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl PageArgs {
    /// As much as was asked for, and where the rest begins. `fetch` is given the size and the token
    /// of a page; it answers with what is on it and the token of the next.
    pub(crate) async fn collect<T>(
        &self,
        fetch: impl AsyncFn(i32, String) -> Result<(Vec<T>, String), Status>,
    ) -> Result<(Vec<T>, String), Failure> {
        let limit = if self.all { u32::MAX } else { self.limit };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut token = self.page.clone().unwrap_or_default();
        let mut entries = Vec::new();
        loop {
            let missing = i32::try_from(limit - entries.len()).unwrap_or(MAX_PAGE);
            let (page, next) = fetch(missing.min(MAX_PAGE), token).await?;
            entries.extend(page);
            if next.is_empty() || entries.len() >= limit {
                return Ok((entries, next));
            }
            token = next;
        }
    }
}

/// How to see what comes after this page; empty if nothing does.
pub(crate) fn rest(next_page: &str, screen: &Screen) -> String {
    if next_page.is_empty() {
        return String::new();
    }
    let more = format!("There are more: add --all, or --page {next_page}");
    screen.paint(Style::Dim, &more) + "\n"
}

#[cfg(test)]
pub(super) fn first(limit: u32) -> PageArgs {
    PageArgs {
        limit,
        page: None,
        all: false,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    async fn collected(args: PageArgs) -> (usize, String, Vec<i32>) {
        let pages = [vec!['a', 'b'], vec!['c', 'd'], vec!['e']];
        let sizes = RefCell::new(Vec::new());
        let fetch = async |size, token: String| {
            sizes.borrow_mut().push(size);
            let page: usize = token.parse().unwrap_or(0);
            let next = if page < 2 {
                (page + 1).to_string()
            } else {
                String::new()
            };
            Ok((pages[page].clone(), next))
        };
        let (entries, next) = args.collect(fetch).await.unwrap();
        (entries.len(), next, sizes.into_inner())
    }

    #[tokio::test]
    async fn a_list_ends_at_its_limit_and_says_where_the_rest_begins() {
        assert_eq!(collected(first(2)).await, (2, "1".into(), vec![2]));
        assert_eq!(collected(first(4)).await, (4, "2".into(), vec![4, 2]));
        let page = Some("2".to_owned());
        let later = PageArgs { page, ..first(9) };
        assert_eq!(collected(later).await, (1, String::new(), vec![9]));
    }

    #[tokio::test]
    async fn a_list_of_all_has_every_page() {
        let all = PageArgs {
            all: true,
            ..first(50)
        };
        let every_page = (5, String::new(), vec![500, 500, 500]);
        assert_eq!(collected(all).await, every_page);
    }
}
