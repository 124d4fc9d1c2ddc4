//! The sentence below a list of credentials some of which were handed over.

use super::context::Context;
use super::next_command;
use super::typed::command;
use crate::model::account::Account;

/// Says where what was handed over is, below a list in which `first` is the first such credential, if
/// any is. The copies in the clear don't tell it; but this machine remembers which shared vaults took
/// credentials over from the file.
pub(crate) fn tell(context: &Context, first: Option<&Account>) {
    let Some(first) = first else { return };
    let takers = takers(context);
    let hint = match &takers[..] {
        [] => format!("what was handed over is elsewhere: `{}` says where", command("why", first)),
        [one] => {
            format!(
                "credentials were moved from this file into `{one}`: `tokctl --vault {one} list`"
            )
        }
        several => {
            let (names, why) = (several.join("`, `"), command("why", first));
            format!("credentials were moved from this file into `{names}`: `{why}` says into which")
        }
    };
    context.ui.status(&next_command::about_named(context, hint));
}

/// Returns the names of the shared vaults that took credentials over from the file that the command is
/// about.
fn takers(context: &Context) -> Vec<String> {
    let file = context.vault().ok().and_then(|path| path.canonicalize().ok());
    let joined = context.joined_vaults().unwrap_or_default();
    file.map(|file| joined.takers_of(&file).map(ToOwned::to_owned).collect()).unwrap_or_default()
}
