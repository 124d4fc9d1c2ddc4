//! Output formats for a token, one file each. They decide nothing about which token is printed.

mod rendered;
mod json;
mod header;
mod headers_json;
mod exec_credential;
mod env;
mod curl;
mod netrc;
mod adc;
mod google_executable;

use zeroize::Zeroizing;

use self::rendered::Rendered;
use crate::cli::ci_mask::{self, CiMask};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::time;
use crate::model::account::Account;
use crate::ops::token::{LiveToken, token_of};
use crate::secret::{AccessToken, SecretText};

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// The token alone
    Token,
    /// An object with the token and all that is known of it
    Json,
    /// The lines of an HTTP request that carry the token, as the service wants it
    Header,
    /// An object with these headers
    HeadersJson,
    /// Variables for a shell: TOKCTL_TOKEN, TOKCTL_USERNAME, TOKCTL_API_BASE_URL; those that do not
    /// apply are unset
    Env,
    /// The same headers for `curl -K -`
    Curl,
    /// A line of a .netrc file, for services that take the token as a password
    Netrc,
    /// Google's application default credentials; hands out the refresh token
    Adc,
    /// What Google's libraries take from a program: an ID token, or a token that is a JWT
    GoogleExecutable,
    /// What kubectl takes from a credential plugin
    ExecCredential,
}

/// Prints the token of `account` in this format.
///
/// With `platform`, the CI platform masks the token first.
pub(super) fn print(
    format: Format,
    platform: Option<CiMask>,
    context: &Context,
    account: &Account,
    live_token: &LiveToken,
) -> Result<(), CliError> {
    let token = token_of(account, &live_token.credential)?;
    let format = if context.ui.json { Format::Json } else { format };
    if format == Format::Token {
        if let Some(platform) = platform {
            ci_mask::mask(&context.ui, platform, [token.expose()])?;
        }
        let token = token.expose();
        let mut output = Zeroizing::new(Vec::with_capacity(token.len() + 1));
        output.extend_from_slice(token.as_bytes());
        output.push(b'\n');
        return context.ui.data(&output);
    }
    let rendered = render(format, context, account, live_token, token)?;
    if let Some(platform) = platform {
        let secrets = rendered.secrets.iter().map(|secret| secret.as_str());
        ci_mask::mask(&context.ui, platform, secrets)?;
    }
    context.ui.data(rendered.text.as_bytes())
}

fn render(
    format: Format,
    context: &Context,
    account: &Account,
    live_token: &LiveToken,
    token: &AccessToken,
) -> Result<Rendered, CliError> {
    let credential = &live_token.credential;
    match format {
        Format::Token | Format::Json => json::render(account, live_token, token, time::now()),
        Format::Header => header::render(credential, token),
        Format::HeadersJson => headers_json::render(credential, token),
        Format::Env => Ok(env::render(credential, token)),
        Format::Curl => curl::render(credential, token),
        Format::Netrc => netrc::render(account, credential, token),
        Format::Adc => adc::render(context, account, credential),
        Format::GoogleExecutable => google_executable::render(account, credential, token),
        Format::ExecCredential => exec_credential::render(context, credential, token),
    }
}
