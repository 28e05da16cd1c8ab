//! What every store must do, and what the mailbox's rules must do on it: each case is one promise,
//! run on every engine. A case makes owners of its own, so that all of them can share one database
//! and run at once.
//!
//! In this crate every case is a test on `SQLite`, and on PostgreSQL where `TM_TEST_POSTGRES_URL`
//! names one. Elsewhere (feature `conformance`): [`run_all`] for the cases, [`statements`] for the
//! statements of an engine, [`beside`] for several who write at once, [`random`] for random operations
//! against a model, [`search`] for random queries against one, [`scale`] to measure mailboxes of any
//! size.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "these are tests, compiled for other packages too: panicking is how they fail"
)]

pub mod beside;
mod caller;
mod changes;
mod clerk;
mod concurrency;
mod conversations;
mod drafts;
mod erasure;
mod exactly_once;
mod faults;
mod faulty;
mod feed;
mod folder_deletion;
mod folders;
mod history;
mod labels;
mod letter;
mod lists;
mod office;
mod outbox;
mod quota;
pub mod random;
mod rows;
mod sample;
pub mod scale;
pub mod search;
mod search_indexing;
mod search_limits;
mod search_texts;
mod sending;
mod sending_drafts;
pub mod statements;
mod threads;
mod transactions;
mod trash;

use std::{future::Future, pin::Pin, sync::Arc};

use tokio::{sync::Semaphore, task::JoinSet};

use super::SharedStore;

/// How many cases [`run_all`] runs at once.
const AT_ONCE: usize = 4;

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One promise.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Its topic and name.
    pub name: &'static str,
    /// Tries it on a store; panics if it is broken.
    pub run: fn(SharedStore) -> Running,
}

macro_rules! cases {
    ($($topic:ident { $($case:ident,)+ })+) => {
        /// Every case.
        pub const CASES: &[Case] = &[$($(Case {
            name: concat!(stringify!($topic), "::", stringify!($case)),
            run: |store| Box::pin($topic::$case(store)),
        },)+)+];

        #[cfg(test)]
        mod on_sqlite {
            $(mod $topic { $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let engine = crate::store::conformance::engines::Sqlite::open().await;
                    crate::store::conformance::$topic::$case(engine.store()).await;
                }
            )+ })+
        }

        #[cfg(test)]
        mod on_postgres {
            $(mod $topic { $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    if let Some(store) = crate::store::conformance::engines::postgres().await {
                        crate::store::conformance::$topic::$case(store).await;
                    }
                }
            )+ })+
        }
    };
}

