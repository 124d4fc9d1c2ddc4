//! Proof Key for Code Exchange (RFC 7636), with S256 and nothing else.
//!
//! Makes the code verifier and its challenge. Which requests carry them is the caller's business.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

use crate::secret::{CodeVerifier, SecretText};

/// Returns a new code verifier for one attempt at one login: 32 random octets as 43 characters, the
/// length that RFC 7636 §4.1 recommends.
pub(crate) fn code_verifier() -> Result<CodeVerifier, getrandom::Error> {
    let mut octets = [0; 32];
    getrandom::fill(&mut octets)?;
    Ok(CodeVerifier::from_trusted(BASE64URL_NOPAD.encode(&octets)))
}

/// Returns the `code_challenge` of a verifier under `code_challenge_method=S256` (RFC 7636 §4.2).
pub(crate) fn code_challenge(verifier: &CodeVerifier) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(verifier.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        let verifier =
            CodeVerifier::from_trusted("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into());
        assert_eq!(code_challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_verifier_is_43_unreserved_characters_and_new_each_time() {
        let verifier = code_verifier().unwrap();
        assert_eq!(verifier.expose().len(), 43);
        assert!(
            verifier
                .expose()
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        assert_ne!(verifier.expose(), code_verifier().unwrap().expose());
    }
}
