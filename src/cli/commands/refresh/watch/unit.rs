//! The systemd user unit of the service.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf, absolute};

use crate::cli::commands::refresh::args::Args;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::typed::quoted;
use crate::ops::error::StoreError;
use crate::ops::{SlotKind, Vault};
use crate::untrusted::printable;

/// The unit's sandbox, which allows the network and the vault, and nothing else.
const SANDBOX: &str = "\
# It may use the network and write to its vault, and so may hooks.
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
LimitCORE=0
UMask=0077";

/// The line about the key of a vault that opens without one, for whoever adds a key.
const NO_KEY: &str = "#LoadCredential=tokctl.key:%h/.config/tokctl/tokctl.key";

/// Prints the unit that runs this program with `args` on this vault.
pub(in crate::cli::commands::refresh) fn print(
    args: &Args,
    context: &Context,
) -> Result<(), CliError> {
    let nowhere = |error: std::io::Error| {
        CliError::new(Kind::Failed, "could not find out where this program is").caused_by(&error)
    };
    let program = std::env::current_exe().map_err(nowhere)?;
    let vault = context.vault()?;
    // A sandbox rule needs the directory itself, not a link to it.
    let vault = vault.canonicalize().or_else(|_| absolute(vault)).map_err(nowhere)?;
    let metrics = args.metrics.as_deref().map(absolute).transpose().map_err(nowhere)?;
    let config = context.named_config().map(absolute).transpose().map_err(nowhere)?;
    let writable = [Some(&vault), metrics.as_ref()];
    let writable: Vec<&Path> =
        writable.into_iter().flatten().filter_map(|path| path.parent()).collect();
    let command = command(args, &program, &vault, config.as_deref(), metrics.as_deref())?;
    let key_file = context.environment.get("TOKCTL_KEY_FILE").map(absolute).transpose();
    let key = match key_file.map_err(nowhere)? {
        Some(file) => {
            let mut credential = OsString::from("tokctl.key:");
            credential.push(file);
            format!("LoadCredential={}", words([Path::new(&credential)])?)
        }
        None => NO_KEY.to_owned(),
    };
    warn_of_missing(context, &vault, metrics.as_deref());
    context.ui.data(unit(&command, &key, &words(writable)?).as_bytes())
}

/// Warns of what the service will not find when it starts: its key, its vault, and the directory
/// that it is to write to.
fn warn_of_missing(context: &Context, vault: &Path, metrics: Option<&Path>) {
    let environment = &context.environment;
    let key_file = environment.get("TOKCTL_KEY_FILE").map(PathBuf::from);
    let elsewhere =
        ["TOKCTL_KEY", "TOKCTL_KEY_COMMAND", "TOKCTL_PASSPHRASE", "TOKCTL_PASSPHRASE_FILE"];
    let named = elsewhere.iter().any(|name| environment.is_set(name));
    let slots = Vault::open_unlocked(vault).and_then(|vault| vault.slots());
    let kinds: Vec<SlotKind> = slots.iter().flatten().map(|slot| slot.kind).collect();
    let shown = |path: &Path| printable(&path.to_string_lossy());
    let mut missing = Vec::new();
    match key_file {
        Some(file) if !file.exists() => {
            missing.push(format!("`{}`, which TOKCTL_KEY_FILE names, is not there", shown(&file)));
        }
        Some(_) if !kinds.is_empty() && !kinds.contains(&SlotKind::Key) => missing.push(
            "the service gets the key in TOKCTL_KEY_FILE, and the vault has no `key` slot: `tokctl \
             key add --help`"
                .into(),
        ),
        None if named => missing.push(
            "the service gets no variables: keep the key in a file and name that in TOKCTL_KEY_FILE"
                .into(),
        ),
        None if !kinds.is_empty() && !kinds.contains(&SlotKind::Keychain) => missing.push(
            "nothing gives the service what opens the vault: keep a key in a file and name that in \
             TOKCTL_KEY_FILE"
                .into(),
        ),
        Some(_) | None => {}
    }
    if matches!(slots, Err(StoreError::NoVault { .. })) {
        missing.push(format!(
            "there is no vault at `{}` yet, and without one the service ends: log in first",
            shown(vault)
        ));
    }
    if let Some(directory) = metrics.and_then(Path::parent).filter(|path| !path.is_dir()) {
        let make = quoted(&directory.to_string_lossy());
        missing.push(format!(
            "`{}` is not there, and without it the service does not start: mkdir -p {make}",
            shown(directory)
        ));
    }
    for what in missing {
        context.ui.warning(&what);
    }
}