cases! {
    rows {
        every_column_comes_back,
        any_text_comes_back_byte_for_byte,
        a_megabyte_comes_back,
        a_change_leaves_the_rest_of_a_copy_alone,
        mailboxes_are_made_once,
        others_ids_are_not_found,
        the_history_tells_what_was_deleted,
        answers_are_kept_until_they_are_old,
        owners_come_in_pages,
    }
    transactions {
        a_dropped_transaction_takes_no_effect,
        a_rolled_back_transaction_takes_no_effect,
        a_statement_cut_short_poisons_nothing,
        a_refused_statement_poisons_nothing,
        mailboxes_are_locked_in_one_order,
        what_another_writer_committed_is_seen_after_the_lock,
        the_store_answers,
    }
    feed {
        accounts_never_go_back,
        deleted_accounts_stay_deleted,
        the_position_never_goes_back,
    }
    sending {
        a_message_reaches_everybody_once,
        only_the_sender_sees_bcc,
        a_self_send_makes_two_copies,
        one_erased_recipient_stops_the_whole_send,
        a_hundred_recipients_are_reached,
        times_increase_though_the_clock_stands_still_or_goes_back,
    }
    threads {
        an_answer_joins_the_conversation_in_every_mailbox,
        an_answer_marks_what_it_answers_for_the_sender_only,
        somebody_new_to_a_conversation_joins_it_without_the_past,
        only_ones_own_messages_can_be_answered,
        an_answer_to_oneself_joins_the_conversation,
    }
    exactly_once {
        the_same_request_gets_the_first_answer,
        other_content_is_refused_and_the_first_stays,
        the_answer_survives_the_deletion_of_its_copy,
        the_answer_comes_before_anything_else_is_looked_at,
        a_request_id_belongs_to_its_sender,
        a_hundred_at_once_send_one_message,
        a_refused_request_may_be_tried_again,
    }
    quota {
        the_full_are_named_the_sender_among_them,
        bytes_count_to_the_last_one,
        a_self_send_needs_room_for_two,
        deleting_makes_room,
        exactly_as_many_as_fit_get_in_at_once,
    }
    changes {
        marking_changes_counts_and_etags,
        nothing_changed_is_no_change,
        copies_move_among_open_folders,
        nothing_moves_into_or_out_of_protected_folders,
        only_sent_copies_move_to_sent,
        an_old_etag_changes_nothing,
        one_missing_message_stops_all_changes,
        deleting_is_all_or_nothing,
        deleting_again_counts_as_done,
        others_keep_their_copies,
    }
    lists {
        a_list_is_newest_first_and_one_more_tells_of_another_page,
        pages_stay_in_place_while_mail_arrives_and_goes,
        filters_show_the_unread_and_the_starred,
    }
    folders {
        a_folder_is_made_empty_and_found_by_its_owner,
        names_differ_by_more_than_case,
        one_of_two_of_the_same_name_at_once_is_made,
        standard_folders_keep_their_names_and_stay,
        a_new_name_leaves_the_messages_where_they_are,
        a_mailbox_has_a_hundred_folders_of_its_owners_own,
        a_repeated_request_about_a_folder_gets_the_first_answer,
        a_request_id_serves_for_one_thing_only,
    }
    folder_deletion {
        its_messages_go_to_trash_and_it_is_gone,
        a_large_folder_goes_in_steps_each_of_which_is_whole,
        what_moves_in_meanwhile_goes_to_trash_too,
        moving_in_and_deleting_at_once_lose_nothing,
    }
    labels {
        labels_are_put_on_and_taken_off_many_at_once,
        a_label_that_is_there_already_changes_nothing,
        a_label_goes_with_its_last_use,
        a_mailbox_has_a_hundred_labels,
        at_once_there_are_no_more_than_a_hundred,
        a_folder_is_listed_by_label_with_the_other_filters,
        a_label_follows_its_message_from_folder_to_folder,
        labels_of_a_sent_message_are_the_senders_alone,
    }
    conversations {
        conversations_are_listed_by_their_newest_message,
        what_a_conversation_has_is_counted_by_folder,
        without_its_newest_message_a_conversation_goes_back_in_the_list,
        one_who_lost_the_parent_keeps_counting,
        a_draft_brings_its_conversation_to_those_who_get_an_answer,
        pages_of_conversations_stay_while_mail_arrives,
        a_conversation_is_read_oldest_first_page_by_page,
    }
    drafts {
        a_draft_is_kept_as_it_is_and_reaches_nobody,
        a_draft_is_replaced_whole_by_one_who_has_seen_it,
        a_draft_that_changed_or_is_none_is_not_replaced,
        of_many_updates_at_once_one_wins,
        what_a_draft_names_must_be_there_when_it_is_named,
        contents_of_the_past_are_swept,
        a_repeated_save_keeps_one_draft,
        drafts_take_room_by_what_they_grow,
        exactly_as_many_drafts_as_fit_are_kept_at_once,
    }
    sending_drafts {
        a_sent_draft_keeps_its_id_and_its_labels,
        a_draft_to_oneself_comes_back,
        a_hundred_repeats_send_a_draft_once,
        a_draft_sent_by_many_at_once_goes_out_once,
        a_draft_that_changes_while_it_is_sent_is_looked_at_again,
        an_answer_goes_out_though_what_it_answers_is_gone,
        a_draft_that_cannot_be_sent_stays_as_it_is,
    }
    outbox {
        a_message_waits_for_its_time,
        a_time_that_is_not_ahead_is_at_once,
        many_deliverers_at_once_deliver_once,
        what_is_taken_back_is_a_draft_again,
        of_taking_back_and_delivering_one_wins,
        what_cannot_reach_all_goes_back_and_the_sender_is_told,
        a_recipient_gone_at_its_time_stops_the_whole_delivery,
        of_many_deliverers_one_tells_the_sender,
        what_is_answered_is_marked_when_the_answer_goes_out,
        what_waits_is_not_written_on_or_moved,
        what_waits_goes_with_its_owner,
    }
    trash {
        a_message_knows_since_when_it_is_in_trash,
        only_what_was_in_trash_before_goes,
        what_was_taken_out_of_trash_meanwhile_stays,
    }
    history {
        a_story_is_told_whole_and_in_order,
        an_object_has_the_number_of_its_last_change,
        the_history_comes_in_pages,
        what_is_too_old_is_forgotten,
        of_a_long_history_the_last_changes_are_kept,
        what_was_deleted_is_known_as_long_as_the_history,
    }
    concurrency {
        change_numbers_are_unique_and_increase,
        overlapping_recipients_get_everything_in_order,
        two_writers_keep_all_promises,
        marks_and_sends_at_once_lose_nothing,
    }
    erasure {
        an_erased_mailbox_is_empty_for_good,
        a_mailbox_never_used_is_erased_too,
        erasing_leaves_others_their_copies,
        erasing_while_mail_arrives_leaves_nothing,
        contents_go_with_their_last_copy,
    }
    caller {
        a_caller_who_hangs_up_cancels_nothing,
        a_job_whose_deadline_has_passed_is_not_begun,
        more_than_may_wait_is_refused_at_once,
        a_writer_ends_what_it_has_begun,
    }
    search_limits {
        a_hostile_query_is_answered_or_refused,
        every_word_of_the_longest_message_is_found,
        nobody_finds_what_is_somebody_elses,
        pages_bear_any_time,
    }
    search_texts {
        a_phrase_is_found_in_the_texts_that_have_it,
    }
    search_indexing {
        what_was_acknowledged_is_found_once_while_the_index_is_made,
        searches_see_marks_while_they_are_made,
        what_moves_while_it_is_searched_for_is_found_once,
        two_indexers_at_once_make_no_doubles,
        a_mailbox_with_much_to_index_does_not_hold_up_others,
        an_index_by_other_rules_is_made_anew,
        segments_that_overlap_find_each_message_once,
        an_abandoned_merge_is_swept,
        a_merge_ends_with_its_mailbox,
        nobody_waits_for_the_index_of_an_erased_mailbox,
        erasing_while_the_index_is_made_leaves_nothing_of_it,
    }
    faults {
        a_poison_job_fails_alone,
        a_job_the_engine_refuses_fails_alone,
        conflicts_are_tried_again,
        conflicts_without_end_are_told,
        a_failed_commit_is_not_acknowledged,
    }
}

