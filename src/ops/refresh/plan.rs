//! One refresh: of which credential, why, and by which rules.

use jiff::Timestamp;

use crate::model::account::Account;
use crate::model::credential::Credential;
use crate::model::readiness::{Need, Readiness, readiness};
use crate::ops::clock::Clock;
use crate::ops::error::Error;
use crate::ops::live_token::{LiveToken, Warning};
use crate::providers::RenewalRules;
use crate::secret::ClientSecret;
use crate::store::OpenVault;

/// Why a token is renewed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trigger {
    /// It is not good enough for this.
    Need(Need),
    /// Somebody asked for it, due or not.
    Asked,
}

/// What today's configuration says, as far as it matters to a refresh. Where requests go is not
/// part of it: that stands under the seal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Today {
    pub(crate) renewal: RenewalRules,
    /// The client secret to use, and seal if it works, instead of the sealed one.
    pub(crate) client_secret: Option<ClientSecret>,
}

/// One refresh of one credential.
pub(crate) struct Refresh<'a> {
    pub(crate) vault: &'a OpenVault,
    pub(crate) account: &'a Account,
    pub(crate) trigger: Trigger,
    pub(crate) today: &'a Today,
    pub(crate) clock: Clock,
}

impl Refresh<'_> {
    /// The token in hand with `error` as a warning, where the caller could do with that one though
    /// it was not renewed; else `error`.
    pub(super) fn in_spite_of(
        &self,
        error: Error,
        credential: &Credential,
    ) -> Result<LiveToken, Error> {
        if self.trigger.could_do_with(credential, (self.clock)()) {
            let warning = Some(Warning::of(error));
            return Ok(LiveToken { credential: credential.clone(), refreshed: false, warning });
        }
        Err(error)
    }
}

impl Trigger {
    /// Whether the caller could do with the token as it is, though it should be renewed.
    pub(super) fn could_do_with(self, credential: &Credential, now: Timestamp) -> bool {
        match self {
            Self::Asked => false,
            Self::Need(need) => matches!(
                readiness(credential, need, now),
                Readiness::Good | Readiness::Fading | Readiness::Due { fallback: true }
            ),
        }
    }
}
