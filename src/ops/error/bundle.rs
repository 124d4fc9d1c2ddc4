//! The errors of an export and of an import of a bundle.

use jiff::Timestamp;

use crate::model::account::Account;
use crate::model::destination::Destination;
use crate::private_file;
use crate::store;
use crate::vault::bundle::LONGEST;
pub(crate) use crate::vault::bundle::{Error as BundleClosed, Malformed as BundleMalformed};

/// The reason why credentials were not exported in a bundle, or not imported from one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
    /// A copy would not work elsewhere: its token has expired, and its refresh token rotates, so
    /// only one machine can hold it. Moving the credential helps.
    #[error("the token of `{account}` has ended, and what renews it is for one machine at a time")]
    NothingTravels { account: Account },
    /// The grant is renewed by the identity of a job or workload, which another machine has its own
    /// of: what runs here for it is not to run elsewhere because a bundle says so.
    #[error("`{account}` is renewed by the identity of this machine, which does not travel")]
    StaysHere { account: Account },
    /// The bundle of an earlier move may not have reached its target file, and is kept in the vault.
    /// It has to be placed first.
    #[error("the bundle of an earlier move is not known to be in place")]
    Unplaced,
    /// An earlier move from this vault into another one was interrupted. That one may have taken the
    /// credentials in already, so nothing else may get them.
    #[error("a move into {} was interrupted, and what it handed over waits to go on there", to.place)]
    UnderWay { to: Box<Destination> },
    /// The vault keeps no bundle that waits to be placed.
    #[error("no move was interrupted")]
    NothingUnplaced,
    /// The bundle is longer than tokctl reads. Nothing was moved.
    #[error("a bundle holds {} MB, and this one would be larger", LONGEST / (1024 * 1024))]
    TooLarge,
    /// The bundle's file could not be created. Nothing was moved.
    #[error("the bundle could not be made")]
    NotMade { source: private_file::Error },
    /// The credentials were handed over, but the bundle's file could not be written. The bundle is
    /// kept in the vault.
    #[error("the bundle could not be put in place, and is kept in the vault")]
    NotPlaced { source: private_file::Error },
    /// The credentials were handed over, but the other vault did not take them in. The first vault
    /// keeps them in a bundle.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    #[error("what was handed over is kept, until the other vault takes it in")]
    NotArrived { source: Box<store::Error> },
    /// The text is not a bundle, or not a complete one.
    #[error("it can't be read as a bundle")]
    Malformed(#[from] BundleMalformed),
    /// The given secret does not open the bundle.
    #[error("the bundle can't be opened")]
    Closed(#[from] BundleClosed),
    /// The bundle was imported into this vault before.
    #[error("this vault took the bundle in at {at}, and a bundle opens once")]
    Opened { at: Timestamp },
    /// The vault has another credential for an account of the bundle. A bundle can be imported only
    /// once, so it is imported completely or not at all.
    #[error(
        "there is another credential for `{account}`, and a bundle comes in whole or not at all"
    )]
    InTheWay { account: Account },
    /// The vault's credential can be renewed and the bundle's can't, so it is not replaced, even if
    /// the user allows replacing.
    #[error("`{account}` can be renewed here and not from the bundle, so it stays")]
    Newer { account: Account },
}
