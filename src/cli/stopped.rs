//! The two reasons for which rows that are printed while they are read come to an end.

use crate::ops::error::StoreError;

/// The reason why reading or printing stopped.
pub(crate) enum Stopped<E> {
    Reading(StoreError),
    Printing(E),
}

impl<E> From<StoreError> for Stopped<E> {
    fn from(error: StoreError) -> Self {
        Self::Reading(error)
    }
}
