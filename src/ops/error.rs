//! Why an operation did not do what was asked.

use jiff::{SignedDuration, Timestamp};

use crate::model::account::{self, Account};
use crate::model::address::Address;
use crate::model::attempt::Attempt;
pub(crate) use crate::oauth::http::Fault;
pub(crate) use crate::oauth::listener::Error as ListenerError;
pub(crate) use crate::oauth::metadata::Error as MetadataError;
pub(crate) use crate::oauth::protected_resource::{Error as ResourceError, NoVerdict};
pub(crate) use crate::oauth::token_error::Error as TokenError;
use crate::oauth::{redirect_uri, token_error};
pub(crate) use crate::store::Error as StoreError;
use crate::store::{Damage, StillLocked};
pub(crate) use crate::vault::bundle::{Error as BundleClosed, Malformed as BundleMalformed};
pub(crate) use crate::vault::keychain::Error as KeychainError;
use crate::vault::slot::{SlotId, SlotKind};
use crate::{private_file, providers, store};

/// Why an operation did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Store(store::Error),
    #[error(transparent)]
    Provider(#[from] providers::Error),

    /// The vault has no slot of the kind whose secret was given.
    #[error("this vault has no `{kind}` key slot")]
    NoSuchSlot { kind: SlotKind, slots: Vec<SlotKind> },
    /// The secret that was given opens none of the slots of its kind.
    #[error("the given secret opens no `{kind}` key slot of this vault")]
    WrongSecret { kind: SlotKind, slots: Vec<SlotKind> },
    /// The keychain did not give the secret.
    #[error("the keychain did not give the vault's key")]
    Keychain { source: KeychainError, slots: Vec<SlotKind> },
    /// Somebody edited a key slot.
    #[error("the key slot {id} is damaged or was tampered with")]
    TamperedSlot { id: SlotId },

    /// The use of a credential could not be written into the audit, which is required.
    #[error("the use of the credential could not be recorded, as the configuration requires")]
    Unrecorded { source: store::Error },

    /// There is no credential for the account.
    #[error("there is no credential for `{account}`")]
    NoCredential { account: Account },
    /// Only a person can get a new token.
    #[error("`{account}` needs a new login: {reason}")]
    LoginRequired { account: Account, reason: LoginReason },
    /// The refresh token is another machine's.
    #[error("`{account}` was handed over to another machine")]
    HandedOver {
        account: Account,
        /// Whether the bundle of a move is still in the vault: it may be this one's, and nowhere
        /// else.
        unplaced: bool,
    },
    /// No token of this provider lives as long as was asked.
    #[error("no token for `{account}` is known to live {}", seconds(*asked))]
    NeverLongEnough { account: Account, asked: SignedDuration },
    /// It would have to be refreshed, which the caller forbade.
    #[error("the token for `{account}` is due to be refreshed")]
    RefreshForbidden { account: Account },
    /// The authorization server gave no new token.
    #[error("could not refresh `{account}`")]
    NotRefreshed { account: Account, source: TokenError },
    /// Another process got no new token a moment ago, which this one need not find out again.
    #[error("could not refresh `{account}`, as another process found just now{}", because(last))]
    NotRefreshedBefore { account: Account, last: Box<Attempt> },
    /// The authorization server asked everybody to wait.
    #[error("could not refresh `{account}`: its provider asks to be left alone until {until}")]
    Paused { account: Account, until: Timestamp },
    /// An earlier refresh may have spent the refresh token, and this provider takes a second use
    /// for theft.
    #[error(
        "what became of a refresh of `{account}` at {since} is not known, and another could end the grant"
    )]
    Interrupted { account: Account, since: Timestamp },
    /// The new token was got, and is safe, but is not in its row yet.
    #[error(
        "the new token for `{account}` could not be stored in the vault, and lies sealed beside it"
    )]
    Spilled { account: Account, source: Box<Error> },
    /// The new token was got and could be stored nowhere.
    #[error("the new token for `{account}` could not be stored")]
    Lost { account: Account, source: Box<Error> },

    /// A person is at another login for the same credential.
    #[error("another login to `{provider}` for the same credential is under way")]
    LoginUnderWay { provider: String },

    /// The key slots were not changed.
    #[error(transparent)]
    Slots(#[from] SlotError),

    /// A bundle was not made, or not opened.
    #[error(transparent)]
    Bundle(#[from] BundleError),

    /// The service was not asked about a token, or did not answer that.
    #[error(transparent)]
    Check(#[from] CheckError),

    /// The work on one of many credentials came to an end that nobody thought of.
    #[error("a bug ended what was done about `{account}`")]
    Bug { account: Account },

    /// The server's metadata could not be had.
    #[error("could not find the endpoints of `{provider}`")]
    Metadata { provider: String, source: MetadataError },
    /// The definition's redirect URI is none that a listener can be put behind.
    #[error("the redirect URI of `{provider}` can't be used")]
    RedirectUri { provider: String, source: redirect_uri::Invalid },
    /// The browser's answer did not come, or can't be trusted.
    #[error("the browser brought no answer")]
    Listener(#[from] ListenerError),
    /// The authorization server said no in the browser.
    #[error("the login was refused: {reason}")]
    LoginRefused { reason: String },
    /// Nobody entered the device's code while it counted.
    #[error("the code was not entered in time")]
    CodeExpired,
    /// The code could not be redeemed.
    #[error("the login was not completed")]
    NotRedeemed { source: TokenError },
    /// The provider did not say whose login it is, and nobody named the user.
    #[error("`{provider}` does not say who logged in")]
    NoUser { provider: String },

    /// Nothing was taken in from elsewhere.
    #[error(transparent)]
    Import(#[from] ImportError),

    /// The grant could not be revoked; the credential was kept.
    #[error("could not revoke the grant of `{account}`, so it was kept")]
    NotRevoked { account: Account, source: TokenError },
}

/// Why nothing was taken in from elsewhere. Names places, never values.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// Two of what came in would have the same place in the vault.
    #[error("both {one} and {other} are for `{account}`")]
    Twice { account: Account, one: String, other: String },
    /// A record is for no provider, and nobody named one.
    #[error("{origin} does not say of which service it is")]
    NoProvider { origin: String },
    /// One provider was named for credentials of several.
    #[error("there are credentials of several services in it")]
    SeveralProviders,
    /// One user was named for credentials of several.
    #[error("the {count} in it have users of their own")]
    OwnUsers { count: usize },
    /// A record has no user, and nobody named one.
    #[error("{origin} does not say whose it is")]
    NoOwner { origin: String },
    /// The user has a name that can't be kept.
    #[error("{origin}: {why}")]
    UserName { origin: String, why: account::Error },
    /// What stands there does not fit the provider that it is for.
    #[error("{origin} can't come in: {reason}")]
    Unfit { origin: String, reason: Reason },
}

/// What does not fit the provider.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error(transparent)]
    Provider(providers::Error),
    /// A name that Basic authentication can't carry (RFC 7617 §2).
    #[error("a name for Basic authentication can't hold a colon or a control character")]
    UserName,
    /// The service takes tokens with a name, and there is none.
    #[error("the service takes a token with a name, and it has none")]
    NoUserName,
}

/// Why key slots and data key stayed as they were.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SlotError {
    /// The vault has no such slot: `tokctl key list` shows those it has.
    #[error("this vault has no key slot {id}")]
    Unknown { id: SlotId },
    /// Nothing would open the vault any more.
    #[error("without the key slot {id} nothing would open this vault")]
    Last { id: SlotId },
    /// Another process changed them after they were looked at: trying again helps.
    #[error("the key slots were changed meanwhile")]
    Changed,
    /// These would be lost, so nothing was rotated: each has to be restored or deleted first.
    #[error("{} that the vault's key does not open, so nothing was rotated", damaged(.0))]
    Damaged(Damage),
    /// The keychain did not keep a new secret: nothing depends on it.
    #[error("the keychain did not take a new secret, so nothing was changed")]
    NotKept(#[source] KeychainError),
}

fn damaged(damage: &Damage) -> String {
    match damage.accounts.len() + damage.nameless {
        1 => "there is 1 credential".into(),
        many => format!("there are {many} credentials"),
    }
}

/// Why credentials did not leave in a bundle, or did not come in with one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
    /// Nothing of it would work elsewhere: only moved it can be renewed there.
    #[error("the token of `{account}` has ended, and what renews it is for one machine at a time")]
    NothingTravels { account: Account },
    /// Of an earlier hand-over the bundle may not be in place, and is kept: it comes first.
    #[error("the bundle of an earlier move is not known to be in place")]
    Unplaced,
    /// No bundle waits to be put in place.
    #[error("no move was interrupted")]
    NothingUnplaced,
    /// No tokctl would read it again. Nothing left this machine.
    #[error("the bundle would be too large for any tokctl to take in")]
    TooLarge,
    /// Nothing left this machine.
    #[error("the bundle could not be made")]
    NotMade { source: private_file::Error },
    /// Its credentials were handed over, and the bundle is kept.
    #[error("the bundle could not be put in place, and is kept in the vault")]
    NotPlaced { source: private_file::Error },
    /// The text is no bundle, or not all of it.
    #[error("it can't be read as a bundle")]
    Malformed(#[from] BundleMalformed),
    /// It did not open.
    #[error("the bundle can't be opened")]
    Closed(#[from] BundleClosed),
    /// This vault took it in before.
    #[error("this vault took the bundle in at {at}, and a bundle opens once")]
    Opened { at: Timestamp },
    /// A bundle comes in whole, since it opens once; and this is in the way.
    #[error(
        "there is another credential for `{account}`, and a bundle comes in whole or not at all"
    )]
    InTheWay { account: Account },
    /// The same, and it would be a loss.
    #[error("`{account}` can be renewed here and not from the bundle, so it stays")]
    Newer { account: Account },
}

/// Why it is not known whether a token works. The stored credential is as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// Nothing says how the service is asked: the definition can.
    #[error("nothing says how to ask whether `{account}` works")]
    NoRequest { account: Account },
    /// The configuration would have the token sent elsewhere than the login said; only another
    /// login changes that.
    #[error(
        "`{address}` is not where the login of `{account}` goes, so its token is not sent there"
    )]
    Elsewhere { account: Account, address: Address },
    /// The service did not say whether the token works: trying later may help.
    #[error("could not find out whether `{account}` works")]
    NoVerdict { account: Account, source: ResourceError },
    /// The service said so when it was asked before.
    #[error("the service that is asked about `{account}` wants no more requests until {until}")]
    Paused { account: Account, until: Timestamp },
}

/// Why only a person can get a new token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginReason {
    /// The provider refused to renew it.
    Refused,
    /// It ended, and nothing renews it.
    Ended,
    /// It works still, but nothing can renew it before its end.
    NotRefreshable,
}

impl std::fmt::Display for LoginReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Refused => "the provider no longer renews the grant",
            Self::Ended => "its token has expired, and nothing renews it",
            Self::NotRefreshable => "nothing renews its token",
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
    /// Whether a refresh was tried and brought no token, or none that could be stored.
    pub(crate) fn is_of_a_failed_refresh(&self) -> bool {
        matches!(
            self,
            Self::NotRefreshed { .. }
                | Self::NotRefreshedBefore { .. }
                | Self::Spilled { .. }
                | Self::Lost { .. }
        )
    }

    /// Whether the authorization server refused the client's id or secret.
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

fn because(last: &Attempt) -> String {
    last.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default()
}

fn seconds(duration: SignedDuration) -> String {
    format!("{} s", duration.as_secs())
}
