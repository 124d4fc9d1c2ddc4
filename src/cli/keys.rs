//! The unlocking of the vault: by a secret from the environment, by the keychain, or by a question.

use std::cell::{Cell, RefCell};
use std::path::Path;

use zeroize::Zeroizing;

use super::context::{ANSWERED, Context, UNANSWERED};
use super::error::{CliError, Kind};
use super::explain::{RESTORE, how_to_unlock, keep_writers_out};
use super::key_material;
use super::questions::{given, some_secret};
use super::slot_choice::SlotChoice;
use super::time;
use crate::ops::error::StoreError;
use crate::ops::key_slots::{Patience, SlotId};
use crate::ops::key_text::{self, Given, Malformed};
use crate::ops::{self, OpenVault, SlotError, SlotKind, SlotSecret, Vault};
use crate::paths;
use crate::secret::{Passphrase, SecretText};

/// The hint for giving the passphrase where no prompt is possible.
const PASSPHRASE_FLAG: &str = "set TOKCTL_PASSPHRASE or TOKCTL_PASSPHRASE_FILE";

/// The hint for a first slot that is to open with a key.
const MAKE_A_KEY: &str =
    "make a key with `tokctl key generate > FILE`, and set TOKCTL_KEY_FILE to that file";

/// The hint for giving a recovery code where no prompt is possible.
const RECOVERY_FLAG: &str = "set TOKCTL_KEY or TOKCTL_KEY_FILE to a recovery code";

/// Room for a recovery code with more hyphens and spaces than anybody types, in bytes.
const LONGEST_CODE: usize = 1024;

/// The number of times that a person may type the secret of a vault.
const TRIES: usize = 3;

/// Unlocks `vault` with the secret that the environment gives, and with nothing else if there is
/// one.
///
/// Without such a secret the keychain is tried, then a prompt for a passphrase or a recovery code.
///
/// Warns of what others could write, since only what is sealed there is safe from them.
pub(crate) fn unlock(context: &Context, vault: Vault) -> Result<OpenVault, CliError> {
    warn_of_writers(context, &vault);
    Ok(unlocked(context, vault)?.with_watermarks(context.watermarks()))
}

/// Warns of what others could write, of the vault and of what leads to it.
fn warn_of_writers(context: &Context, vault: &Vault) {
    let loose = vault.still_loose();
    if !loose.is_empty() {
        let shown: Vec<String> = loose.iter().map(|path| format!("`{}`", path.display())).collect();
        let what = shown.join(" and ");
        let mending = keep_writers_out(&loose);
        context.ui.warning(&format!("{what} can be written by others: {mending}"));
    }
}

fn unlocked(context: &Context, vault: Vault) -> Result<OpenVault, CliError> {
    #[cfg(feature = "postgres")]
    let vault = match vault.opened() {
        Ok(opened) => return Ok(opened),
        Err(vault) => vault,
    };
    if context.is_of_another() {
        return one_of_two(context, vault);
    }
    if let Some(with) = from_environment(context)? {
        return Ok(vault.unlock(with)?);
    }
    let kinds = kinds(&vault)?;
    unlocked_here(context, vault, &kinds)
}

/// Unlocks one of two vaults that the command is about.
///
/// A secret that the environment gives may be that of the other one. So each of them is tried that fits
/// a key slot, and then what is tried where none is given.
fn one_of_two(context: &Context, vault: Vault) -> Result<OpenVault, CliError> {
    let kinds = kinds(&vault)?;
    let (mut vault, mut refused) = (vault, None);
    let given = [key_material::key(context)?, key_material::passphrase(context)?];
    for with in given.into_iter().flatten().filter(|with| kinds.contains(&with.kind())) {
        match vault.unlock(with) {
            Ok(vault) => return Ok(vault),
            Err(locked) if matches!(locked.error, StoreError::WrongSecret { .. }) => {
                (vault, refused) = (locked.vault, Some(locked.error));
            }
            Err(locked) => return Err(locked.into()),
        }
    }
    match refused {
        Some(error) if !kinds.contains(&SlotKind::Keychain) && !context.ui.can_ask() => {
            Err(error.into())
        }
        Some(_) | None => unlocked_here(context, vault, &kinds),
    }
}

/// Returns the kind of each key slot of `vault`.
fn kinds(vault: &Vault) -> Result<Vec<SlotKind>, CliError> {
    Ok(vault.slots()?.iter().map(|slot| slot.kind).collect())
}

