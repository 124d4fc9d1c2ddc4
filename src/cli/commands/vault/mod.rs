//! `tokctl vault`: founds a shared vault, joins one, and shows its state.

mod status;

use std::path::{Path, PathBuf};

use crate::cli::carrying;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::shared_vault::Opened;
use crate::cli::slot_choice::SlotChoice;
use crate::cli::vault_place::{SharedName, is_address};
use crate::cli::{member_identity, vaults};
use crate::config::vaults::{JoinedVault, is_name};
use crate::counted::counted;
use crate::model::destination::DestinationPlace;
use crate::ops::carry::Move;
use crate::ops::error::{SharedError, StoreError};
use crate::ops::shared::{self, Label, Place};
use crate::ops::{self, Vault};
use crate::untrusted::printable;

/// A vault that many machines share, in a PostgreSQL database
///
/// Rows are sealed and signed on the machines of its members: the database can neither read nor forge
/// them. `tokctl help shared` shows how a team, CI jobs and servers use one.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Found a vault in a database, with yourself as its admin
    ///
    /// The address is `postgres://USER@HOST/DATABASE`, `service=NAME`, or what libpq takes else. Its
    /// password comes from ~/.pgpass or PGPASSWORD. The tables are made in that database, and the
    /// vault is joined. The join line is printed. Where another vault has the name already, as where
    /// it is in the same database, --name gives this one another; else it is refused.
    ///
    /// With --from, the credentials of a vault in a file move into it. They work in the file no more: if
    /// both could renew them, one would end the other's login. Should that be interrupted, run it again.
    Init {
        /// The database
        #[arg(value_name = "ADDRESS")]
        address: String,

        /// Your label among the members [default: your name on this machine, else `admin`]
        #[arg(long, value_name = "LABEL")]
        label: Option<Label>,

        /// The file of a vault whose credentials move into the new one
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,

        #[command(flatten)]
        kept: Kept,
    },

    /// Use a shared vault of which an admin made you a member
    ///
    /// The join line ends with `#` and the entry of the list of members at which this machine begins to
    /// trust. It is kept, so that other commands find the vault by its name, or without one where no
    /// vault is in a file here.
    Join {
        /// What an admin gave you
        #[arg(value_name = "JOIN-LINE")]
        line: String,

        #[command(flatten)]
        kept: Kept,
    },

    /// Show a shared vault: its generation, the head of its list of members, who refreshes
    ///
    /// Members compare the head: if two of them see different ones that don't become equal, the
    /// database shows them different lists.
    Status,
}

#[derive(Debug, clap::Args)]
struct Kept {
    /// The name for `--vault` [default: that of the database]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// The key slot that keeps a new identity: keychain, key, passphrase
    #[arg(long, value_name = "SLOT")]
    key_slot: Option<SlotChoice>,
}

/// The SQL that lets a user of the database read a vault and change nothing.
const FOR_READERS: &str =
    "GRANT SELECT ON tokctl_vaults, tokctl_roster, tokctl_slots, tokctl_rows TO READER;";

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    match &args.command {
        Command::Init { address, label, from, kept } => {
            let typed = unpinned(address)?;
            match from {
                Some(file) => init_from(context, &typed, label.as_ref(), kept, file),
                None => init(context, &typed, label.as_ref(), kept),
            }
        }
        Command::Join { line, kept } => join(context, line, kept),
        Command::Status => status::run(context),
    }
}

fn init(
    context: &Context,
    typed: &SharedName,
    label: Option<&Label>,
    kept: &Kept,
) -> Result<(), CliError> {
    let name = chosen_name(kept, typed.usual_name())?;
    if context.joined_vaults()?.named(&name).is_some() {
        return Err(taken(&name));
    }
    let identity = || member_identity::of_user_or_new(context, kept.key_slot);
    let place = vaults::place_for(context, typed, identity)?;
    let vault = found(context, typed, label, &name, place)?;
    tell_use(context, &name);
    context.ui.line(&vault.join_line(&vault.roster()?))
}

