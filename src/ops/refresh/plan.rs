//! The description of one refresh: the credential, the reason, and today's rules.

use jiff::Timestamp;

use crate::model::account::Account;
use crate::model::client_authentication::ClientProofs;
use crate::model::client_certificate::ClientCertificate;
use crate::model::credential::{Credential, OAuthGrant};
use crate::model::readiness::{Need, Readiness, readiness};
use crate::ops::clock::Clock;
use crate::ops::error::Error;
use crate::ops::identity::Surroundings;
use crate::ops::live_token::{LiveToken, Warning};
use crate::providers::RenewalRules;
use crate::store::OpenVault;

/// The reason why a token is renewed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trigger {
    /// The stored token is not good enough for this need.
    Need(Need),
    /// A user asked for a new token, due or not.
    Explicit,
}

/// The part of today's configuration that a refresh uses. The endpoints and the client's id are not
/// in it: those are sealed with the credential.
#[derive(Debug, Clone, Default)]
pub(crate) struct Today {
    pub(crate) renewal: RenewalRules,
    /// The client's secret or key to use in place of the sealed one, and to seal if it works.
    pub(crate) client_proofs: Option<ClientProofs>,
    /// Whether the sealed certificate is shown although today's definition names another.
    pub(crate) keeps_certificate: bool,
}

/// One refresh of one credential, with all that it needs. [`Self::run`] carries it out.
pub(crate) struct Refresh<'a> {
    pub(crate) vault: &'a OpenVault,
    pub(crate) account: &'a Account,
    pub(crate) trigger: Trigger,
    pub(crate) today: &'a Today,
    pub(crate) clock: Clock,
    /// The machine's environment and programs, from which the identity token of a workload comes.
    pub(crate) around: &'a dyn Surroundings,
    /// Returns the certificate that today's definition names for the client of a credential, where it
    /// is another than the sealed one. May ask the server for its metadata.
    pub(crate) new_certificate: &'a dyn Fn(&Credential) -> Option<ClientCertificate>,
}

impl Refresh<'_> {
    /// Returns the present time, by the clock that the vault is judged by.
    pub(super) fn now(&self) -> Timestamp {
        self.vault.now((self.clock)())
    }

    /// Returns the stored token of `credential` with `error` as a warning, if the caller accepts
    /// that token. Else fails with `error`.
    pub(super) fn fall_back(
        &self,
        error: Error,
        credential: &Credential,
    ) -> Result<LiveToken, Error> {
        if self.trigger.accepts(credential, self.now()) {
            let warning = Some(Warning::of(error));
            return Ok(LiveToken { credential: credential.clone(), refreshed: false, warning });
        }
        Err(error)
    }

    /// Returns the `sealed` grant with the certificate that today's definition names for its client;
    /// `None` if that is the sealed one, or is not to be shown.
    ///
    /// The address, the client's id and the certificates that are trusted stay the sealed ones, so no
    /// edit of a file sends the grant elsewhere; and a handshake shows nobody the key.
    pub(super) fn with_new_certificate(
        &self,
        credential: &Credential,
        sealed: &OAuthGrant,
    ) -> Option<OAuthGrant> {
        if self.today.keeps_certificate {
            return None;
        }
        let certificate = (self.new_certificate)(credential)?;
        let mut grant = sealed.clone();
        grant.client.certificate = Some(certificate);
        Some(grant)
    }
}

impl Trigger {
    /// Returns whether the caller accepts the stored token if it can't be renewed.
    pub(super) fn accepts(self, credential: &Credential, now: Timestamp) -> bool {
        match self {
            Self::Explicit => false,
            Self::Need(need) => matches!(
                readiness(credential, need, now),
                Readiness::Good | Readiness::Fading | Readiness::Due { fallback: true }
            ),
        }
    }
}
