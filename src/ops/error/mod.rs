//! The errors of the operations.
//!
//! Each variant's documentation says what happened and, where that is not obvious, what the caller
//! can do. Exit codes and hints for users are no business of this file.

mod bundle;
mod import;
mod slots;

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

pub(crate) use self::bundle::{BundleClosed, BundleError, BundleMalformed};
pub(crate) use self::import::{ImportError, Reason, SkipReason};
pub(crate) use self::slots::{MOST_PASSPHRASES, SlotError};

use crate::model::account::{Account, ProviderName};
use crate::model::address::Address;
use crate::model::attempt::{Attempt, UNKNOWN_CLIENT};
use crate::model::destination::Destination;
pub(crate) use crate::oauth::discovery::Error as MetadataError;
pub(crate) use crate::oauth::http::Fault;
use crate::oauth::id_token;
pub(crate) use crate::oauth::listener::Error as ListenerError;
pub(crate) use crate::oauth::protected_resource::{Error as ResourceError, NoVerdict};
pub(crate) use crate::oauth::registration::Error as RegistrationError;
pub(crate) use crate::oauth::resource_metadata::Error as ProtectionError;
pub(crate) use crate::oauth::token_error::Error as TokenError;
use crate::oauth::{redirect_uri, token_error};
pub(crate) use crate::store::Error as StoreError;
use crate::store::StillLocked;
pub(crate) use crate::store::error::DiskFault;
#[cfg(feature = "postgres")]
pub(crate) use crate::store::shared::{AddressError, SharedError};
use crate::untrusted::printable;
pub(crate) use crate::vault::keychain::Error as KeychainError;
use crate::vault::slot::{SlotId, SlotKind};
use crate::{providers, store};

/// The refusal of a scope (RFC 6749 §4.1.2.1). Servers refuse with it what a client is not registered
/// for.
const INVALID_SCOPE: &str = "invalid_scope";

