//! What `vault status` shows of the leases.

use jiff::Timestamp;

use crate::model::account::Account;

/// A refresh that a member began and has not reported on.
#[derive(Debug, Clone)]
pub(crate) struct LeaseRunning {
    pub(crate) account: Account,
    /// The label of the member who began it; `None` if the name does not open.
    pub(crate) holder: Option<String>,
    pub(crate) since: Timestamp,
    /// Whether its request may still be on its way.
    pub(crate) is_running: bool,
}
