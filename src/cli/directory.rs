//! The user that the current directory chooses for a service that was named.

use std::path::PathBuf;

use super::context::Context;
use super::error::{CliError, Kind};
use crate::config::directories::{DirectoryUser, Kept, Source};
use crate::model::account::ProviderName;
use crate::paths;

/// Returns the user of `provider` that the directory chooses, with the reason.
///
/// A project's file that was not allowed is told and does not count.
pub(crate) fn user_of(
    context: &Context,
    provider: &ProviderName,
) -> Result<Option<DirectoryUser>, CliError> {
    // Neither a lost directory nor a missing home may stop a command that works without them.
    let (Ok(directory), Ok(place)) = (current_directory(), place_of_kept(context)) else {
        return Ok(None);
    };
    for one in Kept::load(&place)?.users(&directory) {
        if one.provider != *provider {
            continue;
        }
        match &one.source {
            Source::Kept(_) | Source::Project(_) => return Ok(Some(one)),
            Source::NotAllowed(file) => context.ui.warning(&format!(
                "`{}` names `{}/{}` and does not count before `tokctl use --allow`",
                file.display(),
                one.provider,
                one.user
            )),
        }
    }
    Ok(None)
}

/// Returns a sentence that says why the directory chose this user.
pub(crate) fn reason(one: &DirectoryUser) -> String {
    match &one.source {
        Source::Kept(path) => {
            format!("`{}` was chosen with `tokctl use` in `{}`", one.user, path.display())
        }
        Source::Project(path) | Source::NotAllowed(path) => {
            format!("`{}` is named by `{}`", one.user, path.display())
        }
    }
}

/// Returns the current directory, without symbolic links.
pub(crate) fn current_directory() -> Result<PathBuf, CliError> {
    std::env::current_dir().map_err(|error| {
        CliError::new(Kind::Failed, "the current directory can't be found out").caused_by(&error)
    })
}

/// Returns the path of the file in which `tokctl use` keeps users.
pub(crate) fn place_of_kept(context: &Context) -> Result<PathBuf, CliError> {
    paths::directories(|name| context.environment.get(name)).ok_or_else(|| {
        CliError::new(Kind::Usage, "neither HOME nor XDG_STATE_HOME says where to keep that")
            .hint("set HOME")
    })
}
