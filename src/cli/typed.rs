//! Commands as a user would type them.

use crate::model::account::Account;

/// The login command for an account, ready to be pasted into a shell.
pub(crate) fn login_command(account: &Account) -> String {
    format!("tokctl login {} {}", account.provider, user_flag(account.user.as_str()))
}

/// `--user` with the user's name as a shell wants it.
pub(crate) fn user_flag(user: &str) -> String {
    let joint = if user.starts_with('-') { '=' } else { ' ' };
    format!("--user{joint}{}", shell_words::quote(user))
}