/// Unlocks `vault`, which has slots of these `kinds`, without the environment: with the keychain, or with
/// what a person types.
fn unlocked_here(
    context: &Context,
    vault: Vault,
    kinds: &[SlotKind],
) -> Result<OpenVault, CliError> {
    let typed = Typed::of(kinds).filter(|_| context.ui.can_ask());
    if let Some(typed) = typed
        && !kinds.contains(&SlotKind::Keychain)
    {
        return unlock_by_asking(context, vault, typed, None);
    }
    if !kinds.contains(&SlotKind::Keychain) {
        return Err(nothing_given(context, kinds));
    }
    let with = SlotSecret::Keychain(patience(context));
    let opened = context.ui.while_waiting("waiting for the keychain", || vault.unlock(with));
    match (opened, typed) {
        (Ok(vault), _) => Ok(vault),
        (Err(locked), Some(typed)) if matches!(locked.error, StoreError::Keychain { .. }) => {
            unlock_by_asking(context, locked.vault, typed, None)
        }
        (Err(locked), _) => Err(locked.into()),
    }
}

/// Whether the passphrase of the vault has to be typed here: nothing else opens it.
pub(crate) fn asks_for_passphrase(context: &Context) -> bool {
    let environment = &context.environment;
    let variables = [
        "TOKCTL_KEY",
        "TOKCTL_KEY_FILE",
        "TOKCTL_KEY_COMMAND",
        "TOKCTL_PASSPHRASE",
        "TOKCTL_PASSPHRASE_FILE",
    ];
    let is_given = variables.iter().any(|name| environment.is_set(name))
        || environment.has_key_among_credentials();
    let slots = || Vault::open_unlocked(context.vault().ok()?).and_then(|vault| vault.slots()).ok();
    let has = |kind| slots().is_some_and(|slots| slots.iter().any(|slot| slot.kind == kind));
    !is_given && has(SlotKind::Passphrase) && !has(SlotKind::Keychain)
}

