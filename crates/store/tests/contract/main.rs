//! What every engine of the store must do: one body of stories, mounted once for each engine, and again for each
//! way in which two versions meet on one schema.
//!
//! A story gets a fresh store with a project in it and knows only [`countersign_store::Store`]. What is peculiar to one
//! engine is in its own test binary.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a step that fails is a test that fails"
)]

mod audit;
mod changes;
mod clients;
mod concurrency;
mod credentials;
mod engines;
mod installation;
mod keys;
mod operators;
mod projects;
mod providers;
mod rotation;
mod search;
mod transfer;
mod usage;
mod world;

/// Mounts stories as tests; a story that is not listed is dead code and the compiler says so.
macro_rules! stories {
    ($fresh:path; $($subject:ident: [$($story:ident),+ $(,)?]),+ $(,)?) => {
        $(mod $subject {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                crate::$subject::$story($fresh().await).await;
            })+
        })+
    };
}

/// Mounts the whole contract for an engine.
macro_rules! contract {
    ($engine:ident, $fresh:path) => {
        mod $engine {
            stories! { $fresh;
                audit: [
                    an_event_comes_back_as_it_was_written,
                    a_refused_intention_leaves_neither_event_nor_change,
                    filters_find_what_a_plain_look_finds,
                    pages_go_from_the_newest_to_the_oldest,
                    pruning_deletes_what_is_old_and_says_so,
                    pruning_nothing_writes_nothing,
                ],
                changes: [
                    every_intention_says_what_it_makes_old,
                    a_change_is_told_once_and_in_order,
                    a_reader_behind_the_pruned_part_is_told_to_forget_everything,
                    no_reader_is_told_a_part,
                ],
                clients: [
                    a_client_comes_back_as_it_was_kept,
                    an_id_is_taken_once_in_a_project,
                    a_change_of_an_old_version_is_stale,
                    scopes_are_replaced_whole_and_in_order,
                    a_deleted_client_leaves_nothing,
                    a_client_made_anew_under_an_old_id_is_another,
                    an_ordinal_is_never_given_twice,
                    a_client_needs_its_project,
                    the_list_finds_parts_of_names_and_ids,
                    the_list_pages_through_everything,
                ],
                concurrency: [
                    sixty_four_inserts_at_once_are_all_there,
                    of_many_inserts_of_one_id_exactly_one_succeeds,
                    no_change_is_lost_between_many_writers,
                    a_dropped_request_is_carried_out_all_the_same,
                    the_refused_leave_nothing_and_take_nothing_with_them,
                ],
                installation: [
                    an_installation_is_made_once,
                    everything_sealed_is_listed,
                    resealing_replaces_everything,
                    resealing_is_all_or_nothing,
                    a_lost_master_key_is_abandoned,
                    without_an_installation_nothing_is_abandoned,
                ],
                keys: [
                    a_key_comes_back_as_it_was_kept,
                    of_two_rotations_at_once_one_is_stale,
                    a_retirement_of_an_unknown_key_changes_nothing,
                    keys_dropped_long_ago_are_deleted,
                    a_key_sealed_with_another_master_key_is_stale,
                ],
                operators: [
                    an_operator_is_found_by_the_digest_of_its_key,
                    a_key_belongs_to_one_operator,
                    an_operator_is_revoked_once,
                    operators_are_listed_in_pages,
                ],
                projects: [
                    a_project_comes_back_with_everything_of_it,
                    a_project_id_is_taken_once,
                    the_first_start_comes_once,
                    a_change_of_an_old_version_is_stale,
                    secrets_are_added_and_revoked_once,
                    projects_are_listed_in_pages_and_by_reach,
                ],
                rotation: [
                    both_secrets_are_kept_while_a_rotation_is_open,
                    of_two_rotations_at_once_one_is_stale,
                    an_upgraded_digest_does_not_overwrite_a_rotation,
                ],
                search: [
                    every_search_answers_as_a_plain_look_does,
                    paging_is_stable_while_clients_come_and_go,
                    nothing_of_another_project_is_found,
                    texts_are_compared_exactly,
                    the_widest_query_is_answered,
                ],
                usage: [
                    usage_adds_up_and_the_latest_use_is_shown,
                    usage_of_what_is_gone_is_left_out,
                    minutes_add_up_and_are_deleted_by_age,
                    the_last_use_of_secrets_and_operators_is_kept,
                ],
            }
        }
    };
}

/// Mounts what an engine does with a whole installation: a program moves one of its own schema alone.
macro_rules! transfers {
    ($engine:ident, $fresh:path) => {
        mod $engine {
            stories! { $fresh;
                transfer: [
                    everything_arrives_on_either_engine,
                    an_import_needs_an_empty_database,
                    an_import_goes_on_exactly_where_it_is,
                    a_batch_is_written_whole_or_not_at_all,
                    what_is_read_is_of_one_moment,
                    reading_ends_when_it_is_broken_off,
                ],
            }
        }
    };
}

/// Mounts what an engine does with providers, which the schema before has not.
macro_rules! providers {
    ($engine:ident, $fresh:path) => {
        mod $engine {
            stories! { $fresh;
                providers: [
                    a_provider_comes_back_with_everything_of_it,
                    a_name_is_taken_once_in_a_project,
                    a_change_of_an_old_version_is_stale,
                    rules_are_replaced_whole_and_in_order,
                    a_document_stays_until_there_is_another,
                    a_deleted_provider_leaves_nothing,
                    a_provider_made_anew_under_an_old_name_is_another,
                    a_provider_needs_its_project,
                    providers_are_listed_in_pages,
                    each_change_tells_which_provider_it_is_of,
                ],
                credentials: [
                    a_credential_comes_back_as_it_was_kept,
                    another_value_takes_the_place_of_the_one_before,
                    of_two_values_at_once_one_is_stale,
                    a_name_is_taken_once_at_a_provider,
                    a_deleted_credential_is_gone,
                    a_credential_needs_its_provider,
                    a_credential_sealed_with_another_master_key_is_stale,
                    the_last_use_is_kept,
                    what_is_sealed_opens_for_its_own_row_alone,
                    a_new_master_key_opens_what_was_sealed_anew,
                    resealing_forgets_no_credential,
                    a_lost_master_key_takes_credentials_with_it,
                ],
            }
        }
    };
}

/// Mounts what an engine does about providers on the schema before.
macro_rules! without_providers {
    ($engine:ident, $fresh:path) => {
        mod $engine {
            stories! { $fresh;
                providers: [on_the_schema_before_there_are_none],
            }
        }
    };
}

transfers!(from_sqlite, crate::engines::sqlite);
transfers!(from_postgres, crate::engines::postgres);
contract!(sqlite, crate::engines::sqlite);
contract!(
    sqlite_on_the_previous_schema,
    crate::engines::sqlite_on_the_previous_schema
);
contract!(postgres, crate::engines::postgres);
contract!(
    postgres_on_the_previous_schema,
    crate::engines::postgres_on_the_previous_schema
);
contract!(
    postgres_for_the_previous_program,
    crate::engines::postgres_for_the_previous_program
);
providers!(providers_on_sqlite, crate::engines::sqlite);
providers!(providers_on_postgres, crate::engines::postgres);
without_providers!(
    no_providers_on_sqlite,
    crate::engines::sqlite_on_the_previous_schema
);
without_providers!(
    no_providers_on_postgres,
    crate::engines::postgres_on_the_previous_schema
);
