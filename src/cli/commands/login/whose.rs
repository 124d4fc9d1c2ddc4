//! The user that a login is for: as it was asked for, and as it turns out.

use crate::cli::context::Context;
use crate::cli::directory;
use crate::cli::error::CliError;
use crate::model::account::{ProviderName, UserName};

/// The user for whom a login is asked for, before it is known who logs in.
#[derive(Debug, Clone)]
pub(super) enum Whose {
    /// A user that was typed, or that `TOKCTL_USER` names.
    Named(UserName),
    /// The user of the directory, or `default_user`: a guess, which yields to who logs in.
    Usual(UserName),
    /// Whoever logs in.
    Anybody,
    /// Whoever logs in; a service that does not say who that is gets this name.
    AnybodyOr(UserName),
}

impl Whose {
    /// Returns the user of a login for which `typed` was typed, at the service that was `named`.
    pub(super) fn of(
        context: &Context,
        typed: Option<&UserName>,
        named: Option<&ProviderName>,
    ) -> Result<Self, CliError> {
        if let Some(user) = typed.cloned().or(context.default_user()?) {
            return Ok(Self::Named(user));
        }
        if let Some(provider) = named
            && let Some(one) = directory::user_of(context, provider)?
        {
            return Ok(Self::Usual(one.user));
        }
        Ok(context.config()?.default_user.clone().map_or(Self::Anybody, Self::Usual))
    }

    /// Returns the name under which the login is to be kept, as far as it is known beforehand.
    pub(super) fn user(&self) -> Option<&UserName> {
        match self {
            Self::Named(user) | Self::Usual(user) => Some(user),
            Self::Anybody | Self::AnybodyOr(_) => None,
        }
    }

    /// Returns that name, for a login in which no person says who they are.
    pub(super) fn into_user(self) -> Option<UserName> {
        match self {
            Self::Named(user) | Self::Usual(user) => Some(user),
            Self::Anybody | Self::AnybodyOr(_) => None,
        }
    }

    /// Returns this with a name for whom the service does not name.
    pub(super) fn or_called(self, user: UserName) -> Self {
        match self {
            Self::Anybody => Self::AnybodyOr(user),
            whose @ (Self::Named(_) | Self::Usual(_) | Self::AnybodyOr(_)) => whose,
        }
    }

    /// Returns whether the service has to say who logs in.
    pub(super) fn needs_identity(&self) -> bool {
        match self {
            Self::Anybody => true,
            Self::Named(_) | Self::Usual(_) | Self::AnybodyOr(_) => false,
        }
    }

    /// Returns the name for a login of which the service does not say whose it is.
    pub(super) fn fallback(&self) -> Option<UserName> {
        match self {
            Self::AnybodyOr(user) => Some(user.clone()),
            Self::Named(_) | Self::Usual(_) | Self::Anybody => None,
        }
    }

    /// Returns this, or the user that a person answered with.
    pub(super) fn or_answer(self, answer: Option<&UserName>) -> Self {
        match (self, answer) {
            (Self::Anybody, Some(user)) => Self::Named(user.clone()),
            (whose, _) => whose,
        }
    }
}

/// Returns whether `identity`, who logged in, is another person than the one for whom `user` is
/// kept. `owner` is the name of that person at the service, where it is known.
pub(super) fn is_another(user: &UserName, owner: Option<&str>, identity: &UserName) -> bool {
    let identity = identity.as_str();
    if let Some(owner) = owner {
        return !owner.eq_ignore_ascii_case(identity);
    }
    let user = user.as_str();
    user.contains('@') && identity.contains('@') && !user.eq_ignore_ascii_case(identity)
}
