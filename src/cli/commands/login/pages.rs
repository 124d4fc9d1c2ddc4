//! The `--pages` flag: stores the tokens of the pages that a person manages, beside the person's
//! own.

use super::destination;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::time;
use crate::model::credential::Credential;
use crate::model::scope::Scopes;
use crate::ops::login::{LoginTarget, pages};
use crate::ops::providers::Provider;

/// Returns `scopes` with those that page tokens need.
pub(super) fn scopes(provider: &Provider, scopes: &Scopes) -> Result<Scopes, CliError> {
    let Some(pages) = &provider.definition.pages else {
        return Err(CliError::new(Kind::Usage, format!("`{}` has no pages", provider.name))
            .hint("leave out `--pages`"));
    };
    Ok(Scopes::parse(&format!("{scopes} {}", pages.scopes.join(" "))))
}

/// Stores the tokens of the pages.
///
/// The person's login is stored by now, so a failure to list the pages is a warning.
pub(super) fn store(
    context: &Context,
    place: &mut LoginTarget,
    provider: &Provider,
    person: &Credential,
) -> Result<(), CliError> {
    let found = context.ui.while_waiting("asking for the pages", || pages::list(provider, person));
    let found = match found {
        Ok(found) => found.unwrap_or_default(),
        Err(error) => {
            context.ui.warning(&format!(
                "the pages' tokens were not stored: {error}; `tokctl login {} --pages` again",
                provider.name
            ));
            return Ok(());
        }
    };
    if found.is_empty() {
        context.ui.warning("this login manages no pages, or was not granted to see them");
    }
    for page in found {
        let name = page.name.clone();
        let user = page.id.parse().ok();
        let stored =
            pages::store(place, provider, person, page, time::now()).map_err(CliError::from);
        destination::note(context, place, (&provider.name, user.as_ref()), stored.as_ref().err());
        if let Some(account) = stored? {
            context.ui.status(&format!("stored the token of the page {name} as {account}"));
        }
    }
    Ok(())
}
