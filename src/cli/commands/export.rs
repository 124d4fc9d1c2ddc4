//! `tokctl export`: seals credentials for another machine.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use crate::cli::bundle_secret::{self, Recipient};
use crate::cli::choice::{self, Choice};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::no_match::no_match;
use crate::cli::typed::{command, quoted};
use crate::cli::{audit_trail, keys, next_command, time, vaults};
use crate::model::account::{Account, AccountFilter, UserName};
use crate::model::audit::{Action, Subject};
use crate::model::bundle::Load;
use crate::model::credential::{Expiry, Grant, Status};
use crate::model::reference::Named;
use crate::model::summary::Summary;
use crate::ops::export::{self, Sealed, Traveller};
use crate::ops::providers::{self, RenewalRules};
use crate::ops::{self, OpenVault, Vault};

/// The size limit of a secret at GitHub, in bytes. The other CI platforms allow more.
const SMALLEST_SECRET: usize = 48 * 1024;

/// Seal credentials into a bundle for another machine
///
/// A bundle is one line of text, safe to be kept in a CI platform's secret; there, `tokctl import
/// bundle` takes it in. It is sealed for a key that `tokctl key generate` made, or for a
/// passphrase, which it opens with and nothing else.
///
/// Static tokens travel as they are, and so do logins that two machines may use at once. Where
/// each renewal replaces the refresh token, two holders would end each other's login: so the
/// access token travels alone, until its end. With --move all that is named leaves this machine,
/// refresh tokens and all, and works here no more. Should that be interrupted, --resume puts the
/// bundle in place.
///
/// A vault takes a bundle in once. No vault knows of another one, though: whoever has both the
/// bundle and its key can open it elsewhere, so delete what was moved once it has arrived.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tokctl key generate > bundle.key
  tokctl export github/bot --to key:bundle.key --output ci.bundle
  tokctl export jira/alice@example.com --to passphrase --move --yes --output alice.bundle
  tokctl export --all --to passphrase --output everything.bundle
  tokctl export --resume --output alice.bundle")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that people type")]
pub(crate) struct Args {
    /// The credentials, such as jira/alice@example.com, or services with one credential each
    #[arg(value_name = "REF", required_unless_present_any = ["resume", "all"])]
    named: Vec<Named>,

    /// Every credential, or every one of the services or of the USER that is named; those that
    /// need a login stay here
    #[arg(long, conflicts_with = "resume")]
    all: bool,

    /// The user of the services that are named without one [env: TOKCTL_USER]
    #[arg(long, short, value_name = "USER", conflicts_with = "resume")]
    user: Option<UserName>,

    /// What the bundle opens with: the key in a file, or a passphrase, which is asked for
    /// [env: TOKCTL_BUNDLE_PASSPHRASE, TOKCTL_BUNDLE_PASSPHRASE_FILE]
    #[arg(long, value_name = "key:FILE|passphrase", required_unless_present = "resume")]
    to: Option<Recipient>,

    /// Hand the credentials over: they work here no more; needs --output
    #[arg(long = "move", group = "moved")]
    moving: bool,

    /// Don't ask before --move; needed where nobody can be asked, and for the --resume of a move that
    /// is on its way to another vault, which may have the credentials already
    #[arg(long, short, requires = "moved")]
    yes: bool,

    /// The file to make; one that is there is left alone [default: stdout, if it is no terminal]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Put the bundle of an interrupted move in place; needs --output
    #[arg(long, conflicts_with_all = ["named", "to", "moving", "all"], group = "moved")]
    resume: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let file = args.output.as_deref().filter(|path| path.as_os_str() != "-");
    if (args.moving || args.resume) && file.is_none() {
        return Err(CliError::new(Kind::Usage, "what is moved goes to a file, to be sure of it")
            .hint("name the file with `--output`"));
    }
    if file.is_none() && io::stdout().is_terminal() {
        return Err(CliError::new(Kind::Usage, "a bundle is not shown on a terminal")
            .hint("name a file with `--output`"));
    }
    let choices = choices(args)?;
    let vault = vaults::open(context)?;
    vault.check_may_write()?;
    let accounts = accounts(&choices, args, context, &vault)?;
    if args.moving && !args.yes {
        confirm(context, &vault, &accounts)?;
    }
    let vault = keys::unlock(context, vault)?;
    audit_trail::keep_as_configured(context, &vault);
    match (file, &args.to) {
        (Some(file), _) if args.resume => resume(context, &vault, file, args.yes),
        (_, Some(to)) => seal(args, context, &vault, accounts, to, file),
        (_, None) => Err(CliError::new(Kind::Usage, "`--to` is missing")),
    }
}

