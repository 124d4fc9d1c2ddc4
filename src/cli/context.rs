//! The settings that every command needs, from flags and environment: the path of the vault, the
//! configuration, and whether questions are allowed.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use super::details;
use super::environment::Environment;
use super::error::{CliError, Kind};
use super::ui::{Color, Ui, Verbosity};
use super::vault_place::{IN_MEMORY, Meant, SharedName, VaultPlace, meant};
use crate::config::vaults::Joined;
use crate::config::{self, Config};
use crate::model::account::UserName;
use crate::ops::Watermarks;
use crate::paths;
use crate::untrusted::printable;

/// The time for which a secret is waited for where somebody may have to answer a question.
pub(crate) const ANSWERED: Duration = Duration::from_secs(60);

/// The time for which a secret is waited for where nobody can answer a question.
pub(crate) const UNANSWERED: Duration = Duration::from_secs(10);

/// Flags that every command takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default:
    /// $XDG_DATA_HOME/tokctl/tokens.db]
    #[arg(long, global = true, hide_short_help = true, value_name = "VAULT")]
    pub(crate) vault: Option<PathBuf>,

    /// The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) no_input: bool,

    /// Print data and errors as JSON
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) json: bool,

    /// When to use colours [env: NO_COLOR, CLICOLOR_FORCE]
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true
    )]
    #[arg(help = "When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]")]
    pub(crate) color: Color,

    /// Say less on stderr; twice: errors alone
    #[arg(short, long, global = true, hide_short_help = true, action = clap::ArgAction::Count)]
    pub(crate) quiet: u8,

    /// Show each request on stderr; twice: also what decides
    ///
    /// A request is one line with method, host, path, status and time, and never a value. TOKCTL_LOG
    /// says how much is shown without -q and -v: `error`, `warn`, `info` (the default), `debug` (as
    /// with -v) or `trace` (as with -vv).
    #[arg(short, long, global = true, hide_short_help = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The resolved global flags and environment variables.
pub(crate) struct Context {
    pub(crate) environment: Environment,
    pub(crate) ui: Ui,
    /// The vault that the user named, in a flag.
    vault_flag: Option<PathBuf>,
    /// The vault that the user named, in a flag or variable.
    vault_named: Option<PathBuf>,
    /// The path of the vault's file where none is named.
    vault_usual: Option<PathBuf>,
    place: OnceLock<VaultPlace>,
    /// The vault that this copy is for, beside the one that the command is about.
    other: Option<PathBuf>,
    /// The path of the configuration that the user named. This file has to exist.
    config_named: Option<PathBuf>,
    config_usual: Option<PathBuf>,
    config: OnceLock<Config>,
    /// Set once the vault is known to be a shared one that this user may only read.
    reader: OnceLock<()>,
}

impl Context {
    pub(crate) fn new(global: Global, environment: Environment) -> Result<Self, CliError> {
        Ui::set_color(
            global.color,
            environment.get("NO_COLOR").is_some(),
            environment.is_on("CLICOLOR_FORCE"),
            environment.is_on("CI"),
        );
        let may_ask =
            !global.no_input && !environment.is_on("TOKCTL_NO_INPUT") && !environment.is_on("CI");
        let verbosity = verbosity(&global, &environment)?;
        details::show(verbosity, global.json);
        let variable = |name: &str| environment.get(name);
        let path =
            |flag: Option<PathBuf>, name| flag.or_else(|| environment.get(name).map(PathBuf::from));
        let vault_flag = global.vault.clone();
        let vault_named = path(global.vault, "TOKCTL_VAULT");
        let vault_usual = paths::vault(variable);
        Ok(Self {
            ui: Ui {
                verbosity,
                json: global.json,
                may_ask,
                vault_flag: shown(vault_flag.as_deref()),
            },
            vault_flag,
            vault_named,
            vault_usual,
            place: OnceLock::new(),
            other: None,
            config_named: path(global.config, "TOKCTL_CONFIG"),
            config_usual: paths::config(variable),
            config: OnceLock::new(),
            reader: OnceLock::new(),
            environment,
        })
    }

