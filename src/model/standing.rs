//! How a credential stands with its provider, and when a change of that is news.

/// How a credential stands, as its last refresh showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is renewed when it is due.
    Good,
    /// It was not renewed; the next try may succeed.
    RefreshFailed,
    /// Only a person can help.
    LoginRequired,
}

impl Standing {
    /// What has to be told when this is how a credential stands now, and `told` is what was told
    /// of it last. Each change for the worse is told once.
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

    /// What has been told of a credential from then on.
    pub(crate) fn told_after(self, told: Self) -> Self {
        match self {
            Self::Good => Self::Good,
            Self::RefreshFailed | Self::LoginRequired => self.news(told).unwrap_or(told),
        }
    }

    /// The word for it, in tables and in the environment of hooks.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::RefreshFailed => "refresh_failed",
            Self::LoginRequired => "login_required",
        }
    }

    /// The standing with this word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Good, Self::RefreshFailed, Self::LoginRequired]
            .into_iter()
            .find(|standing| standing.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::Standing::{Good, LoginRequired, RefreshFailed};
    use super::*;

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

    #[test]
    fn a_standing_is_found_by_its_word() {
        for standing in [Good, RefreshFailed, LoginRequired] {
            assert_eq!(Standing::from_word(standing.word()), Some(standing));
        }
        assert_eq!(Standing::from_word("odd"), None);
    }
}