/// Returns what the command line names.
fn choices(args: &Args) -> Result<Vec<Choice>, CliError> {
    let one = |named: &Named| {
        Choice::of(Some(named.clone()), args.user.clone())
            .map_err(|message| CliError::new(Kind::Usage, message).hint("tokctl export --help"))
    };
    args.named.iter().map(one).collect()
}

/// Returns the accounts that `choices` mean.
fn accounts(
    choices: &[Choice],
    args: &Args,
    context: &Context,
    vault: &Vault,
) -> Result<Vec<Account>, CliError> {
    if args.all {
        return all(choices, args.user.as_ref(), context, vault);
    }
    let one = |choice: &Choice| match choice.account() {
        Some(account) => choice::stored(context, vault, &account),
        None => choice.resolve(context, vault, "export"),
    };
    choices.iter().map(one).collect()
}

/// Returns all accounts that `choices` mean, and that can travel. Tells which can't.
fn all(
    choices: &[Choice],
    user: Option<&UserName>,
    context: &Context,
    vault: &Vault,
) -> Result<Vec<Account>, CliError> {
    let choices = choices.iter().map(|choice| choice.located(vault));
    let choices = choices.collect::<Result<Vec<Choice>, CliError>>()?;
    let filter = AccountFilter { provider: None, user };
    let summaries = vault.summaries(filter, |Summary { account, .. }| {
        let is_meant = |choice: &Choice| {
            choice.provider.as_ref().is_none_or(|provider| *provider == account.provider)
                && choice.user.as_ref().is_none_or(|user| *user == account.user)
        };
        choices.is_empty() || choices.iter().any(is_meant)
    })?;
    let mut accounts = Vec::new();
    for summary in summaries {
        let account = summary.account;
        match summary.status {
            Status::Active | Status::Inactive => accounts.push(account),
            Status::LoginRequired => {
                context.ui.warning(&format!("{account} stays here, since it needs a login"));
            }
            Status::HandedOver => {
                context.ui.warning(&format!("{account} was handed over before"));
            }
        }
    }
    if accounts.is_empty() {
        let message = "nothing that is stored can be exported";
        return Err(CliError::new(Kind::NotFound, message).hint("tokctl list"));
    }
    Ok(accounts)
}

/// Asks whether the accounts may stop working here.
fn confirm(context: &Context, vault: &Vault, accounts: &[Account]) -> Result<(), CliError> {
    for Account { provider, user } in accounts {
        let choice =
            Choice { provider: Some(provider.clone()), user: Some(user.clone()), address: None };
        choice.expect_some(context, vault, "why")?;
    }
    let names: Vec<String> = accounts.iter().map(|account| format!("`{account}`")).collect();
    let names = names.join(", ");
    let question = format!("hand over {names}, so that it works here no more");
    if context.ui.confirm(&question, Hint::Again(&["--yes"]))? {
        return Ok(());
    }
    let message = format!("{names} stays here, and nothing was exported");
    Err(CliError::new(Kind::Failed, message).hint(Hint::Again(&["--yes"])))
}

/// Writes the bundle of an interrupted move to `file`, after an audit entry.
///
/// The accounts in the bundle are known only under its seal, so the entry does not name them.
fn resume(context: &Context, vault: &OpenVault, file: &Path, forced: bool) -> Result<(), CliError> {
    let of = Subject::Vault;
    let done = audit_trail::record_of(context, vault, "export", Action::Export, of)
        .and_then(|()| Ok(export::resume(vault, file, forced)?));
    if done.is_err() {
        audit_trail::note_change(context, vault, "export", Action::Export, of, &done);
    }
    done?;
    let file = file.display();
    context.ui.status(&format!("the bundle of the interrupted move is in `{file}`"));
    Ok(())
}

