//! Checks of the stored logins: whether one needs somebody, and whether the configuration still
//! names their clients.

use std::collections::BTreeMap;

use super::row::{Row, Verdict};
use crate::cli::context::Context;
use crate::cli::error::Hint;
use crate::cli::needs::{self, Line, Need, Subjects};
use crate::cli::{renewal, time};
use crate::model::account::{Account, AccountFilter};
use crate::model::credential::Credential;
use crate::ops::doctor::Check;
use crate::ops::error::StoreError;
use crate::ops::{OpenVault, Vault};

/// The largest number of credentials that get a row of their own.
const MOST_NEEDY: usize = 5;

/// Looks for credentials that need somebody, and for those that wait for their provider. Needs no
/// key.
pub(super) fn needy(context: &Context, vault: &Vault) -> Vec<Row> {
    // The gravest, and one more.
    let (mut needy, mut count) = (BTreeMap::new(), 0);
    let now = time::now();
    let certificates = &needs::ended_certificates(context, now);
    let subjects = Subjects { vault, filter: AccountFilter::default(), certificates, now };
    let looked = subjects.each_line(|line| {
        if line.need == Need::Nothing {
            return Ok::<_, StoreError>(());
        }
        count += 1;
        needy.insert((line.need, line.account.clone()), line);
        if needy.len() > MOST_NEEDY + 1 {
            needy.pop_last();
        }
        Ok(())
    });
    if let Err(error) = looked {
        return vec![Row::failure(Check::Logins, error.into())];
    }
    let mut rows: Vec<Row> = needy
        .values()
        .take(MOST_NEEDY)
        .map(|line| {
            let message = format!("`{}`: {}", line.account, line.what);
            Row::new(Check::Logins, verdict(line), message).hint(needs::remedy(context, line))
        })
        .collect();
    if let Some(first) = needy.values().nth(MOST_NEEDY) {
        let more = count - MOST_NEEDY;
        // As grave as the first of them, which is the gravest.
        let verdict = verdict(first);
        let message = format!("{more} more need somebody, or wait for their provider");
        rows.push(Row::new(Check::Logins, verdict, message).hint("tokctl status"));
    }
    rows
}

fn verdict(line: &Line) -> Verdict {
    match line.need {
        Need::Login | Need::NewToken | Need::Refresh => Verdict::ToMend,
        Need::Provider | Need::Member | Need::Nothing => Verdict::Hint,
    }
}

/// Checks for logins whose client or endpoint differs from today's configuration.
pub(super) fn compared(configured: Option<&Context>, vault: &OpenVault) -> Vec<Row> {
    let Some(context) = configured else {
        let message = "not compared, since the configuration can't be read";
        return vec![Row::new(Check::Logins, Verdict::Unknown, message)];
    };
    let drift =
        |account: &Account, credential: &Credential| renewal::drift(context, account, credential);
    let mut rows = Vec::new();
    let compared = vault.each_credential(AccountFilter::default(), drift, |account, drift| {
        // Other checks report credentials that do not open and definitions that can't be used.
        if let Ok(Some(what)) = drift {
            let message = format!(
                "the configuration names another {what} than the login of `{account}`, which goes on with its own"
            );
            let row = Row::new(Check::Logins, Verdict::Hint, message);
            rows.push(row.hint(Hint::Login(account)));
        }
    });
    if let Err(error) = compared {
        return vec![Row::failure(Check::Logins, error.into())];
    }
    if rows.is_empty() {
        rows.push(Row::new(Check::Logins, Verdict::Fine, "all agree with the configuration"));
    }
    rows
}
