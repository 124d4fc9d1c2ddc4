//! The reasons why a private key signs nothing.

use crate::model::signing::SigningAlgorithm;

/// The reason why a private key signs nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unusable {
    #[error("it is neither a private key in PEM nor a JWK")]
    NoKey,
    #[error("it begins like a JWK and is no JSON")]
    NoJson,
    #[error("its JWK has a field that is no text, or a field twice")]
    OddField,
    /// The file is one of a cloud's service account, which logs in in another way.
    #[error("it is the file of a service account, which `--service-account` takes")]
    ServiceAccount,
    #[error(
        "it is encrypted, and tokctl keeps keys under its own seal: `openssl pkey` decrypts it"
    )]
    Encrypted,
    #[error("it is a public key, and only the private one signs")]
    Public,
    /// A symmetric key (RFC 7518 §6.4).
    #[error(
        "it is a shared secret (`kty` is `oct`) and no private key: give it as the client's secret"
    )]
    Shared,
    #[error("its form is OpenSSH's own: `ssh-keygen -p -m PKCS8 -f FILE` converts it")]
    OpenSsh,
    #[error(
        "its form is older than PKCS #8 and lacks the public half: `openssl pkcs8 -topk8 -nocrypt` converts it"
    )]
    Sec1,
    /// The key is malformed, too short, or of another type or curve.
    #[error("it is no RSA key of 2048 bits or more, no P-256 key and no Ed25519 key")]
    OtherType,
    #[error("its JWK lacks `{0}`")]
    Lacks(&'static str),
    /// A private RSA key with its exponent alone: RFC 7518 (6.3.2) allows that, and few libraries read it.
    #[error(
        "its JWK has `d` without the factors `p`, `q`, `dp`, `dq` and `qi`, which tokctl needs: export it with them"
    )]
    LacksFactors,
    #[error("the `{0}` of its JWK is no base64url")]
    NotEncoded(&'static str),
    #[error("its set holds no key")]
    EmptySet,
    #[error("its set holds several private keys: `client_key_id` says which one is meant")]
    Several,
    #[error("its set holds no private key with the id `{0}`")]
    NoSuchId(String),
    #[error("its JWK is for `{0}`, which tokctl does not sign with")]
    OtherUse(String),
    #[error("it can't sign with {0}")]
    OtherAlgorithm(SigningAlgorithm),
    /// The server takes none of the key's algorithms.
    #[error("it signs with {own}, and the server takes {taken}")]
    NotTaken { own: SigningAlgorithm, taken: String },
    /// The system gave no random number.
    #[error("it could not be used just now")]
    NoRandomness,
}