    /// Whether the vault is in memory, for this command alone.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.vault_named.as_deref() == Some(Path::new(IN_MEMORY))
    }

    /// Returns the path of the vault's file where none is named.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    pub(crate) fn usual_file(&self) -> Option<&Path> {
        self.vault_usual.as_deref()
    }

    /// Returns the vault that the flag `--vault` named, without a password, if it was given.
    pub(crate) fn vault_flag(&self) -> Option<String> {
        shown(self.vault_flag.as_deref())
    }

    /// Whether no vault is named, so that the usual one is meant.
    pub(crate) fn means_usual_vault(&self) -> bool {
        self.vault_named.is_none()
    }

    /// Returns the place of the vault. Fails when nothing says where that is.
    pub(crate) fn place(&self) -> Result<&VaultPlace, CliError> {
        if let Some(place) = self.place.get() {
            return Ok(place);
        }
        let place = self.find_place()?;
        match &place {
            VaultPlace::File(path) => log::trace!("the vault is `{}`", path.display()),
            VaultPlace::Memory | VaultPlace::Shared(_) => {}
        }
        Ok(self.place.get_or_init(|| place))
    }

    fn find_place(&self) -> Result<VaultPlace, CliError> {
        let Some(named) = &self.vault_named else {
            return self.vault_usual.clone().map(VaultPlace::File).ok_or_else(|| {
                CliError::new(Kind::Usage, "neither HOME nor XDG_DATA_HOME says where the vault is")
                    .hint("name it with `--vault`")
            });
        };
        Ok(match meant(named.as_os_str()) {
            Meant::Memory => VaultPlace::Memory,
            Meant::File => VaultPlace::File(named.clone()),
            Meant::Address(text) => VaultPlace::Shared(SharedName::of(text)),
            Meant::Name(name) => {
                if let Some(configured) = self.config()?.vaults.get(name) {
                    VaultPlace::of_configured(configured)
                } else if let Some(joined) = self.joined_vaults()?.named(name) {
                    let pin = Some(joined.pin.clone());
                    VaultPlace::Shared(SharedName { address: joined.address.clone(), pin })
                } else {
                    VaultPlace::File(named.clone())
                }
            }
        })
    }

    /// Returns the path of the vault's file. Fails where there is none: when nothing says where that
    /// is, for a shared vault, and for a vault in memory, which only the commands have that ask for
    /// [`Self::is_in_memory`] before.
    pub(crate) fn vault(&self) -> Result<&PathBuf, CliError> {
        match self.place()? {
            VaultPlace::File(path) => Ok(path),
            VaultPlace::Memory => Err(CliError::new(
                Kind::Usage,
                format!(
                    "`{IN_MEMORY}` lasts for one `get`, `run` or `env`, and this needs a vault"
                ),
            )
            .hint("name the file of a vault with `--vault`, or unset TOKCTL_VAULT")),
            VaultPlace::Shared(_) => Err(of_files_alone()),
        }
    }

    /// Returns the shared vaults that this user joined.
    pub(crate) fn joined_vaults(&self) -> Result<Joined, CliError> {
        let Some(path) = self.joined_path() else { return Ok(Joined::default()) };
        Joined::load(&path).map_err(|error| {
            CliError::new(Kind::Usage, "the file of the vaults that were joined can't be used")
                .caused_by(&error)
                .hint("tokctl help vault join")
        })
    }

    /// Returns the path of the file that names the vaults which this user joined.
    pub(crate) fn joined_path(&self) -> Option<PathBuf> {
        paths::joined_vaults(|name| self.environment.get(name))
    }

    /// Returns the path of the file with this user's identity.
    pub(crate) fn identity_path(&self) -> Option<PathBuf> {
        paths::identity(|name| self.environment.get(name))
    }

    /// Returns a copy for another vault, in the file at `path`.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    pub(crate) fn for_file(&self, path: PathBuf) -> Self {
        Self {
            vault_named: Some(path.clone()),
            place: VaultPlace::File(path.clone()).into(),
            other: Some(path),
            reader: OnceLock::new(),
            ..self.copy()
        }
    }

    /// Returns a copy for the vault in the file at `path`, which is used beside the identity of this
    /// user: see [`Environment::beside_identity`]. Hints name the file, as if `--vault` had.
    #[cfg(feature = "postgres")]
    pub(crate) fn for_file_beside_identity(&self, path: PathBuf, is_identity: bool) -> Self {
        let environment = self.environment.beside_identity(is_identity);
        Self { environment, vault_flag: Some(path.clone()), ..self.for_file(path) }
    }

    /// Whether this copy is for another vault beside the one that the command is about.
    pub(crate) fn is_of_another(&self) -> bool {
        self.other.is_some()
    }

    /// Returns what a question and a message call the vault.
    pub(crate) fn subject(&self) -> String {
        match &self.other {
            Some(path) if self.identity_path().as_ref() == Some(path) => "your identity".into(),
            Some(path) => format!("`{}`", printable(&path.to_string_lossy())),
            None => "the vault".into(),
        }
    }

    fn copy(&self) -> Self {
        Self {
            environment: self.environment.clone(),
            ui: self.ui.clone(),
            vault_flag: self.vault_flag.clone(),
            vault_named: self.vault_named.clone(),
            vault_usual: self.vault_usual.clone(),
            place: self.place.clone(),
            other: self.other.clone(),
            config_named: self.config_named.clone(),
            config_usual: self.config_usual.clone(),
            config: OnceLock::new(),
            reader: self.reader.clone(),
        }
    }

    /// Notes that the vault of the command is a shared one that this user may only read.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "of shared vaults"))]
    pub(crate) fn note_reader(&self) {
        let _ = self.reader.set(());
    }

    /// Whether the vault of the command turned out to be a shared one that this user may only read: then
    /// others refresh and log in.
    pub(crate) fn is_reader(&self) -> bool {
        self.reader.get().is_some()
    }

    /// Returns how long the keychain, a command or a pipe may take to bring a secret: longer where
    /// somebody may have to answer.
    pub(crate) fn patience(&self) -> Duration {
        if self.ui.can_ask() { ANSWERED } else { UNANSWERED }
    }

    /// Returns the path of the configuration if the user named one.
    pub(crate) fn named_config(&self) -> Option<&Path> {
        self.config_named.as_deref()
    }

    /// Returns the path of the configuration, whether or not the file exists.
    pub(crate) fn config_path(&self) -> Option<&Path> {
        self.config_named.as_deref().or(self.config_usual.as_deref())
    }

    /// Returns a copy for a thread that may outlive this command: it prints no warnings and asks
    /// nothing.
    pub(crate) fn detach(&self) -> Self {
        let ui = Ui { verbosity: Verbosity::Errors, may_ask: false, ..self.ui.clone() };
        Self { ui, ..self.copy() }
    }

    /// Returns the configuration, which the first call reads.
    pub(crate) fn config(&self) -> Result<&Config, CliError> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let config = match (&self.config_named, &self.config_usual) {
            (Some(named), _) => config::load(named)?,
            (None, Some(usual)) => config::load_if_present(usual)?,
            (None, None) => Config::default(),
        };
        for variable in config.secret_variables() {
            self.environment.withhold(variable);
        }
        Ok(self.config.get_or_init(|| config))
    }

    /// Keeps from every child that starts from now on the variables that the configuration names as
    /// ones with a secret. One that can't be read names none.
    pub(crate) fn withhold_secrets(&self) {
        let _ = self.config();
    }

    /// Returns what this machine saw of its vaults.
    pub(crate) fn watermarks(&self) -> Watermarks {
        Watermarks::in_directory(paths::state(|name| self.environment.get(name)))
    }

    /// Returns the directory for what this machine remembers and keeps of shared vaults.
    #[cfg(feature = "postgres")]
    pub(crate) fn state_directory(&self) -> Option<PathBuf> {
        paths::state(|name| self.environment.get(name))
    }

    /// Returns the user that `TOKCTL_USER` names, if it is set.
    pub(crate) fn default_user(&self) -> Result<Option<UserName>, CliError> {
        self.environment.text("TOKCTL_USER").map(|user| user_name(&user)).transpose()
    }
}