/// The reason why an operation failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Store(store::Error),
    #[error(transparent)]
    Provider(#[from] providers::Error),

    /// The vault has no slot of the kind that the given secret opens.
    #[error("this vault has no `{kind}` key slot")]
    NoSuchSlot { kind: SlotKind, slots: Vec<SlotKind> },
    /// The given secret opens none of the slots of its kind.
    #[error("that {} does not open this vault", secret(*kind))]
    WrongSecret { kind: SlotKind, slots: Vec<SlotKind> },
    /// The keychain did not give the secret.
    #[error("the keychain did not give the vault's key")]
    Keychain { source: KeychainError, slots: Vec<SlotKind> },
    /// A key slot was edited or damaged.
    #[error("the key slot {id} is damaged or was tampered with")]
    TamperedSlot { id: SlotId },

    /// The use of a credential could not be written to the audit, and the configuration requires it.
    #[error("the use of the credential could not be recorded, as the configuration requires")]
    Unrecorded { source: store::Error },

    /// The vault has no credential for the account.
    #[error("there is no credential for `{account}`")]
    NoCredential { account: Account },
    /// Only a new login by a person brings another token.
    #[error("`{account}` needs a new {}: {reason}", reason.needed())]
    LoginRequired { account: Account, reason: LoginReason },
    /// The token is static: nothing refreshes it, and it lives no longer than it lives.
    #[error("the token of `{account}` can't be refreshed: it was made at the service")]
    Static { account: Account },
    /// The credential was moved, and its refresh token belongs to another machine now.
    #[error("{}", not_here(account, moved_to.as_deref(), moved_by.as_deref()))]
    HandedOver {
        account: Account,
        /// The vault that has it now, if it was moved from vault to vault.
        moved_to: Option<Box<Destination>>,
        /// The label of the other member of a shared vault who moved it. A file is one of that one's
        /// machine.
        moved_by: Option<String>,
        /// Whether the vault keeps a bundle that may not have reached its target file. This
        /// credential may be in it, and nowhere else.
        unplaced: bool,
    },
    /// The caller asked for a longer life than this provider's tokens have.
    #[error("no token for `{account}` is known to live {}", seconds(*asked))]
    NeverLongEnough { account: Account, asked: SignedDuration },
    /// The token is due, and the caller forbade a refresh.
    #[error("the token for `{account}` is due to be refreshed")]
    RefreshForbidden { account: Account },
    /// The authorization server gave no new token.
    #[error("could not refresh `{account}`")]
    NotRefreshed {
        account: Account,
        source: TokenError,
        next: NextTry,
        /// Whether a login by address registered the client.
        registered: bool,
    },
    /// Another process got no new token a moment ago, so no request was sent. `last` is its attempt.
    #[error("could not refresh `{account}`, as another process found just now{}", because(last))]
    NotRefreshedBefore {
        account: Account,
        last: Box<Attempt>,
        /// Whether a login by address registered the client.
        registered: bool,
    },
    /// The authorization server asked for no more requests until this time (`Retry-After`).
    #[error("could not refresh `{account}`: its provider asks to be left alone until {until}")]
    Paused { account: Account, until: Timestamp },
    /// An interrupted refresh may have spent the refresh token. This provider takes a second use for
    /// theft and would end the grant.
    #[error(
        "what became of a refresh of `{account}`{} at {since} is not known, and another could end the grant",
        by_whom(holder.as_deref())
    )]
    Interrupted {
        account: Account,
        since: Timestamp,
        /// The label of the member of a shared vault who began it, as far as it is known: a machine of
        /// that one may have the answer.
        holder: Option<String>,
        /// The end of the token in hand, from which on another request is made.
        until: Option<Timestamp>,
    },
    /// The new token came, but could not be written to its row. It is in a spill file, from which
    /// the next command takes it.
    #[error(
        "the new token for `{account}` could not be stored in the vault: nothing is lost, it is kept \
         sealed in `{}` on this machine",
        printable(&kept_in.to_string_lossy())
    )]
    Spilled {
        account: Account,
        /// The directory with the spill file.
        kept_in: PathBuf,
        source: Box<Error>,
    },
    /// The new token came and could not be stored anywhere.
    #[error("the new token for `{account}` could not be stored")]
    Lost { account: Account, source: Box<Error> },

    /// Another process is logging in for the same credential, or for one that may get its name: whose
    /// it is shows at the end.
    #[error("another login to `{provider}` {} under way", which_login(*names_user))]
    LoginUnderWay { provider: String, names_user: bool },

    /// The key slots were not changed.
    #[error(transparent)]
    Slots(#[from] SlotError),

    /// A bundle could not be made, placed or opened.
    #[error(transparent)]
    Bundle(#[from] BundleError),

    /// The service was not asked about a token, or did not say whether it works.
    #[error(transparent)]
    Check(#[from] CheckError),

    /// The work on one of many credentials panicked.
    #[error("a bug ended what was done about `{account}`")]
    Bug { account: Account },

    /// A resource does not say what protects it.
    #[error("could not find out what protects the address")]
    Protection { provider: ProviderName, asked: Box<Address>, source: ProtectionError },
    /// A login by address has no client: none is configured, and the server takes none that it has
    /// never seen.
    #[error(
        "`{authority}` takes no client that it has not seen before: give `--client-id`{}",
        or_document(*takes_documents)
    )]
    NoClient { authority: String, takes_documents: bool },
    /// The authorization server registered no client.
    #[error("`{provider}` has no client to log in with")]
    Registration { provider: String, source: RegistrationError },
    /// The authorization server's metadata could not be fetched.
    #[error("could not find the endpoints of `{provider}`")]
    Metadata { provider: String, source: MetadataError },
    /// The metadata of the authorization server of a login by address could not be fetched.
    #[error("could not find the endpoints of `{provider}`")]
    AddressMetadata { provider: ProviderName, asked: Box<Address>, source: MetadataError },
    /// The metadata of the authorization server of a login by address lack an endpoint.
    #[error("could not find the endpoints of `{provider}`")]
    AddressLacks { provider: ProviderName, asked: Box<Address>, source: providers::Error },
    /// The authorization server refused the code that the browser brought.
    #[error("`{authority}` did not accept the code with which the browser came back: {reason}")]
    CodeRefused { authority: String, reason: String },
    /// The authorization server refused a client that it had registered for this login.
    #[error("`{authority}` refused the client that it had registered for this login: {reason}")]
    NewClientRefused { authority: String, reason: String },
    /// The client's secret or key comes from the vault, where it is sealed for another token
    /// endpoint.
    #[error(
        "`{provider}` is now at `{endpoint}`, and the client's secret in the vault is for `{sealed}` alone: give it with `--client-secret-file` or `--client-key-file`"
    )]
    ForeignEndpoint { provider: String, endpoint: String, sealed: String },
    /// The authorization server demands something that this login does not have, in words.
    #[error("the server of `{provider}` can't be used: {demand}")]
    Unmet { provider: String, demand: String },
    /// The metadata of a login by address do not say that the server knows PKCE (RFC 7636).
    #[error(
        "the metadata of `{issuer}` do not say that it knows PKCE with S256, which keeps others from using the browser's answer"
    )]
    UnknownPkce { provider: ProviderName, issuer: String },
    /// No listener can be bound to the definition's redirect URI.
    #[error("the redirect URI of `{provider}` can't be used")]
    RedirectUri { provider: String, source: redirect_uri::Invalid },
    /// The browser's answer did not come, or failed a check.
    #[error("the browser brought no answer")]
    Listener(#[from] ListenerError),
    /// The user or the authorization server refused the login.
    #[error("the login was refused: {reason}")]
    LoginRefused { reason: String },
    /// The authorization server could not answer the login, and says that this passes.
    #[error("the authorization server could not answer the login: {reason}")]
    LoginUnanswered { reason: String },
    /// The authorization server gives no token for the resource that the login names (RFC 8707 §2).
    #[error("`{authority}` gives no token for this address: {reason}")]
    ResourceRefused { authority: String, reason: String },
    /// The ID token says that the answer is not one to this login, so nothing was stored.
    #[error("the ID token is not one for this login, so nothing was stored")]
    ForeignIdToken { source: id_token::Error },
    /// The device code expired before anybody entered it.
    #[error("the code was not entered in time")]
    CodeExpired,
    /// The authorization server gave no token at the end of a login.
    #[error("the login was not completed")]
    NotRedeemed { source: TokenError },
    /// The provider did not say who logged in, and the caller named no user.
    #[error("`{provider}` does not say who logged in")]
    NoUser { provider: String },

    /// An import failed, and stored nothing.
    #[error(transparent)]
    Import(#[from] ImportError),

    /// The grant can't be revoked by this client, and no later try changes that; the credential was
    /// kept.
    #[error(
        "`{account}` can't be revoked, now or later: its client has no secret, and its provider wants one"
    )]
    NeverRevocable { account: Account, source: TokenError },
    /// The grant could not be revoked; the credential was kept.
    #[error("could not revoke the grant of `{account}`, so it was kept")]
    NotRevoked { account: Account, source: TokenError },
    /// The grant was revoked, and the client that was registered for it could not be unregistered. The
    /// credential is kept without a token that works, and another deletion tries again.
    #[error(
        "`{account}` was revoked at the provider, but its client could not be unregistered, so what unregisters it was kept"
    )]
    RevokedNotUnregistered { account: Account, source: TokenError },
    /// The grant was revoked, and the credential could not be deleted.
    #[error("`{account}` was revoked at the provider, and could not be deleted here")]
    RevokedNotForgotten { account: Account, source: StoreError },
}

