//! tokctl gives scripts and programs an access token that works. It logs in once, keeps the
//! credentials of all services in one encrypted vault, and renews a token before it expires. When
//! many processes ask for one credential at the same moment, exactly one of them refreshes it, and
//! its answer survives a full disk and a signal. After a crash, the next process sees that a
//! refresh is in doubt.
//!
//! # Layers
//!
//! The list of modules below is ordered: **a module uses only modules declared before it**. It is
//! also the order in which to read them. Inside a folder, `mod.rs` lists its children in the
//! same way. `tests/it/layers.rs` checks the rule.
//!
//! - *Foundation*, `secret` to `executable`: types for secrets, files of mode 0600, signals, time
//!   limits. Nothing here knows what it is used for.
//! - `model/`: accounts, credentials, definitions of providers, and decisions on them, such as
//!   whether a token lasts long enough. It does no input or output. `config` reads `config.toml`.
//! - `vault/`: keys and seals. It encrypts bytes, wraps the data key in key slots, and talks to the
//!   keychain of the operating system. It does not know where the encrypted bytes are stored.
//!   `vault/shared/` has what the members of a shared vault sign and seal for each other.
//! - `store/`: the vault in a file or in a database, with its rows, locks, spill files and audit. It
//!   takes a key and gives and takes types of `model`; `store/sqlite/` and `store/postgres/` own all
//!   SQL.
//! - `oauth/`: requests to authorization servers, one file for each RFC, and the listener for the
//!   redirect of a login. It never opens the vault.
//! - `providers/`: the differences between services, as TOML files with a little code.
//! - `importers/`: readers of other tools' stores, for `tokctl import`.
//! - `ops/`: the operations, such as login, refresh, import and rotation. Only here do the layers
//!   above meet. An operation prints nothing and gets the clock as an argument.
//! - `cli/`: arguments, prompts, output, the environment, the clock and the exit codes.
//!
//! # One `tokctl get`, with a refresh
//!
//! 1. [`cli::run`] parses the arguments. `run` in `cli/commands/get/mod.rs` opens the file with
//!    `Vault::open_read_only` (`store/vault.rs`) and finds the account (`cli/choice.rs`).
//! 2. `cli/keys.rs` finds out which secret opens the vault. `Vault::unlock` (`store/open_vault.rs`)
//!    gets the data key out of a key slot (`store/unlock.rs`, `vault/slot.rs`).
//! 3. `ops::token::live` asks `find` (`ops/live_token.rs`): `OpenVault::read` (`store/reads.rs`)
//!    reads the row and opens its seal, and `readiness` (`model/readiness.rs`) judges the token. A
//!    good token is returned at once, without network and without a write to the database.
//! 4. A token that is due goes on to `ops::token::renew`, which asks its caller (`cli/renewal.rs`)
//!    for the rules of the provider, and to `Refresh::run` (`ops/refresh/mod.rs`).
//! 5. `wait_for_turn` (`ops/refresh/turn.rs`) waits for the *turn*: the kernel's lock on a file for
//!    this credential (`store/refresh_turn.rs`, `store/locks.rs`). Then the row is read again: if
//!    another process renewed the token meanwhile, its token is returned. An answer that an earlier
//!    process could only *spill* is put into its row first (`OpenVault::adopt_spill`). If somebody
//!    deleted the lock's file, the *lease* in a journal (`store/lease.rs`) says how long the request
//!    of its process may still be on its way.
//! 6. `Refresh::request` (`ops/refresh/request.rs`) holds the turn and does, in this order:
//!    `RefreshTurn::make_room` reserves disk space for the answer (`store/spill.rs`);
//!    `signals::hold` makes signals wait; `RefreshTurn::begin_refresh` commits a *journal*, so that
//!    a crash from here on is noticed; `token::refresh` (`oauth/token.rs`) sends the request;
//!    `Refresh::save` (`ops/refresh/answer.rs`) has `RefreshTurn::save` commit the answer, or write it
//!    into the spill file if that fails.
//! 7. Back in `get`, `cli/audit_trail.rs` appends an entry to the audit (`store/audit/append.rs`),
//!    and `cli/commands/get/format/` prints the token.
//!
//! # Where a new thing goes
//!
//! - *A storage engine*: a folder beside `store/sqlite/` and `store/postgres/`, and a variant of `Engine`
//!   (`store/engine.rs`). It carries out each `Change` of `store/change.rs`; the compiler names the
//!   reads that are missing.
//! - *A grant*: a variant of `RenewalGrant` and `RenewalProof` (`model/credential/renewal.rs`), its
//!   word in definitions (`RefreshKind` in `model/definition.rs`), a file in `oauth/` that sends the
//!   request, an arm in `Refresh::ask` (`ops/refresh/request.rs`), and the login in `ops/login/` and
//!   `cli/commands/login/`.
//! - *An output format of `get`*: a file in `cli/commands/get/format/` and a variant of `Format`.
//! - *A provider*: a TOML file in `providers/` and a line in `providers/mod.rs`. Code, only where
//!   the service does something that `model/definition.rs` can't express.
//! - *A command*: a file in `cli/commands/` for arguments and output, and its work in `ops/`.

// Without shared vaults an engine is a file, and a `match` on it has one arm.
#![cfg_attr(not(feature = "postgres"), allow(clippy::infallible_destructuring_match))]

mod secret;
mod untrusted;
mod bounded;
mod causes;
mod counted;
mod private_file;
mod atomic_file;
mod paths;
mod file_system;
mod boot_clock;
mod name_service;
mod signals;
mod executable;
mod model;
mod config;
mod vault;
mod store;
mod oauth;
mod providers;
mod importers;
mod ops;
mod cli;
#[cfg(any(test, fuzzing))]
pub mod properties;

pub use cli::run;
