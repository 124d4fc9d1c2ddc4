//! `tokctl import`: stores credentials that other tools kept.

mod source;
mod only;
mod skipped;
mod bundle;
mod report;
mod remarks;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use self::source::Origin;
use crate::cli::certificates;
use crate::cli::choice::Choice;
use crate::cli::client_settings;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
#[cfg(feature = "postgres")]
use crate::cli::key_material;
use crate::cli::slot_choice::SlotChoice;
use crate::cli::vaults::{self, NotOpened};
use crate::cli::{audit_trail, keys, time};
use crate::model::account::{ProviderName, UserName};
use crate::model::address::Address;
use crate::model::audit::Action;
use crate::model::destination::Destination;
use crate::model::reference::Named;
use crate::ops::error::StoreError;
use crate::ops::import::{
    self, BundleId, Found, Incoming, OpenedBundle, Overrides, Placed, Selection, Service, Skipped,
    Terms,
};
#[cfg(feature = "postgres")]
use crate::ops::key_text::Given;
use crate::ops::{self, BundleError, providers};

/// Take in credentials that another tool kept, or that `tokctl export` sealed
///
/// What can't come in is skipped: each is named with its place, its user and the reason, the others
/// come in, and the exit code is 1. With `--strict` all of it comes in, or nothing. No request is
/// made, and no file of the other tool's is changed. Tokens are renewed at the provider as tokctl
/// knows it, wherever the file says. A refresh token that each use replaces stays where it is
/// without `--take-over`: two holders of one end each other's login.
///
/// A client that the file does not hold is that of the configuration, or of
/// TOKCTL_<PROVIDER>_CLIENT_ID and TOKCTL_<PROVIDER>_CLIENT_SECRET. Where there is none, the access
/// token comes in alone; a later import with the client adds what renews it.
///
/// A bundle comes in whole, into one vault once, and as it was sealed. It never needs
/// `--take-over`: what was moved has no other holder. With `--if-new`, a bundle that the vault took
/// in before is no failure: for a container whose vault may outlive it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tokctl import agentllm tokens.db --dry-run
  tokctl import agentllm tokens.db --only jira/alice@example.com
  tokctl import salla tokens.db --take-over
  tokctl import state-tokens tokens.db --key-file secret.txt --user alice@example.com
  tokctl import pauth tokens/ --provider github --key-file fernet.key
  tokctl import google ~/.config/gcloud/application_default_credentials.json \\
      --user alice@example.com
  psql -c '\\copy tokens to stdout csv header' | tokctl import salla - --take-over
  tokctl import bundle alice.bundle --key-file bundle.key")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that people type")]
pub(crate) struct Args {
    #[command(flatten)]
    source: source::Args,

    /// Show what would come in, and store nothing
    #[arg(long)]
    dry_run: bool,

    /// Store nothing unless all that is in the file comes in
    #[arg(long)]
    strict: bool,

    /// Overwrite what is there already; the earlier grant is not revoked
    #[arg(long)]
    replace: bool,

    /// Take in refresh tokens that each use replaces, too: the other tool must not use them any
    /// more
    #[arg(long)]
    take_over: bool,

    /// Store nothing, and end with 0, if this vault took the bundle in before
    #[arg(long)]
    if_new: bool,

    /// Whose it is, where the file does not say [env: TOKCTL_USER]
    #[arg(long, short, value_name = "USER")]
    user: Option<UserName>,

    /// The service to keep it under, in place of the one that the file is for; also PROVIDER/USER
    #[arg(long, value_name = "PROVIDER[/USER]")]
    provider: Option<Named>,

    /// Take in only this credential, or only those of this service; can be repeated
    #[arg(long, value_name = "REF")]
    only: Vec<Named>,

    /// The service's own address, where the file does not say, such as https://jira.example.com
    #[arg(long, value_name = "URL")]
    server: Option<Address>,

    /// The kind of key slot that a new vault gets, or that opens this one: keychain, key,
    /// passphrase or recovery; or the id of the one slot to open it with
    #[arg(long, value_name = "KIND|ID")]
    key_slot: Option<SlotChoice>,
}