/// Returns the other way to have a client, where the server takes those with a metadata document.
fn or_document(takes_documents: bool) -> &'static str {
    if takes_documents { ", or set `client_id_metadata_url` in config.toml" } else { "" }
}

/// Returns in words what is known of a login that keeps another one away.
fn which_login(names_user: bool) -> &'static str {
    if names_user { "for the same credential is" } else { "that may get the same name is" }
}

/// Returns the word for a secret that opens a slot of this kind.
fn secret(kind: SlotKind) -> &'static str {
    match kind {
        SlotKind::Keychain => "secret of the keychain",
        SlotKind::Passphrase => "passphrase",
        SlotKind::Key => "key",
        SlotKind::Recovery => "recovery code",
    }
}

/// The reason why it is not known whether a token works. The stored credential was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// Neither the credential nor the provider's definition says how to ask the service.
    #[error("nothing says how to ask whether `{account}` works")]
    NoRequest { account: Account },
    /// The token is for a service that can't be asked, and the one that can does not know it.
    #[error("the token of `{account}` is for `{service}`, where nothing says whether it works")]
    OtherService { account: Account, service: String },
    /// Today's definition would send the token to another origin than the sealed ones. Only a new
    /// login changes those.
    #[error(
        "`{address}` is not where the login of `{account}` goes, so its token is not sent there"
    )]
    Elsewhere { account: Account, address: Address },
    /// The service did not say whether the token works: trying later may help.
    #[error("could not find out whether `{account}` works")]
    NoVerdict { account: Account, source: ResourceError },
    /// The service asked for no more requests until this time (`Retry-After`).
    #[error("the service that is asked about `{account}` wants no more requests until {until}")]
    Paused { account: Account, until: Timestamp },
}

/// The time of the next request, after one that brought no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextTry {
    /// The next command that wants a new token sends one, after the pause that the server asked for.
    NextCommand,
    /// The refresh token may be spent, and a second use could end the grant: no request is sent
    /// before the token in hand ends, `at` that time if it is known.
    EndOfToken { at: Option<Timestamp> },
}