/// Founds a vault, and moves the credentials of the vault in `file` into it. If that was interrupted,
/// goes on with it.
fn init_from(
    context: &Context,
    typed: &SharedName,
    label: Option<&Label>,
    kept: &Kept,
    file: &Path,
) -> Result<(), CliError> {
    if is_address(&file.to_string_lossy()) {
        return Err(CliError::new(Kind::Usage, "`--from` takes the file of a vault")
            .hint("what a shared vault has goes out in a bundle: `tokctl help export`"));
    }
    let joined = context.joined_vaults()?;
    let address = typed.address_without_password();
    let usual = || joined.at(&address).map_or_else(|| typed.usual_name(), |(name, _)| name.into());
    let name = chosen_name(kept, usual())?;
    // A vault that an earlier run founded.
    let known = joined.named(&name);
    if known.is_some_and(|vault| vault.address != address) {
        return Err(taken(&name));
    }
    let file = carrying::File::at(context, file)?;
    let source = file.open()?;
    let identity = || member_identity::of_user_or_new(context, kept.key_slot);
    let place = vaults::place_for(context, typed, identity)?;
    let pin = known.and_then(|vault| vault.pin.parse().ok());
    let place = Place { pin, ..place };
    let cargo = carrying::prepare(&file.context, &source, &place.identity)
        .map_err(|error| file.explained(error))?;
    let goes_to = DestinationPlace::Shared { name: name.clone(), address };
    let vault = match begun(context, typed, (&name, &goes_to), &place, &file, &cargo)? {
        Some(vault) => vault,
        None => found(context, typed, label, &name, place)?,
    };
    for account in &cargo.stays {
        context.ui.warning(&format!(
            "{account} stays in {}, since the identity of this machine renews it",
            file.shown()
        ));
    }
    if cargo.is_empty() && cargo.gone.is_empty() {
        context.ui.status(&format!("{} has nothing to hand over", file.shown()));
    } else if cargo.is_empty() {
        let whereabouts = carrying::whereabouts(&cargo.gone);
        context.ui.status(&format!("{} has nothing left to move: {whereabouts}", file.shown()));
    } else {
        note_taking(context, &name, source.location());
        let moved = carrying::deliver(&file.context, (&source, cargo), (&vault, goes_to), "vault")?;
        let (them, file) = (counted(moved, "credential"), file.shown());
        context.ui.status(&format!("moved {them} into `{name}`: nothing is left in {file}"));
    }
    tell_use(context, &name);
    context.ui.line(&vault.join_line(&vault.roster()?))
}

/// Returns the vault at the address if an earlier `init --from` founded it and moved nothing into it,
/// or not all. `None` if there is none.
fn begun(
    context: &Context,
    typed: &SharedName,
    (name, goes_to): (&str, &DestinationPlace),
    place: &Place,
    file: &carrying::File,
    cargo: &Move<'_>,
) -> Result<Option<Opened>, CliError> {
    let check_way = |vault: Option<&str>| {
        let checked = cargo.check_way(vault, goes_to);
        checked.map_err(|error| file.explained(error.into()))
    };
    if place.pin.is_none() {
        check_way(None)?;
        if cargo.is_empty() && !cargo.gone.is_empty() {
            return Err(carrying::nothing_left(context, &file.shown(), &cargo.gone));
        }
        return Ok(None);
    }
    let opening = || shared::open(place.clone());
    let opened = match context.ui.while_waiting("opening the vault", opening) {
        Err(ops::Error::Store(StoreError::Shared(SharedError::NoVault { .. })))
            if !cargo.is_interrupted() =>
        {
            return Ok(None);
        }
        opened => opened?,
    };
    check_way(Some(&opened.name()))?;
    let is_new = || {
        Ok::<_, CliError>(
            shared::roster(&opened)?.members().len() == 1 && carrying::holds_nothing(&opened),
        )
    };
    let may_go_on = cargo.is_empty() || cargo.is_interrupted() || cargo.goes_to(&opened.name());
    if !may_go_on && !is_new()? {
        let what = format!("the vault `{name}` is at this address, and has credentials or members");
        return Err(CliError::new(Kind::Usage, what).hint(
            "make another one with `--name`, or bring what the file has into it in a bundle: `tokctl \
             help shared`",
        ));
    }
    Ok(Some(Opened::of(typed.clone(), opened)))
}

/// Founds a vault at `place`, and keeps it under `name`.
fn found(
    context: &Context,
    typed: &SharedName,
    label: Option<&Label>,
    name: &str,
    place: Place,
) -> Result<Opened, CliError> {
    let label = match label {
        Some(label) => label.clone(),
        None => own_label(context),
    };
    let founding = || shared::found(place, label.clone());
    let vault =
        Opened::of(typed.clone(), context.ui.while_waiting("founding the vault", founding)?);
    let head = vault.roster()?.head();
    keep(context, name, typed, &head.to_string())?;
    context.ui.status(&format!("founded the vault `{name}`, with you as its admin `{label}`"));
    context.ui.status(&format!("its head is {head}"));
    context.ui.status(&format!("let a user of the database only read it: {FOR_READERS}"));
    Ok(vault)
}

fn join(context: &Context, line: &str, kept: &Kept) -> Result<(), CliError> {
    let typed = shared_name(line)?;
    let Some(pin) = typed.pin.clone() else {
        let what = "the join line is cut off: it ends with `#`, a number and 52 letters and digits";
        return Err(CliError::new(Kind::Usage, what)
            .hint("put what an admin gave you between single quotes, all of it"));
    };
    let identity = || member_identity::of_user_or_new(context, kept.key_slot);
    let place = vaults::place_for(context, &typed, identity)?;
    let opening = || shared::open(place);
    let vault = Opened::of(typed.clone(), context.ui.while_waiting("opening the vault", opening)?);
    let roster = vault.roster()?;
    let name = joined_name(context, &typed, kept, &vault)?;
    keep(context, &name, &typed, &pin)?;
    if let Some(own) = roster.member(vault.own_id()?) {
        context.ui.status(&format!("joined the vault `{name}` as `{}`, {}", own.label, own.role));
    }
    tell_use(context, &name);
    Ok(())
}

