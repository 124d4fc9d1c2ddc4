//! `--only`: the credentials of a source that come in, where not all of them are wanted.

use crate::cli::choice::Choice;
use crate::cli::error::{CliError, Kind};
use crate::model::account::{Account, UserName};
use crate::model::nearest::{did_you_mean, nearest};
use crate::model::reference::Named;
use crate::ops::import::{Incoming, Skipped};

/// Keeps those of `incoming` and `skipped` that `only` names, or all of them if it names none. Fails
/// if a name means none of them.
pub(super) fn keep(
    only: &[Named],
    incoming: &mut Vec<Incoming>,
    skipped: &mut Vec<Skipped>,
) -> Result<(), CliError> {
    if only.is_empty() {
        return Ok(());
    }
    let wanted = only.iter().map(choice).collect::<Result<Vec<Choice>, CliError>>()?;
    for choice in &wanted {
        let comes_in = incoming.iter().any(|one| means(choice, &one.account));
        if !comes_in && !skipped.iter().any(|one| means_skipped(choice, one)) {
            return Err(nothing_for(choice, incoming));
        }
    }
    incoming.retain(|one| wanted.iter().any(|choice| means(choice, &one.account)));
    skipped.retain(|one| wanted.iter().any(|choice| means_skipped(choice, one)));
    Ok(())
}

fn choice(named: &Named) -> Result<Choice, CliError> {
    self::named("--only", Some(named), None)
}

/// Returns the choice that a flag of `import` makes, with the `user` of another one. An address names
/// nothing here: what comes in is in no vault yet.
pub(super) fn named(
    flag: &str,
    named: Option<&Named>,
    user: Option<UserName>,
) -> Result<Choice, CliError> {
    if let Some(Named::Address(address)) = named {
        let message = format!("`{flag}` takes a name, and `{address}` is an address");
        return Err(CliError::new(Kind::Usage, message).hint("tokctl import --help"));
    }
    Choice::of(named.cloned(), user)
        .map_err(|message| CliError::new(Kind::Usage, message).hint("tokctl import --help"))
}

fn means(choice: &Choice, account: &Account) -> bool {
    choice.provider.as_ref().is_none_or(|provider| *provider == account.provider)
        && choice.user.as_ref().is_none_or(|user| *user == account.user)
}

fn means_skipped(choice: &Choice, one: &Skipped) -> bool {
    (choice.provider.is_none() || choice.provider == one.provider)
        && (choice.user.is_none() || choice.user == one.user)
}

/// Returns the error for a name that means nothing in the source, with the nearest names in it.
fn nothing_for(choice: &Choice, incoming: &[Incoming]) -> CliError {
    let name = match (choice.account(), &choice.provider) {
        (Some(account), _) => account.to_string(),
        (None, Some(provider)) => provider.to_string(),
        (None, None) => String::new(),
    };
    let names: Vec<String> = incoming.iter().map(|one| one.account.to_string()).collect();
    let near: Vec<String> =
        nearest(&name, names.iter().map(String::as_str)).into_iter().map(str::to_owned).collect();
    let message = format!("there is no credential for `{name}` in it{}", did_you_mean(&near));
    CliError::new(Kind::NotFound, message).hint("`--dry-run` without `--only` lists what is in it")
}
