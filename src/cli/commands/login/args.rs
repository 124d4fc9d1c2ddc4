//! The arguments of `tokctl login`, and which of them go together.

use super::guided::Answers;
use super::method::Method;
use super::{
    browser, by_address, client, consent, destination, service_account, static_token, workload,
};
use crate::cli::error::{CliError, Kind};
use crate::model::account::UserName;
use crate::model::reference::Named;

/// Log in to a service and store the credential
///
/// In the browser, with a code that is entered on another device, with a token that was made at the
/// service, as a client or as a service account. A person's own token is stored without a request.
/// The vault is made on first use.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  tokctl login jira --user alice@example.com --client-id ID --client-secret-file secret.txt
  tokctl login gdrive --client-secrets client_secret.json
  tokctl login gdrive --service-account key.json --subject alice@example.com
  tokctl login jira --user alice --server https://jira.example.com --token-stdin < pat.txt
  tokctl login jira --user alice --server https://example.atlassian.net \\
      --username alice@example.com --token-stdin < api-token.txt
  tokctl login https://mcp.example.com")]
pub(crate) struct Args {
    /// The service: one that `tokctl providers` lists, with the name to keep it under if you like; or
    /// the address of one that names its authorization server, such as an MCP server
    #[arg(value_name = "PROVIDER[/USER]")]
    pub(super) named: Option<Named>,

    /// The name to keep it under, usually an e-mail address [env: TOKCTL_USER]
    #[arg(long, short, value_name = "USER")]
    pub(super) user: Option<UserName>,

    /// How to log in, where that is not clear by itself
    #[arg(long, value_name = "METHOD")]
    pub(super) method: Option<Method>,

    #[command(flatten)]
    pub(super) destination: destination::Args,

    #[command(flatten)]
    pub(super) static_token: static_token::Args,

    #[command(flatten)]
    pub(super) client: client::Args,

    #[command(flatten)]
    pub(super) consent: consent::Args,

    #[command(flatten)]
    pub(super) browser: browser::Args,

    #[command(flatten)]
    pub(super) service_account: service_account::Args,

    #[command(flatten)]
    pub(super) by_address: by_address::OwnArgs,

    #[command(flatten)]
    pub(super) workload: workload::Args,
}

impl Args {
    /// Returns whether a flag says how to log in.
    pub(super) fn says_how(&self) -> bool {
        self.method.is_some()
            || self.static_token.is_given()
            || self.client.names_client()
            || self.client.names_scopes()
            || self.consent.is_given()
            || self.browser.is_given()
            || self.service_account.is_given()
            || self.workload.is_given()
    }

    /// Returns these arguments completed with the answers of the guided login.
    pub(super) fn with_answers(&self, answers: &Answers) -> Self {
        let mut args = self.clone();
        args.method = args.method.or(answers.method);
        args.client.complete(&answers.client);
        let own = &mut args.static_token;
        own.username = own.username.take().or_else(|| answers.username.clone());
        own.token.clone_from(&answers.token);
        let file = &mut args.service_account.service_account;
        *file = file.take().or_else(|| answers.service_account.clone());
        args
    }

    /// Fails if a flag was given that a login by address does not use.
    pub(super) fn check_flags_by_address(&self) -> Result<(), CliError> {
        let method = self.method.unwrap_or(Method::Browser);
        let message = if !matches!(method, Method::Browser | Method::Device) {
            format!(
                "a login by address goes through the browser or by a code, not {}",
                method.described()
            )
        } else if self.destination.server.is_some() {
            "a login by address names its server already: leave out `--server`".to_owned()
        } else if self.browser.pages {
            "there are no pages to log in to by address: leave out `--pages`".to_owned()
        } else if self.client.is_googles() {
            "a client file from Google's console is not for a login by address".to_owned()
        } else {
            return self.check_flags(method);
        };
        Err(CliError::new(Kind::Usage, message).hint("tokctl login --help"))
    }

    /// Fails if a flag was given that the method would ignore.
    pub(super) fn check_flags(&self, method: Method) -> Result<(), CliError> {
        use Method::{Browser, ClientCredentials, Device, ServiceAccount, Token, WorkloadIdentity};
        // A login without a person has nobody to wait for: then it does not matter how.
        let is_for_machines = self.method.is_none()
            && matches!(method, ClientCredentials | ServiceAccount | WorkloadIdentity);
        let stray = [
            (self.static_token.is_given(), &[Token][..], "a token"),
            (self.browser.is_given(), &[Browser], "the browser"),
            (self.consent.is_given() && !is_for_machines, &[Browser, Device], "the browser"),
            (self.client.is_googles(), &[Browser, Device], "a client of Google's"),
            (self.client.names_client(), &[Browser, Device, ClientCredentials], "an OAuth client"),
            (
                self.client.names_scopes(),
                &[Browser, Device, ClientCredentials, ServiceAccount, WorkloadIdentity],
                "scopes",
            ),
            (self.service_account.is_given(), &[ServiceAccount], "a service account"),
            (self.workload.is_given(), &[WorkloadIdentity], "a job or workload"),
        ]
        .into_iter()
        .find(|(given, methods, _)| *given && !methods.contains(&method));
        match stray {
            None => Ok(()),
            Some((_, _, what)) => Err(CliError::new(
                Kind::Usage,
                format!("flags for {what} don't go with a login {}", method.described()),
            )
            .hint("tokctl login --help")),
        }
    }
}