/// Reads the address of a vault that is to be founded.
fn unpinned(text: &str) -> Result<SharedName, CliError> {
    let typed = shared_name(text)?;
    if typed.pin.is_some() {
        return Err(CliError::new(Kind::Usage, "a new vault has no join line yet")
            .hint("leave out `#` and what is behind it, or `tokctl vault join` with all of it"));
    }
    Ok(typed)
}

/// Reads the address of a shared vault.
fn shared_name(text: &str) -> Result<SharedName, CliError> {
    let text = text.trim();
    if !is_address(text) {
        let what = format!("`{}` is no address of a database", printable(text));
        return Err(CliError::new(Kind::Usage, what)
            .hint("it is as `postgres://tokctl@db.example/tokctl`, or `service=NAME`"));
    }
    Ok(SharedName::of(text))
}

/// Returns the name that was given, or else the `usual` one.
fn chosen_name(kept: &Kept, usual: String) -> Result<String, CliError> {
    let name = kept.name.clone().unwrap_or(usual);
    if is_name(&name) {
        return Ok(name);
    }
    let what = "a vault's name has lower-case letters, digits, `-` and `_`";
    Err(CliError::new(Kind::Usage, what).hint("choose one with `--name`"))
}

/// Returns the error for a `name` under which another vault is kept here: without its join line nobody
/// could find that one again.
fn taken(name: &str) -> CliError {
    let what = format!("another vault was joined as `{name}`");
    CliError::new(Kind::Usage, what).hint("choose another name with `--name`")
}

/// Returns the name under which `vault` is kept here: the one that it has, or a new one.
fn joined_name(
    context: &Context,
    typed: &SharedName,
    kept: &Kept,
    vault: &Opened,
) -> Result<String, CliError> {
    let joined = context.joined_vaults()?;
    let address = typed.address_without_password();
    let is_this = |other: &JoinedVault| {
        other.address == address && shared::has_entry(vault, &other.pin).is_ok_and(|has| has)
    };
    if kept.name.is_none()
        && let Some((name, _)) = joined.all_at(&address).find(|(_, vault)| is_this(vault))
    {
        return Ok(name.to_owned());
    }
    let name = chosen_name(kept, typed.usual_name())?;
    match joined.named(&name) {
        Some(other) if !is_this(other) => Err(taken(&name)),
        Some(_) | None => Ok(name),
    }
}

/// Keeps the vault under its name, with the entry at which this machine begins to trust. The password,
/// if the address had one, is not kept.
fn keep(context: &Context, name: &str, typed: &SharedName, pin: &str) -> Result<(), CliError> {
    let Some(path) = context.joined_path() else {
        context.ui.warning("neither HOME nor XDG_DATA_HOME says where the join line could be kept");
        return Ok(());
    };
    let mut joined = context.joined_vaults()?;
    joined.keep(name, typed.address_without_password(), pin);
    joined.store(&path).map_err(|error| {
        CliError::new(Kind::Failed, "the join line could not be kept").caused_by(&error)
    })
}

/// Notes that the vault called `name` takes over what is in `file`, for those who look into that one
/// later. Nothing depends on it.
fn note_taking(context: &Context, name: &str, file: &Path) {
    let (Some(path), Ok(mut joined)) = (context.joined_path(), context.joined_vaults()) else {
        return;
    };
    if joined.note_taking(name, file)
        && let Err(error) = joined.store(&path)
    {
        log::debug!("what was moved could not be noted: {error}");
    }
}

/// Says how other commands find the vault.
fn tell_use(context: &Context, name: &str) {
    let is_usual = context.joined_vaults().is_ok_and(|joined| joined.is_usual(name));
    let file = context.usual_file();
    let is_missing = |path| matches!(Vault::open_read_only(path), Err(StoreError::NoVault { .. }));
    if is_usual && file.is_none_or(is_missing) {
        context.ui.status("commands without `--vault` use it from now on");
    } else {
        context.ui.status(&format!(
            "commands use it with `--vault {name}`, or where TOKCTL_VAULT={name} is set"
        ));
    }
}

/// Returns the label of the user on this machine, or `admin` if that is none.
fn own_label(context: &Context) -> Label {
    let user = context.environment.text("USER").or_else(|| context.environment.text("LOGNAME"));
    user.and_then(|user| user.parse().ok()).unwrap_or_else(Label::admin)
}
