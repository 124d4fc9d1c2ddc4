//! `tokctl use`: keeps the user of a service for a directory, and shows which user holds here.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::choice::{self, Choice};
use crate::cli::context::Context;
use crate::cli::directory::{current_directory, place_of_kept};
use crate::cli::error::{CliError, Kind};
use crate::cli::typed::quoted;
use crate::cli::vaults;
use crate::config::directories::{DirectoryUser, FILE, Kept, ProjectFile, Source};
use crate::counted::counted;
use crate::model::account::{Account, AccountFilter, ProviderName, UserName};
use crate::ops::Vault;

/// Choose whose credential is used in this directory and below it
///
/// Where a command names a service without a user, such as `tokctl get jira`, this fills the user
/// in. It never chooses the service, and counts neither for `delete` nor for git. The order:
/// --user, TOKCTL_USER, the directory, `default_user` in config.toml. Without arguments: what holds
/// here, and why.
///
/// A project may bring a `.tokctl.toml` with a user for each service, such as
/// `jira = "alice@example.com"`, and nothing else. It counts only after `--allow` in its directory or
/// below it, until its content changes: a project that was cloned must not choose whose token is
/// sent.
#[derive(Debug, clap::Args)]
#[command(
    name = "use",
    after_help = "\
Examples:
  tokctl use jira/alice@example.com
  tokctl use
  tokctl use --allow
  tokctl use --unset jira"
)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,

    /// Let the `.tokctl.toml` that is nearest count, as it is now
    #[arg(long, conflicts_with_all = ["provider", "user"])]
    allow: bool,

    /// Take back what --allow did
    #[arg(long, conflicts_with_all = ["provider", "user", "allow", "unset"])]
    deny: bool,

    /// Forget the user of this service in this directory, or of all services
    #[arg(long, conflicts_with_all = ["user", "allow"])]
    unset: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let directory = current_directory()?;
    let place = place_of_kept(context)?;
    let mut kept = Kept::load(&place)?;
    if args.allow || args.deny {
        return allow(context, &mut kept, &place, &directory, args.allow);
    }
    if args.unset {
        let choice = match &args.choice.address {
            Some(_) => args.choice.located(&Vault::open_read_only(context.vault()?)?)?,
            None => args.choice.clone(),
        };
        return unset(context, &mut kept, &place, &directory, choice.provider.as_ref());
    }
    if args.choice.provider.is_none() && args.choice.user.is_none() && args.choice.address.is_none()
    {
        return show(context, &kept, &directory);
    }
    let vault = args.choice.in_vault(vaults::open_read_only(context))?;
    let choice = args.choice.located(&vault)?;
    let account = account(context, &vault, &choice)?;
    kept.keep(&directory, &account.provider, &account.user);
    kept.store(&place)?;
    context.ui.status(&format!(
        "`{}` means `{account}` in `{}` and below it",
        account.provider,
        directory.display()
    ));
    Ok(())
}

/// Returns the account that is to be kept. Neither the directory nor `TOKCTL_USER` has a say in it:
/// a service without a user means its only credential, or the one that a person chooses.
fn account(context: &Context, vault: &Vault, named: &Choice) -> Result<Account, CliError> {
    if let Choice { provider: Some(provider), user: None, address: None } = named {
        let filter = AccountFilter { provider: Some(provider), user: None };
        let accounts = vault.first_accounts(filter, choice::MOST_ASKED + 1)?;
        if !accounts.is_empty() {
            return match &accounts[..] {
                [account] => Ok(account.clone()),
                several => choice::one_of(context, several, "use"),
            };
        }
    }
    named.resolve(context, vault, "use")
}

fn allow(
    context: &Context,
    kept: &mut Kept,
    place: &Path,
    directory: &Path,
    allowed: bool,
) -> Result<(), CliError> {
    let file = ProjectFile::find(directory)?;
    let shown = file.path.display();
    let what = if allowed {
        kept.allow(&file);
        let users: Vec<String> =
            file.users.iter().map(|(provider, user)| format!("`{provider}/{user}`")).collect();
        format!("`{shown}` counts until it changes: {}", users.join(", "))
    } else if kept.deny(&file.path) {
        format!("`{shown}` does not count any more")
    } else {
        format!("`{shown}` did not count")
    };
    kept.store(place)?;
    context.ui.status(&what);
    if allowed {
        warn_of_kept(context, kept, directory, &file);
    }
    Ok(())
}