/// The credentials of one source, and what stays out of the vault.
struct Batch {
    incoming: Vec<Incoming>,
    /// Records that can't come in.
    skipped: Vec<Skipped>,
    /// Contents that are not imported, one phrase each.
    ignored: Vec<String>,
    /// The files of the source; empty for a bundle.
    files: Vec<PathBuf>,
    /// The id of the bundle, if the source is one.
    bundle: Option<BundleId>,
    /// Whether this bundle holds the only copy of any of its credentials.
    moved: bool,
    /// The vault that the bundle was on its way to when a move was interrupted.
    destination: Option<Destination>,
    /// Whether this user's identity opened the bundle.
    is_of_identity: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    if context.is_in_memory() {
        // Nothing can be taken into it.
        context.vault()?;
    }
    let now = time::now();
    let mut batch = read_batch(args, context, now)?;
    let beside = beside_identity(context, &batch)?;
    let context = beside.as_ref().unwrap_or(context);
    only::keep(&args.only, &mut batch.incoming, &mut batch.skipped)?;
    match (&batch.incoming[..], &batch.skipped[..]) {
        ([], []) => context.ui.warning("there is no credential in it that can be taken in"),
        ([], [alone]) => return Err(skipped::alone(alone)),
        _ => {}
    }
    for one in &batch.skipped {
        context.ui.always(&format!("skipped {}", skipped::message(one)));
    }
    if args.strict && !args.dry_run && !batch.skipped.is_empty() {
        return Err(report::refused(&batch.incoming, &batch.skipped));
    }
    let terms = Terms {
        replace: args.replace,
        take_over: args.take_over,
        all_or_nothing: args.strict,
        bundle: batch.bundle,
    };
    let placed = if args.dry_run || batch.incoming.is_empty() {
        foresee(args, context, batch.incoming, terms, now)?
    } else {
        store_batch(args, context, &batch, terms, now)?
    };
    let Some(placed) = placed else {
        context.ui.status("this vault took the bundle in before: nothing was stored");
        return report::print(context, &[], &[], args.dry_run, now);
    };
    report::print(context, &placed, &batch.skipped, args.dry_run, now)?;
    remarks::print(context, &placed, &batch.skipped, &batch.ignored, args.dry_run, now);
    report::about_files(
        context,
        &placed,
        &batch.skipped,
        &batch.ignored,
        &batch.files,
        args.dry_run,
    );
    if batch.moved && !args.dry_run {
        context.ui.status(
            "the bundle is not needed any more, and another vault would take it in: delete it",
        );
    }
    report::end(&placed, &batch.skipped, args.dry_run)
}

/// Reads a source and returns its credentials in the form in which they would be stored.
fn read_batch(args: &Args, context: &Context, now: Timestamp) -> Result<Batch, CliError> {
    match args.source.origin() {
        Origin::Bundle { file, key_file } => open_bundle(args, context, file, key_file),
        Origin::Store(_) if args.if_new => {
            Err(CliError::new(Kind::Usage, "`--if-new` is for bundles")
                .hint("leave it out: what is here already stays as it is"))
        }
        Origin::Store(tool) => {
            let owner = only::named("--provider", args.provider.as_ref(), args.user.clone())?;
            let found = args.source.read_store(tool, context)?;
            select(args, &owner, context, found, now)
        }
    }
}

/// Turns the records of another tool into credentials of known providers.
///
/// They belong to `owner` where the file does not say otherwise.
fn select(
    args: &Args,
    owner: &Choice,
    context: &Context,
    found: Found,
    now: Timestamp,
) -> Result<Batch, CliError> {
    let needed = import::services(&found, owner.provider.as_ref())?;
    let default_user = match &owner.user {
        Some(_) => None,
        None => context.default_user()?,
    };
    let overrides = Overrides {
        user: owner.user.as_ref(),
        default_user: default_user.as_ref(),
        provider: owner.provider.as_ref(),
        server: args.server.as_ref(),
    };
    let several = needed.len() > 1;
    let mut services = BTreeMap::new();
    for (name, needs_client) in needed {
        let service = match service(context, &name, needs_client) {
            // The others come in without it.
            Err(error) if several => Err(error.line()),
            service => Ok(service?),
        };
        services.insert(name, service);
    }
    let Selection { incoming, skipped, ignored, files } =
        import::select(found, overrides, &services, now)?;
    Ok(Batch {
        incoming,
        skipped,
        ignored,
        files,
        bundle: None,
        moved: false,
        destination: None,
        is_of_identity: false,
    })
}