/// Returns the error for a vault that the keychain does not open, where nothing else is given.
fn nothing_given(context: &Context, kinds: &[SlotKind]) -> CliError {
    if kinds.is_empty() {
        let what = "the vault has no key slot: nothing opens it";
        return CliError::new(Kind::VaultDamaged, what).hint(RESTORE);
    }
    let mut wanted: Vec<&str> = Vec::new();
    for kind in kinds {
        let name = match kind {
            SlotKind::Keychain => continue,
            SlotKind::Key => "key",
            SlotKind::Passphrase => "passphrase",
            SlotKind::Recovery => "recovery code",
        };
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    let subject = context.subject();
    let message = format!("nothing here opens {subject}: its {} is missing", wanted.join(" or "));
    CliError::new(Kind::KeyUnavailable, message).hint(how_to_unlock(kinds))
}

/// Asks for the secret that opens `vault`, or its slot `only`, and asks again if it does not.
///
/// A secret is tried while the question is open: what is typed meanwhile does not show either.
fn unlock_by_asking(
    context: &Context,
    vault: Vault,
    typed: Typed,
    only: Option<SlotId>,
) -> Result<OpenVault, CliError> {
    let (locked, tries) = (RefCell::new(Some(vault)), Cell::new(0));
    typed.ask(context, |secret| {
        let vault = locked.take().expect("each try that fails gives it back");
        let still_locked = match vault.unlock_with(secret, only) {
            Ok(vault) => return Ok(Ok(vault)),
            Err(still_locked) => still_locked,
        };
        if !matches!(still_locked.error, StoreError::WrongSecret { .. }) {
            return Ok(Err(still_locked.into()));
        }
        tries.set(tries.get() + 1);
        if tries.get() == TRIES {
            let subject = context.subject();
            let message = format!("nothing that was typed opens {subject}, after {TRIES} tries");
            let error = CliError::new(Kind::KeyUnavailable, message).hint("tokctl key list");
            return Ok(Err(error));
        }
        locked.replace(Some(still_locked.vault));
        let subject = context.subject();
        Err(format!("that does not open {subject}: look for a slip, and type it again"))
    })?
}

/// Opens the vault at `path` with the secret that a person types.
fn unlock_typed(context: &Context, path: &Path, typed: Typed) -> Result<OpenVault, CliError> {
    let vault = unlock_by_asking(context, Vault::open(path)?, typed, None)?;
    Ok(vault.with_watermarks(context.watermarks()))
}

/// Opens the vault for writing, and creates it with its first slot if it does not exist.
///
/// A slot that `slot` names by its id opens the vault alone, and creates none. The first slot of a
/// new vault has the kind that `slot` names, else the kind of the secret in the environment,
/// else it is in the keychain.
pub(crate) fn open_or_create(
    context: &Context,
    slot: Option<SlotChoice>,
) -> Result<OpenVault, CliError> {
    let slot = match slot {
        Some(SlotChoice::Id(id)) => return unlock_slot(context, id),
        Some(SlotChoice::Kind(kind)) => Some(kind),
        None => None,
    };
    let path = context.vault()?;
    let exists = match Vault::open_read_only(path) {
        Ok(vault) => vault.is_finished()?,
        Err(StoreError::NoVault { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    let with = match slot {
        None if exists => return unlock(context, Vault::open(path)?),
        None => {
            from_environment(context)?.unwrap_or_else(|| SlotSecret::Keychain(patience(context)))
        }
        Some(SlotKind::Keychain) => SlotSecret::Keychain(patience(context)),
        Some(kind @ SlotKind::Key) => key_from_environment(context, kind)?.ok_or_else(|| {
            CliError::new(Kind::Usage, "a `key` slot needs a key").hint(MAKE_A_KEY)
        })?,
        Some(SlotKind::Passphrase) => match key_material::passphrase(context)? {
            Some(with) => with,
            None if exists => {
                return unlock_typed(context, path, Typed::Passphrase);
            }
            None => ask_new_passphrase(context)?,
        },
        Some(kind @ SlotKind::Recovery) => match key_from_environment(context, kind)? {
            None if exists => {
                return unlock_typed(context, path, Typed::Recovery);
            }
            with => with.ok_or_else(no_first_recovery)?,
        },
    };
    if !exists {
        check_first(&with)?;
    }
    let may_choose = slot.is_none() && with.kind() == SlotKind::Keychain && context.ui.can_ask();
    let open = |with| {
        let opening = || ops::open_or_create(path, with, time::now);
        let opened = context.ui.while_waiting("opening the vault", opening);
        opened.map(|vault| vault.with_watermarks(context.watermarks()))
    };
    match open(with) {
        // Never by itself: a passphrase is weaker than a keychain, and somebody has to want it.
        Err(error @ ops::Error::Keychain { .. }) if may_choose => {
            let error = CliError::from(error);
            context.ui.warning(&format!("there is no keychain to use here: {}", error.as_reason()));
            let subject = context.subject();
            let question =
                format!("protect {subject} with a passphrase instead, which is asked for");
            if !context.ui.confirm(&question, "give `--key-slot`")? {
                return Err(error);
            }
            Ok(open(ask_new_passphrase(context)?)?)
        }
        opened => Ok(opened?),
    }
}

/// Opens the vault for writing with the slot `id` and no other.
fn unlock_slot(context: &Context, id: SlotId) -> Result<OpenVault, CliError> {
    let vault = Vault::open(context.vault()?)?;
    let slots = vault.slots()?;
    let slot = slots.iter().find(|slot| slot.id == id);
    let kind = slot.ok_or(ops::Error::from(SlotError::Unknown { id }))?.kind;
    let (with, typed) = match kind {
        SlotKind::Keychain => (Some(SlotSecret::Keychain(patience(context))), None),
        SlotKind::Key => (key_from_environment(context, kind)?, None),
        SlotKind::Passphrase => (key_material::passphrase(context)?, Some(Typed::Passphrase)),
        SlotKind::Recovery => (key_from_environment(context, kind)?, Some(Typed::Recovery)),
    };
    let opened = match (with, typed) {
        (Some(with), _) => {
            context.ui.while_waiting("opening the vault", || vault.unlock_with(with, Some(id)))?
        }
        (None, Some(typed)) => unlock_by_asking(context, vault, typed, Some(id))?,
        (None, None) => {
            return Err(CliError::new(Kind::Usage, format!("the key slot {id} needs its key"))
                .hint("set TOKCTL_KEY or TOKCTL_KEY_FILE to it"));
        }
    };
    Ok(opened.with_watermarks(context.watermarks()))
}

/// Returns the secret that the environment gives, if any. A key comes before a passphrase.
fn from_environment(context: &Context) -> Result<Option<SlotSecret>, CliError> {
    match key_material::key(context)? {
        Some(key) => Ok(Some(key)),
        None => key_material::passphrase(context),
    }
}

/// Returns the key or recovery code in the environment if it fits a slot of this kind.
fn key_from_environment(context: &Context, kind: SlotKind) -> Result<Option<SlotSecret>, CliError> {
    Ok(key_material::key(context)?.filter(|with| with.kind() == kind))
}

/// Fails if a vault must not begin with this secret.
fn check_first(with: &SlotSecret) -> Result<(), CliError> {
    match with {
        SlotSecret::Recovery(_) => Err(no_first_recovery()),
        SlotSecret::Passphrase(passphrase) => {
            key_material::long_enough("TOKCTL_PASSPHRASE", passphrase.clone()).map(drop)
        }
        SlotSecret::Key(_) | SlotSecret::Keychain(_) => Ok(()),
    }
}

fn no_first_recovery() -> CliError {
    CliError::new(Kind::Usage, "a vault can't begin with a recovery code")
        .hint("choose another `--key-slot`, then `tokctl key add recovery`")
}

/// The secrets that a user can type to open the vault.
#[derive(Debug, Clone, Copy)]
enum Typed {
    Passphrase,
    Recovery,
    Either,
}

impl Typed {
    fn of(slots: &[SlotKind]) -> Option<Self> {
        let has = |kind| slots.contains(&kind);
        match (has(SlotKind::Passphrase), has(SlotKind::Recovery)) {
            (true, true) => Some(Self::Either),
            (true, false) => Some(Self::Passphrase),
            (false, true) => Some(Self::Recovery),
            (false, false) => None,
        }
    }

    /// Asks until `accept` takes the secret that was typed, and returns what it makes of it. It
    /// gives the reason where it does not.
    fn ask<T>(
        self,
        context: &Context,
        accept: impl Fn(SlotSecret) -> Result<T, String>,
    ) -> Result<T, CliError> {
        let (secret, flag) = match self {
            Self::Passphrase => ("passphrase", PASSPHRASE_FLAG),
            Self::Recovery => ("recovery code", RECOVERY_FLAG),
            Self::Either => ("passphrase or recovery code", PASSPHRASE_FLAG),
        };
        let what = format!("{secret} of {}", context.subject());
        // A code that was printed in several rows may be pasted so: a row ends with a hyphen.
        let rows = RefCell::new(Zeroizing::new(String::with_capacity(LONGEST_CODE)));
        loop {
            let begun = !rows.borrow().is_empty();
            let prompt = if begun { "the next row of the code" } else { &what };
            let answer = context.ui.ask_secret(prompt, flag, |typed| {
                let typed: Passphrase = some_secret(typed)?;
                let mut code = rows.borrow_mut();
                code.push_str(typed.expose());
                let secret = match (self, key_text::given(&code)) {
                    (Self::Passphrase, _) | (Self::Either, Err(Malformed::Prefix)) => {
                        SlotSecret::Passphrase(typed)
                    }
                    (
                        Self::Recovery | Self::Either,
                        Ok(Given::Slot(code @ SlotSecret::Recovery(_))),
                    ) => code,
                    (Self::Recovery | Self::Either, Err(Malformed::Checksum))
                        if code.trim_end().ends_with('-') =>
                    {
                        return Ok(None);
                    }
                    (Self::Recovery | Self::Either, _) => {
                        code.clear();
                        let reason = "that is no recovery code: look for a slip, and type it again";
                        return Err(reason.into());
                    }
                };
                code.clear();
                accept(secret).map(Some)
            })?;
            if let Some(accepted) = given(answer)? {
                return Ok(accepted);
            }
        }
    }
}

fn ask_new_passphrase(context: &Context) -> Result<SlotSecret, CliError> {
    context
        .ui
        .ask_new_secret(
            &format!("new passphrase for {}", context.subject()),
            PASSPHRASE_FLAG,
            key_material::check_new_passphrase,
        )
        .map(SlotSecret::Passphrase)
}

/// Returns how long the keychain may take, with time for the user to answer its prompt: at a
/// terminal, or on a screen unless no questions are wanted.
pub(crate) fn patience(context: &Context) -> Patience {
    let patience = patience_without_prompt(context);
    if context.ui.can_ask() || context.ui.may_ask && has_screen(context) {
        return Patience { limit: ANSWERED, may_prompt: true, ..patience };
    }
    patience
}

/// Whether a prompt of the keychain would be seen on a screen.
fn has_screen(context: &Context) -> bool {
    let is_set = |name| context.environment.get(name).is_some_and(|value| !value.is_empty());
    is_set("WAYLAND_DISPLAY") || is_set("DISPLAY")
}

/// Returns how long the keychain may take when it must not show a prompt.
pub(crate) fn patience_without_prompt(context: &Context) -> Patience {
    let session = paths::session(|name| context.environment.get(name));
    Patience { limit: UNANSWERED, may_prompt: false, session }
}

/// Generates a new key and returns its text form.
pub(crate) fn generate() -> Result<Zeroizing<String>, CliError> {
    Ok(key_text::generate()?)
}