fn unit(command: &str, key: &str, writable: &str) -> String {
    format!(
        "\
# Made by `tokctl refresh --watch --print-unit`. Kept as ~/.config/systemd/user/tokctl.service:
#   systemctl --user daemon-reload && systemctl --user enable --now tokctl.service
# So that it runs while you are not logged in, once: loginctl enable-linger

[Unit]
Description=Keeps the tokens in tokctl's vault fresh
Documentation=man:tokctl-refresh(1)

[Service]
Type=notify
ExecStart={command}
# For a vault with a `key` slot, whose key systemd hands over:
{key}
Restart=on-failure
RestartSec=60
WatchdogSec=120
{SANDBOX}
# These take unprivileged user namespaces: where the system has none, they have to go.
PrivateUsers=yes
ProtectSystem=strict
ReadWritePaths={writable}
PrivateTmp=yes
PrivateDevices=yes

[Install]
WantedBy=default.target
"
    )
}

/// Returns the service's command line with absolute paths: the unit has another environment.
fn command(
    args: &Args,
    program: &Path,
    vault: &Path,
    config: Option<&Path>,
    metrics: Option<&Path>,
) -> Result<String, CliError> {
    let mut line: Vec<PathBuf> =
        vec![program.into(), "--no-input".into(), "--vault".into(), vault.into()];
    if let Some(config) = config {
        line.extend(["--config".into(), config.into()]);
    }
    line.extend(["refresh".into(), "--watch".into()]);
    line.extend(["--every".into(), format!("{:#}", args.every).into()]);
    line.extend(["--jobs".into(), args.jobs.to_string().into()]);
    if let Some(metrics) = metrics {
        line.extend(["--metrics".into(), metrics.into()]);
    }
    if let Some(user) = &args.choice.user {
        line.push(format!("--user={}", user.as_str()).into());
    }
    if let Some(provider) = &args.choice.provider {
        line.push(provider.as_str().into());
    }
    if let Some(address) = &args.choice.address {
        line.push(address.as_str().into());
    }
    words(line.iter().map(PathBuf::as_path))
}

/// Quotes texts as words of a unit's line (systemd.syntax(7), systemd.service(5)).
fn words<'a>(texts: impl IntoIterator<Item = &'a Path>) -> Result<String, CliError> {
    let mut line = String::new();
    for path in texts {
        let text = path.to_str().ok_or_else(|| {
            CliError::new(Kind::Usage, format!("`{}` is no text", path.display()))
                .hint("name another path")
        })?;
        let _ = write!(line, "{}{}", if line.is_empty() { "" } else { " " }, word(text));
    }
    Ok(line)
}

fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@+=:,./-".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    let mut word = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => word.extend(['\\', character]),
            '%' | '$' => word.extend([character, character]),
            other if other.is_control() => {
                let mut bytes = [0; 4];
                for byte in other.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(word, "\\x{byte:02x}");
                }
            }
            other => word.push(other),
        }
    }
    word.push('"');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_what_systemd_would_take_for_something_else() {
        assert_eq!(word("/usr/bin/tokctl"), "/usr/bin/tokctl");
        assert_eq!(word("--user=a b"), r#""--user=a b""#);
        assert_eq!(word(r#"50%$x"\"#), r#""50%%$$x\"\\""#);
        assert_eq!(word("a\nb"), r#""a\x0ab""#);
        assert_eq!(word(""), r#""""#);
    }
}
