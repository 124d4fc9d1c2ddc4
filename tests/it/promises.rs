//! What `tokctl-security(7)` and the README promise about security, sentence by sentence, with the
//! tests that would fail if it were not so.
//!
//! A sentence that promises nothing, such as one that says what is not protected, has no test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The beginning of a sentence, and its tests: a file and a function each.
type Promise = (&'static str, &'static [&'static str]);

/// The sentences of `man/topics/security.man`, in their order.
const PAGE: &[Promise] = &[
    ("Tokens lie in one file", &["secrets_stay_sealed::no_secret_is_left_in_the_clear"]),
    ("What opens it lies elsewhere", &["key::another_key_opens_nothing"]),
    ("This page says", &[]),
    ("Whoever reads the vault's file", &["secrets_stay_sealed::no_secret_is_left_in_the_clear"]),
    ("Each credential is sealed with", &["vault/seal::a_seal_opens_only_in_its_own_place"]),
    (
        "Whoever changes the file",
        &[
            "hostile_edits::each_column_of_a_credential",
            "hostile_edits::each_column_of_the_header_the_slots_and_the_intents",
            "hostile_edits::each_earlier_row_and_each_table",
        ],
    ),
    (
        "A credential is sealed together",
        &[
            "get_refreshes::a_changed_configuration_does_not_redirect_a_refresh_token",
            "vault/seal::a_seal_opens_only_in_its_own_place",
        ],
    ),
    (
        "A row that was edited",
        &[
            "tampering::whatever_was_done_to_a_row_nothing_is_sent_for_it",
            "tampering::exchanged_credentials_do_not_open",
            "tampering::a_renamed_credential_does_not_open",
            "rotate_key::a_row_kept_from_before_a_rotation_does_not_open",
        ],
    ),
    (
        "The same is true of the vault's settings",
        &[
            "hostile_file::forged_evidence_stops_what_would_send_and_no_good_token",
            "hostile_edits::each_column_of_the_header_the_slots_and_the_intents",
        ],
    ),
    (
        "A table, trigger or view",
        &[
            "hostile_file::\
             what_acts_by_itself_in_the_schema_stops_every_command_until_it_is_repaired",
            "hostile_file::a_view_or_another_table_in_place_of_ours_is_refused",
        ],
    ),
    ("A key slot that was edited", &["tampering::an_edited_key_slot_is_told_from_a_wrong_key"]),
    ("The slots of the kinds", &["key::a_password_is_refused_as_a_key_and_never_repeated"]),
    (
        "A passphrase can be guessed",
        &["vault/slot::absurd_and_weak_costs_are_refused_before_they_are_paid"],
    ),
    ("The provider, user, server", &[]),
    ("tokctl list shows this", &["list::no_key_is_needed"]),
    ("It is a copy", &["tampering::an_edited_copy_of_what_is_sealed_is_noticed"]),
    ("The audit beside the vault", &["audit::an_entry_says_who_asked_and_when"]),
    ("It holds no secret", &["audit::the_file_is_private_and_holds_no_secret"]),
    ("If an interrupted", &["export::no_secret_of_a_bundle_is_in_a_file_or_a_message"]),
    ("Against programs that run as you", &[]),
    ("While the keychain is open", &[]),
    ("They can change your configuration", &[]),
    (
        "A tokctl that runs",
        &[
            "memory::other_programs_of_the_same_user_can_not_look_into_it",
            "memory::a_crash_leaves_no_core_file",
        ],
    ),
    ("A key in a file", &["run::a_command_is_not_told_where_the_key_lies"]),
    ("The program that set TOKCTL_KEY", &[]),
    ("Against root", &[]),
    ("tokctl wipes secrets", &["memory::the_key_is_not_twice_in_what_runs_for_long"]),
    ("The copies that the libraries", &[]),
    ("Against loss", &[]),
    ("Whoever can write the file can delete", &[]),
    ("Against an older copy", &[]),
    (
        "A machine remembers",
        &[
            "older::a_row_that_was_put_back_spends_no_token",
            "older::a_restored_backup_is_used_once_it_is_accepted",
        ],
    ),
    ("A token in it that is still good", &["older::a_row_that_was_put_back_spends_no_token"]),
    ("Against the end of the audit", &[]),
    (
        "Nor, on a machine that never wrote",
        &["hostile_file::a_vault_that_was_made_to_look_like_a_copy_is_told_as_one_\
             where_it_was_never_written"],
    ),
    (
        "In a vault that lies in a database",
        &["shared_vaults::an_identity_opens_no_file_and_a_key_no_shared_vault"],
    ),
    ("What whoever runs the database", &[]),
    ("tokctl key remove closes", &["key_remove::a_removed_slot_that_is_put_back_opens_nothing"]),
    (
        "With --no-rotate",
        &["key_remove::without_a_rotation_a_kept_slot_goes_on_opening_the_vault_and_that_is_said"],
    ),
    (
        "A copy of the vault from before",
        &["rotate_key::a_copy_from_before_opens_with_the_key_from_before"],
    ),
    ("If the file was stolen", &[]),
    (
        "tokctl delete and a new login",
        &[
            "delete::a_deleted_login_is_revoked_and_gone",
            "login_again::the_earlier_grant_is_revoked_and_the_new_one_kept",
        ],
    ),
    (
        "On Linux, the answer to a login",
        &["neighbour::an_answer_that_another_user_brings_is_refused_and_the_login_waits_on"],
    ),
    (
        "Elsewhere, and through a forwarded port",
        &["neighbour::who_logged_in_is_shown_whatever_the_login_is_called"],
    ),
    ("A program that cleans", &[]),
    ("That costs no login", &["lease::deleted_lock_files_cost_no_grant"]),
    (
        "The vault, the configuration and key files",
        &[
            "tampering::a_vault_that_others_can_write_is_refused_with_the_way_out",
            "errors::a_configuration_that_others_can_write_is_refused",
            "key::a_key_file_that_others_write_is_refused",
            "owners::every_directory_on_the_way_counts",
        ],
    ),
    (
        "Hooks, the browser and programs",
        &[
            "memory::hooks_are_told_nothing",
            "memory::programs_of_a_login_are_told_nothing",
            "memory::a_program_that_prints_the_key_is_told_nothing",
            "hooks::a_hook_gets_no_secret",
        ],
    ),
    (
        "A command under tokctl run",
        &["memory::a_command_is_told_what_was_asked_for_and_nothing_else"],
    ),
    (
        "Requests go to https addresses",
        &[
            "model/address::plain_http_is_for_loopback_only",
            "errors::an_endpoint_without_encryption_is_refused",
        ],
    ),
    ("Redirects are not followed", &["get_refreshes::a_redirection_is_not_followed"]),
    (
        "What a server says is shown",
        &["get_refreshes::a_servers_words_can_neither_paint_the_terminal_nor_command_a_ci"],
    ),
    (
        "Parts of it that repeat",
        &["get_refreshes::what_a_server_repeats_of_a_request_is_neither_shown_nor_stored"],
    ),
    (
        "No message at any level",
        &[
            "get::nothing_but_the_token_is_printed_at_any_level_of_chatter",
            "doctor::no_secret_is_told",
        ],
    ),
    (
        "Whoever reads the log",
        &[
            "run::tokens_are_masked_where_output_is_a_pipe",
            "masking::a_log_file_is_masked_and_a_file_of_its_own_is_not",
        ],
    ),
    ("A token that the command changes", &[]),
    ("Services that replace refresh tokens", &[]),
    (
        "On the machine that used the newer vault",
        &["older::a_restored_backup_is_used_once_it_is_accepted"],
    ),
    (
        "Then tokctl refresh --all",
        &["refresh_all::a_login_that_was_refused_is_a_failure_every_time_and_no_request"],
    ),
    ("The entries are chained", &["audit::whatever_was_changed_is_named_with_its_line"]),
    (
        "tokctl audit --verify finds",
        &[
            "audit::whatever_was_changed_is_named_with_its_line",
            "hostile_file::an_audit_that_was_erased_is_told_until_a_new_one_is_begun",
        ],
    ),
];

/// The points of the README's part on security, in their order.
const README: &[Promise] = &[
    (
        "Tokens and client secrets are sealed",
        &["secrets_stay_sealed::no_secret_is_left_in_the_clear"],
    ),
    ("The key lies in", &["key::another_key_opens_nothing"]),
    (
        "A token is sealed together",
        &[
            "get_refreshes::a_changed_configuration_does_not_redirect_a_refresh_token",
            "hostile_edits::each_column_of_a_credential",
        ],
    ),
    ("A row that was edited", &["tampering::whatever_was_done_to_a_row_nothing_is_sent_for_it"]),
    (
        "No secret is taken from the command line",
        &[
            "errors::a_secret_on_the_command_line_is_refused_with_the_way_in",
            "get::nothing_but_the_token_is_printed_at_any_level_of_chatter",
        ],
    ),
    (
        "Every use is noted",
        &["audit::every_use_leaves_an_entry", "audit::whatever_was_changed_is_named_with_its_line"],
    ),
    ("Not protected: against root", &[]),
    ("If all keys are lost", &["key_slots::a_recovery_code_opens_the_vault_however_it_is_written"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sentences of the page, from its description to its examples, without markup.
fn sentences_of_the_page() -> Vec<String> {
    let page = fs::read_to_string(root().join("man/topics/security.man")).unwrap();
    let body = page.split_once(".SH DESCRIPTION\n").unwrap().1;
    let body = body.split_once(".SH EXAMPLES\n").unwrap().0;
    let mut paragraphs = vec![String::new()];
    for line in body.lines() {
        if line.starts_with('.') {
            paragraphs.push(String::new());
        } else {
            let plain = line.replace("\\fB", "").replace("\\fR", "").replace("\\-", "-");
            paragraphs.last_mut().unwrap().extend([plain.as_str(), " "]);
        }
    }
    paragraphs.iter().flat_map(|paragraph| sentences(paragraph)).collect()
}

/// The points of the README's part on security.
fn points_of_the_readme() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let part = readme.split_once("\n## Security\n").unwrap().1;
    let part = part.split_once("\n## ").unwrap().0;
    let points = part.split("\n- ").skip(1).map(|point| point.split("\n\n").next().unwrap());
    points.map(|point| point.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn sentences(paragraph: &str) -> Vec<String> {
    let ended = paragraph.split_inclusive(". ").map(|part| part.trim().to_owned());
    ended.filter(|sentence| !sentence.is_empty()).collect()
}

#[track_caller]
fn assert_told(promises: &[Promise], sentences: &[String]) {
    for (number, sentence) in sentences.iter().enumerate() {
        let promise = promises.get(number);
        assert!(
            promise.is_some_and(|(beginning, _)| sentence.starts_with(beginning)),
            "no test is named for `{sentence}`: in its place stands {promise:?}"
        );
    }
    assert_eq!(promises.len(), sentences.len(), "a promise that nobody makes: {promises:?}");
}

/// Whether the test that a promise names is there: in `tests/it`, or in `src` if a folder is named.
fn is_there(test: &str) -> bool {
    let (file, function) = test.split_once("::").unwrap();
    let folder: PathBuf = root().join(if file.contains('/') { "src" } else { "tests/it" });
    let source = fs::read_to_string(folder.join(format!("{file}.rs"))).unwrap_or_default();
    source.contains(&format!("#[test]\nfn {function}()"))
        || source.contains(&format!("#[test]\n    fn {function}()"))
}

#[test]
fn each_sentence_of_the_page_is_told_with_its_tests() {
    assert_told(PAGE, &sentences_of_the_page());
}

#[test]
fn each_point_of_the_readme_is_told_with_its_tests() {
    assert_told(README, &points_of_the_readme());
}

#[test]
fn each_test_that_a_promise_names_is_there() {
    let named: BTreeSet<_> = PAGE.iter().chain(README).flat_map(|(_, tests)| *tests).collect();
    let missing: Vec<_> = named.into_iter().filter(|test| !is_there(test)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
