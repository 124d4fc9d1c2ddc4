//! The credentials that `tokctl list` shows, in their order.

use jiff::Timestamp;

use super::columns::Column;
use crate::cli::stopped::Stopped;
use crate::model::account::{Account, AccountFilter};
use crate::model::attempt::Attempt;
use crate::model::summary::Summary;
use crate::ops::Vault;

/// The credentials of `vault` that match `filter` and for which `wanted` is true.
pub(super) struct Selection<'a> {
    pub(super) vault: &'a Vault,
    pub(super) filter: AccountFilter<'a>,
    pub(super) wanted: &'a dyn Fn(&Summary, Option<&Attempt>) -> bool,
    /// The column by which they are sorted; `None` for the vault's own order, by provider and user.
    pub(super) sort: Option<Column>,
    pub(super) now: Timestamp,
}

/// One credential, as much of it as is in the clear.
pub(super) struct Listed {
    pub(super) summary: Summary,
    pub(super) attempt: Option<Attempt>,
    /// Whether what became of the last refresh is not known.
    pub(super) in_doubt: bool,
}

/// The result of printing: what was shown and what was not.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) count: usize,
    pub(super) first: Option<Account>,
    /// The number of rows that are too damaged to show.
    pub(super) odd: usize,
    /// Whether printing went on to the end: the reader of a pipe may have gone away.
    pub(super) whole: bool,
}

impl Selection<'_> {
    /// Calls `each` for every credential. Only one is in memory at a time, unless they are sorted.
    pub(super) fn each<E>(
        &self,
        mut each: impl FnMut(Listed) -> Result<(), Stopped<E>>,
    ) -> Result<Listing, Stopped<E>> {
        let mut listing = Listing::default();
        let mut show = |listed: Listed| {
            listing.first.get_or_insert_with(|| listed.summary.account.clone());
            each(listed)?;
            listing.count += 1;
            Ok::<_, Stopped<E>>(())
        };
        let mut sorted = Vec::new();
        let odd = self.vault.each_summary(self.filter, |summary, attempt, in_doubt| {
            if !(self.wanted)(&summary, attempt.as_ref()) {
                return Ok(());
            }
            let listed = Listed { summary, attempt, in_doubt };
            if self.sort.is_none() {
                return show(listed);
            }
            sorted.push(listed);
            Ok(())
        })?;
        if let Some(column) = self.sort {
            sorted.sort_by(|one, other| column.compare(&one.summary, &other.summary, self.now));
            sorted.into_iter().try_for_each(show)?;
        }
        Ok(Listing { odd, whole: true, ..listing })
    }
}