/// Opens a bundle and returns its credentials.
fn open_bundle(
    args: &Args,
    context: &Context,
    file: &Path,
    key_file: Option<&Path>,
) -> Result<Batch, CliError> {
    if args.user.is_some() || args.provider.is_some() || args.server.is_some() {
        return Err(CliError::new(Kind::Usage, "a bundle says itself what is in it")
            .hint("leave out `--user`, `--provider` and `--server`"));
    }
    if !args.only.is_empty() {
        return Err(
            CliError::new(Kind::Usage, "a bundle comes in whole").hint("leave out `--only`")
        );
    }
    let bundle::Bundle { id, opened, is_of_identity } = bundle::open(context, file, key_file)?;
    let OpenedBundle { incoming, moved, destination } = opened;
    Ok(Batch {
        incoming,
        skipped: Vec::new(),
        ignored: Vec::new(),
        files: Vec::new(),
        bundle: Some(id),
        moved,
        destination,
        is_of_identity,
    })
}

/// Returns the provider called `name`, with its configured client if that is needed.
fn service(
    context: &Context,
    name: &ProviderName,
    needs_client: bool,
) -> Result<Service, CliError> {
    let provider = providers::find(name, context.config()?)?;
    let trusted_certificates = certificates::trusted_certificates(&provider)?;
    let id = needs_client.then(|| client_settings::client_id(context, &provider)).flatten();
    let client = match id {
        Some(id) => Some((id, client_settings::client_secret(context, &provider)?)),
        None => None,
    };
    let key = match &client {
        Some(_) => client_settings::client_key(context, &provider)?,
        None => None,
    };
    let certificate = match &client {
        Some(_) => certificates::client_certificate(context, &provider)?,
        None => None,
    };
    Ok(Service { provider, client, key, trusted_certificates, certificate })
}

/// Returns the context for a vault in a file that takes in a bundle which this user's identity opened:
/// what the environment gives may be for the identity alone.
#[cfg(feature = "postgres")]
fn beside_identity(context: &Context, batch: &Batch) -> Result<Option<Context>, CliError> {
    if !batch.is_of_identity || vaults::shared_name(context)?.is_some() {
        return Ok(None);
    }
    let is_identity = matches!(key_material::given(context)?, Some((_, Given::Identity(_))));
    Ok(Some(context.for_file_beside_identity(context.vault()?.clone(), is_identity)))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unnecessary_wraps, reason = "it fails where there are shared vaults")]
fn beside_identity(_: &Context, batch: &Batch) -> Result<Option<Context>, CliError> {
    debug_assert!(!batch.is_of_identity, "nobody has an identity");
    Ok(None)
}

/// Returns what an import would do, without any write; `None` as for [`placed_unless_before`].
fn foresee(
    args: &Args,
    context: &Context,
    incoming: Vec<Incoming>,
    terms: Terms,
    now: Timestamp,
) -> Result<Option<Vec<Placed>>, CliError> {
    let opened = vaults::open_read_only(context).and_then(|vault| Ok(vault.finished()?));
    let vault = match opened {
        Ok(vault) => Some(keys::unlock(context, vault)?),
        Err(NotOpened::Store(StoreError::NoVault { .. })) => None,
        Err(error) => return Err(error.into()),
    };
    placed_unless_before(args, import::preview(vault.as_ref(), incoming, terms, now))
}

/// Stores the batch and writes its audit entries; `None` as for [`placed_unless_before`].
fn store_batch(
    args: &Args,
    context: &Context,
    batch: &Batch,
    terms: Terms,
    now: Timestamp,
) -> Result<Option<Vec<Placed>>, CliError> {
    let vault = vaults::open_or_create(context, args.key_slot)?;
    if let Some(to) = &batch.destination
        && to.vault != vault.name()
    {
        context.ui.warning(&format!(
            "a move into {} was interrupted, which may have it too: look there, and if so, take it out here \
             with `tokctl delete --no-revoke`, since a revocation ends it for both",
            to.place
        ));
    }
    audit_trail::keep_as_configured(context, &vault);
    let outcome = context.ui.with_progress("taking in", |progress| {
        import::take_in(&vault, &batch.incoming, terms, now, progress)
    });
    let Some(placed) = placed_unless_before(args, outcome)? else { return Ok(None) };
    audit_trail::note_all(
        context,
        &vault,
        "import",
        Action::Import,
        import::written_accounts(&placed),
    );
    Ok(Some(placed))
}

/// Returns what an import stored; `None` if the vault took the bundle in before, which is no failure
/// with `--if-new`.
fn placed_unless_before(
    args: &Args,
    outcome: Result<Vec<Placed>, ops::Error>,
) -> Result<Option<Vec<Placed>>, CliError> {
    match outcome {
        Err(ops::Error::Bundle(BundleError::Opened { .. })) if args.if_new => Ok(None),
        outcome => Ok(Some(outcome?)),
    }
}
