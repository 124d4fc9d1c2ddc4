//! The stores that can be read, and the keys that open them.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cli::client_settings;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::ops::import::{self, Found, SourceError};
use crate::secret::{SecretText, StoreKey};

/// Holds the key of another tool's store, whichever tool that is.
const KEY_VARIABLE: &str = "TOKCTL_IMPORT_KEY";

/// How to give that key where nobody can be asked.
const KEY_FLAG: &str = "give `--key-file`, or set TOKCTL_IMPORT_KEY";

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// What the file is
    #[arg(value_name = "SOURCE")]
    source: Source,

    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// A file with the key that the other tool encrypted with [env: TOKCTL_IMPORT_KEY, or the
    /// tool's own variable; for a bundle TOKCTL_BUNDLE_KEY, TOKCTL_BUNDLE_KEY_FILE,
    /// TOKCTL_BUNDLE_PASSPHRASE, TOKCTL_BUNDLE_PASSPHRASE_FILE]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// The stores that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Source {
    /// What `tokctl export` wrote; `-` for stdin
    Bundle,
    /// agentllm's SQLite file: jira_tokens, gdrive_tokens, github_tokens
    Agentllm,
    /// The Salla SDK's SQLite file: tokens by user
    Salla,
    /// A SQLite file of tokens by name, encrypted with STATE_TOKEN_SECRET
    StateTokens,
    /// PAuth's `.enc` files, a directory of them, or its tokens as JSON or in SQLite
    Pauth,
    /// etsy_users and shopify_stores, in SQLite or one of them as CSV
    RefreshService,
    /// Google's `authorized_user` file, or what `Credentials.to_json` gives
    Google,
    /// rclone.conf: its Google Drive remotes
    Rclone,
}

/// What comes in.
pub(super) enum Origin<'a> {
    /// What another vault sealed.
    Bundle { file: &'a Path, key_file: Option<&'a Path> },
    /// What another tool kept.
    Store(import::Source),
}

impl Source {
    /// The variable in which the other tool looks for the key of its store, if it has one.
    fn key_variable(self) -> Option<&'static str> {
        match self {
            Self::Agentllm => Some("AGENTLLM_TOKEN_ENCRYPTION_KEY"),
            Self::StateTokens => Some("STATE_TOKEN_SECRET"),
            Self::Bundle
            | Self::Pauth
            | Self::Salla
            | Self::RefreshService
            | Self::Google
            | Self::Rclone => None,
        }
    }

    /// What the key is called, to ask for it.
    fn key_name(self) -> &'static str {
        self.key_variable().unwrap_or("the key of that store")
    }
}

impl Args {
    /// What comes in, and where it stands.
    pub(super) fn origin(&self) -> Origin<'_> {
        let tool = match self.source {
            Source::Bundle => {
                let (file, key_file) = (self.file.as_path(), self.key_file.as_deref());
                return Origin::Bundle { file, key_file };
            }
            Source::Agentllm => import::Source::Agentllm,
            Source::Salla => import::Source::Salla,
            Source::StateTokens => import::Source::StateTokens,
            Source::Pauth => import::Source::Pauth,
            Source::RefreshService => import::Source::RefreshService,
            Source::Google => import::Source::Google,
            Source::Rclone => import::Source::Rclone,
        };
        Origin::Store(tool)
    }

    /// What is in the store; where it is encrypted and no key is set, a person is asked for that.
    pub(super) fn found(&self, tool: import::Source, context: &Context) -> Result<Found, CliError> {
        let key = self.store_key(context)?;
        match import::read(tool, &self.file, key.as_ref()) {
            Err(SourceError::NeedsKey { .. }) if key.is_none() && context.ui.can_ask() => {
                let asked = context.ui.ask_secret(self.source.key_name(), KEY_FLAG)?;
                Ok(import::read(tool, &self.file, Some(&asked))?)
            }
            found => Ok(found?),
        }
    }

    /// The key of the other tool's store: in a file, in a variable of tokctl's, or in its own.
    fn store_key(&self, context: &Context) -> Result<Option<StoreKey>, CliError> {
        if let Some(path) = &self.key_file {
            let text = Zeroizing::new(client_settings::read_text(path)?);
            return Ok(Some(StoreKey::from_trusted(
                text.trim_end_matches(['\r', '\n']).to_owned(),
            )));
        }
        let variables = [Some(KEY_VARIABLE), self.source.key_variable()];
        let set = variables.into_iter().flatten().find_map(|name| context.environment.text(name));
        Ok(set.map(StoreKey::from_trusted))
    }
}
