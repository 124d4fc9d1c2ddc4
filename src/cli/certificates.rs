//! The certificates that a definition names in files: those that are trusted beside the system's, and
//! the client's own.

use jiff::Timestamp;

use super::client_settings::{read_secret_text, read_text};
use super::context::Context;
use super::error::{CliError, Kind};
use super::time;
use crate::model::certificate_life;
use crate::model::client_authentication::TokenEndpointAuthMethod;
use crate::model::client_certificate::ClientCertificate;
use crate::ops::providers::{self, Provider};
use crate::secret::{PrivateKey, SecretText};

/// Returns the certificates (PEM) that the definition trusts beside the system's.
pub(crate) fn trusted_certificates(provider: &Provider) -> Result<Option<String>, CliError> {
    let Some(path) = provider.definition.ca_file.as_deref() else { return Ok(None) };
    let text = read_text(path)?;
    if certificates_in(&text).is_empty() {
        let message = format!(
            "`{}`, the `ca_file` of `{}`, holds no certificate in PEM",
            path.display(),
            provider.name
        );
        return Err(CliError::new(Kind::Usage, message).hint("mend `ca_file` in config.toml"));
    }
    Ok(Some(text))
}

/// Returns the certificate that the definition has for the client, with its key.
///
/// Fails when a file can't be read, when the key is not the certificate's, and when the certificate
/// has ended or not begun, except where the server looks at the certificate itself alone.
pub(crate) fn client_certificate(
    context: &Context,
    provider: &Provider,
) -> Result<Option<ClientCertificate>, CliError> {
    let (name, definition) = (&provider.name, &provider.definition);
    let mend = |what: String| CliError::new(Kind::Usage, what).hint(MEND_CERTIFICATE);
    let path = match (&definition.client_certificate_file, &definition.client_certificate_key_file)
    {
        (Some(path), _) => path,
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            return Err(mend(format!(
                "`{name}` has a `client_certificate_key_file` and no `client_certificate_file`"
            )));
        }
    };
    let (certificate, key) = if let Some(key) = &definition.client_certificate_key_file {
        (read_text(path)?, read_secret_text(context, key)?)
    } else {
        // The key stands in the same file, and is a secret that goes nowhere else.
        let both = read_secret_text(context, path)?;
        (certificates_in(&both), both)
    };
    let certificate = certificates_in(&certificate);
    let key = PrivateKey::from_trusted(key.to_string());
    let own = ClientCertificate { certificate, key, binds_tokens: false };
    if !providers::can_show(&own) {
        return Err(mend(format!(
            "`client_certificate_file` and `client_certificate_key_file` of `{name}` hold no certificate in PEM with the key that belongs to it"
        )));
    }
    let method = definition.token_endpoint_auth_method;
    if method == Some(TokenEndpointAuthMethod::SelfSignedTlsClientAuth) {
        return Ok(Some(own));
    }
    let now = time::now();
    match certificate_life::of_first(&own.certificate) {
        Some(life) if life.ends < now => {
            let when = time::rfc3339(life.ends);
            Err(mend(format!("the certificate in `{}` ended on {when}", path.display())))
        }
        Some(life) if life.begins > now => {
            let when = time::rfc3339(life.begins);
            Err(mend(format!("the certificate in `{}` begins on {when}", path.display())))
        }
        Some(_) | None => Ok(Some(own)),
    }
}

/// Returns the end of the certificate that the definition has for the client, if it is over and the
/// server looks at that.
pub(crate) fn ended_certificate(provider: &Provider, now: Timestamp) -> Option<Timestamp> {
    let definition = &provider.definition;
    let path = definition.client_certificate_file.as_ref()?;
    let method = definition.token_endpoint_auth_method;
    if method == Some(TokenEndpointAuthMethod::SelfSignedTlsClientAuth) {
        return None;
    }
    let life = certificate_life::of_first(&read_text(path).ok()?)?;
    Some(life.ends).filter(|ends| *ends < now)
}

/// The hint where the client's certificate can't be shown.
const MEND_CERTIFICATE: &str =
    "mend `client_certificate_file` and `client_certificate_key_file` in config.toml";

/// Returns the certificates in a PEM text, without what stands beside them.
fn certificates_in(text: &str) -> String {
    const END: &str = "-----END CERTIFICATE-----";
    let parts = text.split_inclusive(END).filter(|part| part.ends_with(END));
    parts
        .filter_map(|part| Some(&part[part.rfind("-----BEGIN CERTIFICATE-----")?..]))
        .fold(String::new(), |all, one| all + one + "\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(word: &str, body: &str) -> String {
        format!("-----BEGIN {word}-----\n{body}\n-----END {word}-----\n")
    }

    proptest! {
        #[test]
        fn of_a_certificate_file_nothing_but_the_certificates_is_shown(
            parts in prop::collection::vec((0..4_u8, "[A-Za-z0-9+/]{4,40}"), 0..8)
        ) {
            let text: String = parts
                .iter()
                .map(|(kind, body)| match kind {
                    0 => block("CERTIFICATE", &format!("Y2Vy{body}")),
                    1 => block("PRIVATE KEY", &format!("c2VjcmV0{body}")),
                    2 => block("EC PARAMETERS", body),
                    _ => format!("subject=c2VjcmV0{body}\n"),
                })
                .collect();
            let shown = certificates_in(&text);
            let expected: String = parts
                .iter()
                .filter(|(kind, _)| *kind == 0)
                .map(|(_, body)| block("CERTIFICATE", &format!("Y2Vy{body}")))
                .collect();
            prop_assert_eq!(&shown, &expected);
            prop_assert!(!shown.contains("c2VjcmV0"));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(-----(BEGIN|END) (CERTIFICATE|KEY)-----|\\PC){0,12}") {
            let shown = certificates_in(&text);
            prop_assert!(shown.is_empty() || shown.starts_with("-----BEGIN CERTIFICATE-----"));
        }
    }
}
