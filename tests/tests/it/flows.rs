//! What people do with their mail: each flow is written once, and run against `tm dev`, against
//! separate programs on files, and against separate programs on Redis and Postgres.

mod accounts;
mod mail;
mod organizing;
mod reading;
mod writing;

use turbomessage_tests::{Dev, Services, containers};

macro_rules! flows {
    ($($topic:ident::$flow:ident,)*) => {
        mod dev {
            use super::Dev;

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $flow() {
                    let dev = Dev::start().await;
                    super::$topic::$flow(&dev).await;
                }
            )*
        }

        /// One start of the programs does for all flows: each opens accounts of its own.
        async fn every_flow(services: &Services) {
            $(
                eprintln!("{}", stringify!($flow));
                $topic::$flow(services).await;
            )*
        }
    };
}

flows! {
    accounts::registering_opens_an_account_a_mailbox_and_a_session,
    accounts::a_session_lasts_until_its_logout,
    accounts::sessions_are_listed_and_revoked_one_by_one,
    accounts::all_other_sessions_are_revoked_at_once,
    accounts::a_new_password_ends_every_other_session,
    accounts::a_new_display_name_is_what_others_see,
    accounts::a_deleted_account_is_gone_and_copies_of_others_stay,
    mail::a_message_reaches_everybody_it_names,
    mail::blind_copies_are_unseen_by_others,
    mail::a_person_named_twice_gets_one_copy,
    mail::an_answer_joins_the_conversation,
    mail::a_repeated_request_is_sent_once,
    mail::one_can_write_to_oneself,
    reading::reading_does_not_mark_and_marking_counts,
    reading::favourites_are_listed_apart,
    reading::messages_move_among_folders,
    reading::the_owners_copy_alone_is_deleted,
    reading::several_messages_are_read_in_the_order_asked_for,
    reading::pages_follow_each_other_while_mail_arrives,
    reading::a_change_of_what_was_not_seen_is_refused,
    reading::the_mailbox_says_how_full_it_is,
    organizing::folders_of_ones_own_come_and_go,
    organizing::labels_come_with_use_and_go_with_it,
    organizing::a_conversation_is_one_for_everybody_in_it,
    writing::a_draft_is_written_and_sent_once,
    writing::what_is_sent_later_can_be_taken_back,
    writing::what_is_sent_later_arrives_at_its_time,
    writing::mail_is_found_by_what_it_says,
}

mod processes {
    #[tokio::test(flavor = "multi_thread")]
    async fn every_flow_works_across_processes_on_files() {
        super::every_flow(&super::Services::on_files().start().await).await;
    }
}

mod on_servers {
    mod containers {
        use crate::flows::{Services, containers, every_flow};

        #[tokio::test(flavor = "multi_thread")]
        async fn every_flow_works_on_redis_and_postgres() {
            if containers::available() {
                every_flow(&Services::on_servers().start().await).await;
            }
        }
    }
}
