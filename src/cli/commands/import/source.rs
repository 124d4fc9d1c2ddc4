//! Sources of an import, and the keys that open them.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cli::client_settings;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::ops::import::{self, Found, SourceError};
use crate::secret::{SecretText, StoreKey};

/// The variable that holds the key of another tool's store, whichever tool that is.
const KEY_VARIABLE: &str = "TOKCTL_IMPORT_KEY";

/// The file that stdin is.
const STDIN: &str = "/dev/stdin";

/// The hint for giving that key where no prompt is possible.
const KEY_FLAG: &str = "give `--key-file`, or set TOKCTL_IMPORT_KEY";

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// What the file is
    #[arg(value_name = "SOURCE")]
    source: Source,

    /// The file; `-` for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// A file with the key that the other tool encrypted with [env: TOKCTL_IMPORT_KEY, or the
    /// tool's own variable; for a bundle TOKCTL_BUNDLE_KEY, TOKCTL_BUNDLE_KEY_FILE,
    /// TOKCTL_BUNDLE_PASSPHRASE, TOKCTL_BUNDLE_PASSPHRASE_FILE]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// The kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Source {
    /// What `tokctl export` wrote
    Bundle,
    /// agentllm's tables: jira_tokens, gdrive_tokens, github_tokens
    Agentllm,
    /// The Salla SDK's table: tokens by user
    Salla,
    /// A table of tokens by name, encrypted with STATE_TOKEN_SECRET
    StateTokens,
    /// PAuth's `.enc` files, a directory of them, or its tokens as JSON or in a table
    Pauth,
    /// The tables etsy_users and shopify_stores
    RefreshService,
    /// Google's `authorized_user` file, or `token.json` of its libraries
    Google,
    /// rclone.conf: its Google Drive remotes
    Rclone,
}

/// The source as the operations see it.
pub(super) enum Origin<'a> {
    /// A bundle that another vault sealed.
    Bundle { file: &'a Path, key_file: Option<&'a Path> },
    /// A store of another tool.
    Store(import::Source),
}

impl Source {
    /// Returns the variable in which the other tool looks for its key, if it has one.
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

    /// Returns the name of the key, for the prompt.
    fn key_name(self) -> &'static str {
        self.key_variable().unwrap_or("the key of that store")
    }
}

impl Args {
    /// Returns the kind and file of the source.
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

    /// Reads the store of another tool. Asks for the key if the store is encrypted and no key is
    /// set.
    pub(super) fn read_store(
        &self,
        tool: import::Source,
        context: &Context,
    ) -> Result<Found, CliError> {
        let key = self.store_key(context)?;
        let file = if self.file.as_os_str() == "-" { STDIN.as_ref() } else { self.file.as_path() };
        match import::read(tool, file, key.as_ref()) {
            Err(SourceError::NeedsKey { .. }) if key.is_none() && context.ui.can_ask() => {
                let asked = context.ui.ask_for_secret(self.source.key_name(), KEY_FLAG)?;
                Ok(import::read(tool, file, Some(&asked))?)
            }
            found => Ok(found?),
        }
    }

    /// Returns the key of the store: from `--key-file`, from tokctl's variable, or from the tool's
    /// own.
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
