//! Checks of the stored logins: whether one needs somebody, and whether the configuration still
//! names their clients.

use super::row::{Row, Verdict};
use crate::cli::context::Context;
use crate::cli::error::Hint;
use crate::cli::needs::{self, Line, Need};
use crate::cli::{renewal, time};
use crate::ops::doctor::{self, Check};
use crate::ops::{OpenVault, Vault};

/// The largest number of credentials that get a row of their own.
const MOST_NEEDY: usize = 5;

/// Looks for credentials that need somebody, and for those that wait for their provider. Needs no
/// key.
pub(super) fn needy(context: &Context, vault: &Vault) -> Vec<Row> {
    let lines = match needs::lines(vault, time::now()) {
        Ok((lines, _)) => lines,
        Err(error) => return vec![Row::failure(Check::Logins, error.into())],
    };
    // Sorted by their need.
    let needy: Vec<Line> =
        lines.into_iter().take_while(|line| line.need != Need::Nothing).collect();
    let mut rows: Vec<Row> = needy
        .iter()
        .take(MOST_NEEDY)
        .map(|line| {
            let message = format!("`{}`: {}", line.account, line.what);
            Row::new(Check::Logins, verdict(line), message).hint(needs::remedy(context, line))
        })
        .collect();
    let more = needy.len().saturating_sub(MOST_NEEDY);
    if more > 0 {
        // As grave as the first of them, which is the gravest.
        let verdict = verdict(&needy[MOST_NEEDY]);
        let message = format!("{more} more need somebody, or wait for their provider");
        rows.push(Row::new(Check::Logins, verdict, message).hint("tokctl status"));
    }
    rows
}

fn verdict(line: &Line) -> Verdict {
    match line.need {
        Need::Login | Need::NewToken | Need::Refresh => Verdict::ToMend,
        Need::Provider | Need::Nothing => Verdict::Hint,
    }
}

/// Checks for logins whose client or endpoint differs from today's configuration.
pub(super) fn compared(configured: Option<&Context>, vault: &OpenVault) -> Vec<Row> {
    let Some(context) = configured else {
        let message = "not compared, since the configuration can't be read";
        return vec![Row::new(Check::Logins, Verdict::Unknown, message)];
    };
    let accounts = match doctor::accounts(vault) {
        Ok(accounts) => accounts,
        Err(error) => return vec![Row::failure(Check::Logins, error.into())],
    };
    let mut rows = Vec::new();
    for account in accounts {
        // Other checks report credentials that do not open and definitions that can't be used.
        let Ok(Some(row)) = vault.read(&account) else { continue };
        if let Some(what) = renewal::drift(context, &account, &row.stored.credential) {
            let message = format!(
                "the configuration names another {what} than the login of `{account}`, which goes on with its own"
            );
            let row = Row::new(Check::Logins, Verdict::Hint, message);
            rows.push(row.hint(Hint::Login(account)));
        }
    }
    if rows.is_empty() {
        rows.push(Row::new(Check::Logins, Verdict::Fine, "all agree with the configuration"));
    }
    rows
}