/// Returns the error for a shared vault, where a command is for one in a file.
pub(crate) fn of_files_alone() -> CliError {
    CliError::new(Kind::Usage, "this is for a vault in a file, not for a shared one")
        .hint("name the file of a vault with `--vault`")
}

/// Parses the value of `TOKCTL_USER`.
fn user_name(text: &str) -> Result<UserName, CliError> {
    text.parse().map_err(|error: crate::model::account::Error| {
        CliError::new(Kind::Usage, "TOKCTL_USER is no user's name").caused_by(&error)
    })
}

fn verbosity(global: &Global, environment: &Environment) -> Result<Verbosity, CliError> {
    let base: i16 = match environment.text("TOKCTL_LOG").as_deref() {
        None | Some("info") => 2,
        Some("error") => 0,
        Some("warn") => 1,
        Some("debug") => 3,
        Some("trace") => 4,
        Some(_) => {
            return Err(CliError::new(
                Kind::Usage,
                "TOKCTL_LOG is none of error, warn, info, debug and trace",
            )
            .hint("unset TOKCTL_LOG"));
        }
    };
    Ok(match base + i16::from(global.verbose) - i16::from(global.quiet) {
        ..=0 => Verbosity::Errors,
        1 => Verbosity::Warnings,
        2 => Verbosity::Status,
        3 => Verbosity::Details,
        4.. => Verbosity::Decisions,
    })
}

/// Returns the value of `--vault` as a command to type has it: without a password.
fn shown(flag: Option<&Path>) -> Option<String> {
    let flag = flag?.to_string_lossy().into_owned();
    Some(match meant(flag.as_ref()) {
        Meant::Address(text) => SharedName::of(text).text_without_password(),
        Meant::Memory | Meant::Name(_) | Meant::File => flag,
    })
}
