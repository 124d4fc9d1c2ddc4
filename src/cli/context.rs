//! The settings that every command needs, from flags and environment: the path of the vault, the
//! configuration, and whether questions are allowed.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use super::details;
use super::environment::Environment;
use super::error::{CliError, Kind};
use super::ui::{Color, Ui, Verbosity};
use crate::config::{self, Config};
use crate::model::account::UserName;
use crate::ops::Watermarks;
use crate::paths;

/// The time for which a secret is waited for where somebody may have to answer a question.
pub(crate) const ANSWERED: Duration = Duration::from_secs(60);

/// The time for which a secret is waited for where nobody can answer a question.
pub(crate) const UNANSWERED: Duration = Duration::from_secs(10);

/// The name of a vault that is in memory.
const IN_MEMORY: &str = "memory:";

/// Flags that every command takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The vault's file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
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
    vault: Option<PathBuf>,
    /// The path of the configuration that the user named. This file has to exist.
    config_named: Option<PathBuf>,
    config_usual: Option<PathBuf>,
    config: OnceLock<Config>,
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
        let vault = path(global.vault, "TOKCTL_VAULT").or_else(|| paths::vault(variable));
        if let Some(vault) = &vault {
            log::trace!("the vault is `{}`", vault.display());
        }
        Ok(Self {
            ui: Ui { verbosity, json: global.json, may_ask },
            vault,
            config_named: path(global.config, "TOKCTL_CONFIG"),
            config_usual: paths::config(variable),
            config: OnceLock::new(),
            environment,
        })
    }

    /// Whether the vault is in memory, for this command alone.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.vault.as_deref() == Some(Path::new(IN_MEMORY))
    }

    /// Returns the path of the vault's file. Fails when nothing says where that is, and for a vault
    /// in memory, which only the commands have that ask for [`Self::is_in_memory`] before.
    pub(crate) fn vault(&self) -> Result<&PathBuf, CliError> {
        if self.is_in_memory() {
            return Err(CliError::new(
                Kind::Usage,
                format!(
                    "`{IN_MEMORY}` lasts for one `get`, `run` or `env`, and this needs a vault"
                ),
            )
            .hint("name the file of a vault with `--vault`, or unset TOKCTL_VAULT"));
        }
        self.vault.as_ref().ok_or_else(|| {
            CliError::new(Kind::Usage, "neither HOME nor XDG_DATA_HOME says where the vault is")
                .hint("name it with `--vault`")
        })
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
        Self {
            environment: self.environment.clone(),
            ui: Ui { verbosity: Verbosity::Errors, json: self.ui.json, may_ask: false },
            vault: self.vault.clone(),
            config_named: self.config_named.clone(),
            config_usual: self.config_usual.clone(),
            config: OnceLock::new(),
        }
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

    /// Returns the user that `TOKCTL_USER` names, if it is set.
    pub(crate) fn default_user(&self) -> Result<Option<UserName>, CliError> {
        self.environment.text("TOKCTL_USER").map(|user| user_name(&user)).transpose()
    }
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
