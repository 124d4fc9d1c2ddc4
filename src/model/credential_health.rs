//! The health of a credential, and the rule for when a change of it is reported.

/// The health of a credential, as its last refresh showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum CredentialHealth {
    /// The credential is renewed when it is due.
    #[default]
    Good,
    /// The last refresh failed; the next one may succeed.
    RefreshFailed,
    /// Only a person can help.
    LoginRequired,
}

impl CredentialHealth {
    /// Returns the health to report now, if it is worse than `last_reported`. Each change for the
    /// worse is reported once.
    pub(crate) fn worsening_since(self, last_reported: Self) -> Option<Self> {
        match (self, last_reported) {
            (Self::RefreshFailed, Self::Good) => Some(Self::RefreshFailed),
            (Self::LoginRequired, Self::Good | Self::RefreshFailed) => Some(Self::LoginRequired),
            // A failed request to a provider that has already refused the grant is no news.
            (Self::RefreshFailed, Self::RefreshFailed | Self::LoginRequired)
            | (Self::LoginRequired, Self::LoginRequired)
            | (Self::Good, _) => None,
        }
    }

    /// Returns the health that counts as reported from now on.
    pub(crate) fn reported_after(self, last_reported: Self) -> Self {
        match self {
            Self::Good => Self::Good,
            Self::RefreshFailed | Self::LoginRequired => {
                self.worsening_since(last_reported).unwrap_or(last_reported)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CredentialHealth::{Good, LoginRequired, RefreshFailed};

    #[test]
    fn each_change_for_the_worse_is_told_once() {
        let mut last_reported = Good;
        for (now, report) in [
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
            assert_eq!(
                now.worsening_since(last_reported),
                report,
                "{now:?} after {last_reported:?} was reported"
            );
            last_reported = now.reported_after(last_reported);
        }
    }
}