/// Runs every case on `store`, several at once. No mail-service may run on the same database: cases
/// move the position of the log of account events.
///
/// # Panics
/// Naming the cases that failed.
pub async fn run_all(store: SharedStore) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for case in CASES {
        let (room, store) = (Arc::clone(&room), Arc::clone(&store));
        running.spawn(async move {
            let _permit = room.acquire_owned().await.unwrap();
            let result = tokio::spawn((case.run)(store)).await;
            result.err().map(|error| format!("{}: {error}", case.name))
        });
    }
    let failed: Vec<String> = running.join_all().await.into_iter().flatten().collect();
    assert!(failed.is_empty(), "broken: {failed:#?}");
}

#[cfg(test)]
mod engines {
    use tempfile::TempDir;

    use crate::store::{PostgresStore, SharedStore, SqliteStore};

    /// A database in a directory that goes away with it.
    pub(super) struct Sqlite {
        pub(super) store: SqliteStore,
        _directory: TempDir,
    }

    impl Sqlite {
        pub(super) async fn open() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("mail.db");
            Self {
                store: SqliteStore::open(&file).await.unwrap(),
                _directory: directory,
            }
        }

        pub(super) fn store(&self) -> SharedStore {
            std::sync::Arc::new(self.store.clone())
        }
    }

    /// The PostgreSQL that `TM_TEST_POSTGRES_URL` names, if it does.
    pub(super) async fn postgres_store() -> Option<PostgresStore> {
        let Ok(url) = std::env::var("TM_TEST_POSTGRES_URL") else {
            eprintln!("SKIPPED: TM_TEST_POSTGRES_URL names no PostgreSQL");
            return None;
        };
        Some(PostgresStore::open(&url).await.unwrap())
    }

    pub(super) async fn postgres() -> Option<SharedStore> {
        let store = postgres_store().await?;
        Some(std::sync::Arc::new(store))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn all_cases_share_one_database_at_once() {
        let engine = engines::Sqlite::open().await;
        run_all(engine.store()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn all_cases_share_one_postgres_at_once() {
        if let Some(store) = engines::postgres().await {
            run_all(store).await;
        }
    }
}
