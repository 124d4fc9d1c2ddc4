//! What is told of records that do not come in for a name in them.

use std::fmt::Write;

use crate::cli::typed::{quoted, user_flag};
use crate::ops::import::{BadName, Skipped};

/// Says why a record stays where it is, and what stores its credential by hand.
pub(super) fn told(skipped: &Skipped) -> String {
    let origin = &skipped.origin;
    let typed = typed(skipped);
    match &skipped.name {
        BadName::User(why) => format!("{origin}, since {why}: {typed}"),
        BadName::Username(why) => format!("{origin}, since {why}: {typed} --username NAME"),
    }
}

/// The login that stores the credential.
fn typed(skipped: &Skipped) -> String {
    let user = skipped.user.as_ref();
    let user = user.map_or("--user NAME".into(), |user| user_flag(user.as_str()));
    let mut typed = format!("tokctl login {} {user}", skipped.provider);
    if let Some(server) = &skipped.server {
        let _ = write!(typed, " --server {}", quoted(server.as_str()));
    }
    if skipped.is_static { typed + " --token-stdin" } else { typed }
}
