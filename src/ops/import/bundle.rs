//! What comes in with a bundle from another vault.

use super::incoming::Incoming;
use crate::model::account::Account;
use crate::model::bundle::{Carried, Content, Load};
use crate::ops::error::{BundleError, Error};
use crate::vault::bundle::{Bundle, BundleSecret, Malformed};

/// What a bundle holds.
pub(crate) struct Opened {
    pub(crate) incoming: Vec<Incoming>,
    /// Whether any of it was handed over, and so has no other holder.
    pub(crate) moved: bool,
}

/// Opens a bundle and gives what is in it.
///
/// Nothing in it has another holder who would have to be stopped first: what each use replaces
/// is in a bundle only after the vault that made it has handed it over. And whoever sealed it had
/// its secret, so where it says that tokens are sent is as good as what this vault says.
pub(crate) fn open(bundle: &Bundle, secret: &BundleSecret) -> Result<Opened, Error> {
    let damaged = || BundleError::Malformed(Malformed::Damaged);
    let content = bundle.open(secret).map_err(BundleError::Closed)?;
    let content: Content = serde_json::from_slice(&content).map_err(|_| damaged())?;
    let moved = content.credentials.iter().any(|carried| carried.load == Load::Moved);
    let incoming = |carried: Carried| {
        let provider = carried.provider.parse().map_err(|_| damaged())?;
        let user = carried.user.parse().map_err(|_| damaged())?;
        let account = Account { provider, user };
        let origin = format!("`{account}` in the bundle");
        let credential = carried.credential;
        Ok(Incoming { account, credential, origin, forks: false, left_out: None })
    };
    let incoming: Result<Vec<Incoming>, Error> =
        content.credentials.into_iter().map(incoming).collect();
    Ok(Opened { incoming: incoming?, moved })
}