/// Seals the credentials into a bundle and writes the audit entries before the bundle goes
/// anywhere.
fn seal(
    args: &Args,
    context: &Context,
    vault: &OpenVault,
    accounts: Vec<Account>,
    to: &Recipient,
    file: Option<&Path>,
) -> Result<(), CliError> {
    let with_rules = |account: Account| {
        let renewal = providers::renewal(&account.provider, context.config().ok());
        (account, renewal)
    };
    let renewals: BTreeMap<Account, RenewalRules> = accounts.into_iter().map(with_rules).collect();
    let accounts: Vec<Account> = renewals.keys().cloned().collect();
    let secret = bundle_secret::for_sealing(context, to)?;
    let done = context
        .ui
        .with_progress("sealing", |progress| {
            export::seal(vault, renewals, args.moving, &secret, time::now, progress)
        })
        .map_err(|error| not_sealed(context, vault, error))
        .and_then(|sealed| {
            let outcome = if args.moving { "handed_over" } else { audit_trail::OK };
            for account in &accounts {
                audit_trail::record(context, vault, "export", Action::Export, account, outcome)?;
            }
            match file {
                Some(file) if args.moving => {
                    export::hand_over(vault, &sealed, file, time::now)?;
                }
                Some(file) => export::put(&sealed, file)?,
                None => context.ui.line_once(sealed.text().trim_end())?,
            }
            Ok(sealed)
        });
    match done {
        Ok(sealed) => {
            report(context, &sealed, file, to);
            Ok(())
        }
        Err(error) => {
            for Account { provider, user } in &accounts {
                let whose = (provider, Some(user));
                let word = error.kind.word();
                audit_trail::note(context, vault, "export", Action::Export, whose, word);
            }
            Err(error)
        }
    }
}

/// Returns the error for a bundle that was not sealed. A refresh that failed on the way is
/// explained by the next command that uses the token.
fn not_sealed(context: &Context, vault: &Vault, error: ops::Error) -> CliError {
    if let ops::Error::NoCredential { account: Account { provider, user } } = &error {
        return no_match(context, vault, "why", Some(provider), Some(user));
    }
    let ops::Error::Interrupted { account, .. } = &error else { return error.into() };
    let hint = command("why", account);
    CliError::from(error).hint(hint)
}

fn report(context: &Context, sealed: &Sealed, file: Option<&Path>, to: &Recipient) {
    for traveller in &sealed.travellers {
        context.ui.status(&describe(context, traveller));
    }
    if sealed.text().len() > SMALLEST_SECRET {
        context.ui.warning(&format!(
            "the bundle has {} bytes, and a secret of GitHub's holds {SMALLEST_SECRET}: export \
             fewer at once",
            sealed.text().len()
        ));
    }
    if let Some(file) = file {
        let key = match to {
            Recipient::Key(key) => format!(" --key-file {}", quoted(&key.to_string_lossy())),
            Recipient::Passphrase | Recipient::Other => String::new(),
        };
        context.ui.status(&format!(
            "there, `tokctl import bundle {}{key}` takes it in",
            quoted(&file.to_string_lossy())
        ));
    }
}

/// Returns what happened to one exported credential, in words.
fn describe(context: &Context, traveller: &Traveller) -> String {
    let Traveller { account, load, credential, .. } = traveller;
    match (load, &credential.grant) {
        (Load::Moved, _) => format!(
            "{account} was handed over and works here no more: to use it on both, `{}`",
            next_command::login(context, account)
        ),
        (Load::Copied, Grant::OAuth(_)) if credential.is_refreshable() => {
            format!("{account} travels with what renews it, and works on both")
        }
        (Load::Copied, _) => format!("{account} travels as it is, and works on both"),
        (Load::TokenAlone, _) => {
            let until = match credential.expiry() {
                Expiry::Known(at) => format!("until {}", time::rfc3339(at)),
                Expiry::None | Expiry::Unknown => "until its end".into(),
            };
            format!(
                "{account} travels as its access token alone, and works there {until}: `--move` \
                 hands over what renews it"
            )
        }
    }
}