/// The reason why only a person can get a new token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginReason {
    /// The provider refused to renew the grant.
    Refused,
    /// The token has expired, and nothing renews it.
    Ended,
    /// The token may still work, but nothing can renew it.
    NotRefreshable,
    /// The token was made at the service, and has expired.
    StaticEnded,
}

impl LoginReason {
    /// Returns what a person has to bring.
    fn needed(self) -> &'static str {
        match self {
            Self::Refused | Self::Ended | Self::NotRefreshable => "login",
            Self::StaticEnded => "token",
        }
    }
}

impl std::fmt::Display for LoginReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Refused => "the provider no longer renews the grant",
            Self::Ended => "its token has expired, and nothing renews it",
            Self::NotRefreshable => "nothing renews its token",
            Self::StaticEnded => "the one that was stored has expired",
        })
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NoSuchSlot { kind, slots } => Self::NoSuchSlot { kind, slots },
            store::Error::WrongSecret { kind, slots } => Self::WrongSecret { kind, slots },
            store::Error::Keychain { source, slots } => Self::Keychain { source, slots },
            store::Error::TamperedSlot { id } => Self::TamperedSlot { id },
            other => Self::Store(other),
        }
    }
}

impl From<Box<StillLocked>> for Error {
    fn from(locked: Box<StillLocked>) -> Self {
        locked.error.into()
    }
}

impl From<getrandom::Error> for Error {
    fn from(error: getrandom::Error) -> Self {
        store::Error::from(error).into()
    }
}

impl Error {
    /// Returns whether a refresh was tried and brought no token, or none that could be stored.
    pub(crate) fn is_of_a_failed_refresh(&self) -> bool {
        matches!(
            self,
            Self::NotRefreshed { .. }
                | Self::NotRefreshedBefore { .. }
                | Self::Spilled { .. }
                | Self::Lost { .. }
        )
    }

    /// Returns whether the authorization server refused the client in the standard's own word, so
    /// that it did nothing with the grant.
    pub(crate) fn is_invalid_client(&self) -> bool {
        if let Self::NotRefreshed { source, .. } = self {
            return source.is_invalid_client();
        }
        if let Self::NotRefreshedBefore { last, .. } = self {
            return last.error.as_deref() == Some(token_error::INVALID_CLIENT);
        }
        false
    }

    /// Returns why a login needs another client than the one that was registered before; `None` if
    /// another one would not help.
    pub(crate) fn calls_for_new_client(&self) -> Option<&'static str> {
        let is_unknown = match self {
            Self::NotRedeemed { source } => {
                source.code().is_some_and(|code| UNKNOWN_CLIENT.contains(&code))
            }
            Self::LoginRefused { reason } => {
                let code = reason.split(',').next().unwrap_or_default();
                UNKNOWN_CLIENT.contains(&code)
            }
            Self::Listener(ListenerError::PortTaken { .. }) => {
                return Some("the port of its client is taken");
            }
            _ => false,
        };
        is_unknown.then_some("the provider does not know its client any more")
    }

    /// Returns whether another client than the one that was registered before may help: one that is
    /// registered for the scopes, or one that the server knows, in place of a page that says it does not.
    pub(crate) fn may_want_new_client(&self) -> bool {
        if let Self::NotRedeemed { source } = self {
            return source.code() == Some(INVALID_SCOPE);
        }
        if let Self::LoginRefused { reason } = self {
            return reason.split(',').next() == Some(INVALID_SCOPE);
        }
        matches!(self, Self::Listener(ListenerError::TimedOut))
    }

    /// Returns whether the authorization server refused the client's id or secret.
    pub(crate) fn is_about_the_client(&self) -> bool {
        if let Self::NotRefreshed { source, .. } = self {
            return source.is_about_the_client();
        }
        if let Self::NotRefreshedBefore { last, .. } = self {
            return last.error.as_deref().is_some_and(token_error::is_about_the_client);
        }
        false
    }
}

/// Returns who has what was handed over, in words.
/// What is moved to a vault may be a copy that came from there and never was in use here.
fn not_here(account: &Account, to: Option<&Destination>, by: Option<&str>) -> String {
    match (to, by) {
        (Some(to), by) => {
            format!("`{account}` may be used only in {}", to.place.seen_from_here(by))
        }
        (None, Some(by)) => format!("`{by}` handed `{account}` over to another machine"),
        (None, None) => format!("`{account}` was handed over to another machine"),
    }
}

fn by_whom(holder: Option<&str>) -> String {
    holder.map(|holder| format!(" by `{}`", printable(holder))).unwrap_or_default()
}

fn because(last: &Attempt) -> String {
    last.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default()
}

fn seconds(duration: SignedDuration) -> String {
    format!("{} s", duration.as_secs())
}