/// Warns of each user that the file names in vain, since `tokctl use` chose another one.
fn warn_of_kept(context: &Context, kept: &Kept, directory: &Path, file: &ProjectFile) {
    for DirectoryUser { provider, user, source } in kept.users(directory) {
        if let Source::Kept(chosen_in) = source
            && file.users.get(&provider).is_some_and(|named| *named != user)
        {
            context.ui.warning(&format!(
                "`{provider}` stays `{provider}/{user}` here, as `tokctl use` chose in `{}`: `tokctl \
                 use --unset {provider}` there",
                chosen_in.display()
            ));
        }
    }
}

fn unset(
    context: &Context,
    kept: &mut Kept,
    place: &Path,
    directory: &Path,
    provider: Option<&ProviderName>,
) -> Result<(), CliError> {
    let forgotten = kept.forget(directory, provider);
    kept.store(place)?;
    let above = kept.users(directory).into_iter().find_map(|one| match one.source {
        Source::Kept(path) if provider.is_none_or(|named| *named == one.provider) => Some(path),
        Source::Kept(_) | Source::Project(_) | Source::NotAllowed(_) => None,
    });
    let directory = directory.display();
    context.ui.status(&match (forgotten, above) {
        (0, Some(above)) => format!(
            "nothing was kept for `{directory}`, but for `{}` above it: unset it there",
            above.display()
        ),
        (0, None) => format!("nothing was kept for `{directory}`"),
        (1, _) => format!("1 user of `{directory}` was forgotten"),
        (many, _) => format!("{} of `{directory}` were forgotten", counted(many, "user")),
    });
    Ok(())
}

/// Shows the users that hold in the directory, and why.
fn show(context: &Context, kept: &Kept, directory: &Path) -> Result<(), CliError> {
    let users = kept.users(directory);
    for fault in ProjectFile::faults(directory) {
        context.ui.warning(&format!("{fault}, so it does not count"));
    }
    let variable = context.default_user()?;
    let default_user = context.config()?.default_user.clone();
    if context.ui.json {
        let users = users.iter().map(One::of).collect();
        let environment = variable.as_ref().map(UserName::as_str);
        let default_user = default_user.as_ref().map(UserName::as_str);
        return context.ui.json(&Report { v: 1, environment, users, default_user });
    }
    if let Some(user) = &variable {
        context.ui.line(&format!("every service\t{user}\tTOKCTL_USER"))?;
    }
    for DirectoryUser { provider, user, source } in &users {
        let why = match source {
            Source::Kept(directory) => format!("tokctl use, in {}", shown(directory)),
            Source::Project(file) => shown(file),
            Source::NotAllowed(file) => {
                format!("{} does not count yet: tokctl use --allow", shown(file))
            }
        };
        context.ui.line(&format!("{provider}\t{user}\t{why}"))?;
    }
    if let Some(user) = &default_user {
        context.ui.line(&format!("other services\t{user}\tdefault_user in config.toml"))?;
    }
    if users.is_empty() && variable.is_none() && default_user.is_none() {
        context.ui.status("no user is chosen for this directory: tokctl use --help");
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// The output of `--json`.
#[derive(Serialize)]
struct Report<'a> {
    v: u8,
    /// The user of `TOKCTL_USER`, which comes before those of the directory.
    environment: Option<&'a str>,
    users: Vec<One<'a>>,
    default_user: Option<&'a str>,
}

#[derive(Serialize)]
struct One<'a> {
    provider: &'a str,
    user: &'a str,
    /// The directory that was given to `tokctl use`, or the project's file.
    from: &'a PathBuf,
    counts: bool,
}

impl<'a> One<'a> {
    fn of(one: &'a DirectoryUser) -> Self {
        let (from, counts) = match &one.source {
            Source::Kept(path) | Source::Project(path) => (path, true),
            Source::NotAllowed(path) => (path, false),
        };
        Self { provider: one.provider.as_str(), user: one.user.as_str(), from, counts }
    }
}

impl From<crate::config::directories::Error> for CliError {
    fn from(error: crate::config::directories::Error) -> Self {
        use crate::config::directories::Error;
        let hint = match &error {
            Error::File(source) => return crate::cli::explain::untrusted_file(Kind::Usage, source),
            Error::Malformed { path, .. } if path.ends_with(FILE) => {
                "it holds lines such as jira = \"alice@example.com\", and nothing else"
            }
            Error::Malformed { .. } => "mend that file, or move it away",
            Error::NoFile { .. } => "tokctl use --help",
        };
        Self::of(Kind::Usage, &error).hint(hint)
    }
}
