//! The credential that a command is about, where the command line names only a part of it.

use super::context::Context;
use super::error::{CliError, Kind};
use super::typed::user_flag;
use crate::model::account::{Account, ProviderName, UserName};
use crate::ops::{self, Vault, providers};

/// How a command names a credential.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Choice {
    /// The service, such as `jira`
    #[arg(value_name = "PROVIDER")]
    pub(crate) provider: Option<ProviderName>,

    /// The user of the service [env: TOKCTL_USER]
    #[arg(long, short, value_name = "USER")]
    pub(crate) user: Option<UserName>,
}

impl Choice {
    /// Returns the account if the command line names both provider and user.
    ///
    /// The caller finds out whether such a credential exists: looking twice would slow down `get`.
    pub(crate) fn account(&self) -> Option<Account> {
        let (provider, user) = (self.provider.clone()?, self.user.clone()?);
        Some(Account { provider, user })
    }

    /// Returns the one account that the command line means.
    ///
    /// A missing part comes from `TOKCTL_USER`; then from the stored credentials, if only one
    /// matches; then from `default_user` in the configuration; then from a question at the
    /// terminal. Fails when no credential matches, or several match and no question is possible.
    pub(crate) fn resolve(
        &self,
        context: &Context,
        vault: &Vault,
        verb: &str,
    ) -> Result<Account, CliError> {
        let provider = self.provider.as_ref();
        let user = match &self.user {
            Some(user) => Some(user.clone()),
            None => context.default_user()?,
        };
        let matches = vault.accounts(provider, user.as_ref())?;
        match &matches[..] {
            [] => Err(no_match(context, provider, user.as_ref())),
            [account] => Ok(account.clone()),
            [first, ..] => {
                let defaults: Vec<&Account> = match (&user, &context.config()?.default_user) {
                    (None, Some(default)) => {
                        matches.iter().filter(|account| account.user == *default).collect()
                    }
                    (_, _) => Vec::new(),
                };
                if let [account] = defaults[..] {
                    return Ok(account.clone());
                }
                let shown: Vec<String> = matches.iter().map(ToString::to_string).collect();
                let command =
                    format!("tokctl {verb} {} {}", first.provider, user_flag(first.user.as_str()));
                if !context.ui.can_ask() {
                    let message = format!("which one of {}?", shown.join(", "));
                    return Err(CliError::new(Kind::Usage, message).hint(command));
                }
                let chosen = context.ui.choose("which one", &shown, &command)?;
                Ok(matches[chosen].clone())
            }
        }
    }
}

/// Returns the error for a choice that matches no credential.
pub(crate) fn no_match(
    context: &Context,
    provider: Option<&ProviderName>,
    user: Option<&UserName>,
) -> CliError {
    let Some(provider) = provider else {
        let message = match user {
            Some(user) => format!("there is no credential for `{user}`"),
            None => "there are no credentials yet".into(),
        };
        let hint = match user {
            Some(user) => format!("tokctl login PROVIDER {}", user_flag(user.as_str())),
            None => "tokctl login PROVIDER --user USER".into(),
        };
        return CliError::new(Kind::NotFound, message).hint(hint);
    };
    // A mistyped provider has its own error. A mistake in the configuration is reported elsewhere.
    if let Ok(config) = context.config()
        && let Err(error @ providers::Error::Unknown { .. }) = providers::find(provider, config)
    {
        return error.into();
    }
    match user {
        Some(user) => ops::Error::NoCredential {
            account: Account { provider: provider.clone(), user: user.clone() },
        }
        .into(),
        None => CliError::new(Kind::NotFound, format!("there is no credential for `{provider}`"))
            .hint(format!("tokctl login {provider} --user USER")),
    }
}
