//! The health of a credential: whether it can be renewed, and when a change of that is news.

/// The health of a credential, as its last refresh showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CredentialHealth {
    /// It is renewed when it is due.
    Good,
    /// It was not renewed; the next try may succeed.
    RefreshFailed,
    /// Only a person can help.
    LoginRequired,
}

impl CredentialHealth {
    /// The health to tell of when this is a credential's now, and `told` is the one that was told
    /// of last. Each change for the worse is told once.
    pub(crate) fn news(self, told: Self) -> Option<Self> {
        match (self, told) {
            (Self::RefreshFailed, Self::Good) => Some(Self::RefreshFailed),
            (Self::LoginRequired, Self::Good | Self::RefreshFailed) => Some(Self::LoginRequired),
            // A fault on the way to a provider that has refused the grant already.
            (Self::RefreshFailed, Self::RefreshFailed | Self::LoginRequired)
            | (Self::LoginRequired, Self::LoginRequired)
            | (Self::Good, _) => None,
        }
    }

    /// The health that counts as told of from then on.
    pub(crate) fn told_after(self, told: Self) -> Self {
        match self {
            Self::Good => Self::Good,
            Self::RefreshFailed | Self::LoginRequired => self.news(told).unwrap_or(told),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CredentialHealth::{Good, LoginRequired, RefreshFailed};

    #[test]
    fn each_change_for_the_worse_is_told_once() {
        let mut told = Good;
        for (now, news) in [
            (Good, None),
            (RefreshFailed, Some(RefreshFailed)),
            (RefreshFailed, None),
            (LoginRequired, Some(LoginRequired)),
            (LoginRequired, None),
            (RefreshFailed, None),
            (LoginRequired, None),
            (Good, None),
            (LoginRequired, Some(LoginRequired)),
            (Good, None),
            (RefreshFailed, Some(RefreshFailed)),
        ] {
            assert_eq!(now.news(told), news, "{now:?} after {told:?} was told");
            told = now.told_after(told);
        }
    }
}
