//! Messages about records that are skipped because of a name in them.

use std::fmt::Write;

use crate::cli::typed::{quoted, user_flag};
use crate::ops::import::{BadName, Skipped};

/// Returns why a record was skipped, and which command stores its credential by hand.
pub(super) fn message(skipped: &Skipped) -> String {
    let origin = &skipped.origin;
    let login = login(skipped);
    match &skipped.name {
        BadName::User(why) => format!("{origin}, since {why}: {login}"),
        BadName::Username(why) => format!("{origin}, since {why}: {login} --username NAME"),
    }
}

/// Returns the login command that stores the credential.
fn login(skipped: &Skipped) -> String {
    let user = skipped.user.as_ref();
    let user = user.map_or("--user NAME".into(), |user| user_flag(user.as_str()));
    let mut login = format!("tokctl login {} {user}", skipped.provider);
    if let Some(server) = &skipped.server {
        let _ = write!(login, " --server {}", quoted(server.as_str()));
    }
    if skipped.is_static { login + " --token-stdin" } else { login }
}
