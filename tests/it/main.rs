//! What tokctl promises, tried on the real binary.
//!
//! `env` gives each test a world of its own, `authorization_server` is the other side of every
//! OAuth exchange and fails the test on whatever it was not told to expect, `browser` stands
//! where a person would sit. The rest is one file for each command or rule.
#![allow(
    clippy::disallowed_methods,
    reason = "a test arranges the files, the clock and the environment that the product is given"
)]
#![allow(
    clippy::unwrap_used,
    reason = "an arrangement that can't be made fails the test at that line"
)]
#![allow(clippy::print_stderr, reason = "a test that fails says what it saw")]

mod http;
mod browser;
mod authorization_server;
mod transcript;
mod hints;
mod env;
mod inherited_signals;
mod commands;
mod layers;
mod errors;
mod ci_log;
mod owners;
mod key;
mod key_remove;
mod key_slots;
mod shared_vaults;
mod rotate_key;
mod several_keys;
mod backup;
mod export;
mod questions;
mod recipes;
mod registering_server;
mod import;
mod import_dumps;
mod import_skips;
mod import_sources;
mod login_token;
mod login_browser;
mod id_token;
mod names;
mod neighbour;
mod address_everywhere;
mod login_address;
mod login_address_again;
mod login_address_device;
mod login_address_odd;
mod login_address_public;
mod login_again;
mod login_retries;
mod network;
mod revocation;
mod login_device;
mod login_unattended;
mod client_key;
mod client_key_forms;
mod secret_place;
mod mutual_tls;
mod pushed_request;
mod userinfo;
mod platform;
mod workload;
mod workload_traces;
mod google_keyless;
mod memory_vault;
mod recipes_keyless;
mod jira;
mod jira_dc;
mod github;
mod google;
mod files;
mod gdrive;
mod salla;
mod etsy;
mod shopify;
mod services;
mod facebook;
mod reference;
mod status;
mod directories;
mod discovery;
mod env_command;
mod get;
mod get_formats;
mod get_refreshes;
mod git_credential;
mod request_params;
mod refresh;
mod refresh_again;
mod refresh_all;
mod watch;
mod hooks;
mod hostile_edits;
mod hostile_file;
mod interrupted;
mod lease;
mod lock_files;
mod older;
mod list;
mod delete;
mod why;
mod callbacks;
mod check;
mod login_by;
mod audit;
mod docker_credential;
mod doctor;
mod tampering;
mod secrets_stay_sealed;
mod masking;
mod memory;
mod details;
mod disk;
mod screens;
mod terminal;
mod shells;
mod odd_answers;
mod providers;
mod login_pasted;
mod login_stored;
mod login_choice;
mod login_guided;
mod login_identity;
mod run;
mod completion;
mod vaults;
mod earlier_program;
mod promises;
mod generated;
mod obliging_server;
mod throwaway;
mod token_type;
mod manual;
mod readme;
