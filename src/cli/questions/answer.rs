//! Answers that may be taken back.

/// An answer to a question that may be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer<T> {
    Given(T),
    /// Esc: the person wants the question before this one.
    Back,
}

impl<T> Answer<T> {
    /// Returns the answer as `change` makes it.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Self::Given(answer) => Answer::Given(change(answer)),
            Self::Back => Answer::Back,
        }
    }
}
