//! Private keys in PEM (RFC 7468): PKCS #8 (RFC 5958), PKCS #1 (RFC 8017) and SEC 1 (RFC 5915).

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::pair::Pair;
use super::unusable::Unusable;
use crate::model::der;

/// The curve P-256, as an object identifier in DER (RFC 5480 §2.1.1.1).
const P256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

/// Tags of DER, the last two of them those of the optional parts of an elliptic curve's key.
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const CURVE: u8 = 0xA0;
const PUBLIC: u8 = 0xA1;

/// Reads the first private key in `text`.
pub(super) fn read(text: &str) -> Result<Pair, Unusable> {
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(Unusable::Encrypted);
    }
    if text.contains("BEGIN OPENSSH PRIVATE KEY") {
        return Err(Unusable::OpenSsh);
    }
    let is_public = [
        "BEGIN PUBLIC KEY",
        "BEGIN RSA PUBLIC KEY",
        "BEGIN CERTIFICATE",
        "ssh-rsa ",
        "ssh-ed25519 ",
    ];
    let no_key = || {
        let public = is_public.iter().any(|marker| text.contains(marker));
        if public { Unusable::Public } else { Unusable::NoKey }
    };
    match PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| no_key())? {
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der())
            .map(|pair| Pair::Rsa(Box::new(pair)))
            .map_err(|_| Unusable::OtherType),
        PrivateKeyDer::Pkcs8(key) => from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Sec1(key) => from_sec1(key.secret_sec1_der()),
        // The enum may grow.
        _ => Err(Unusable::NoKey),
    }
}

fn from_pkcs8(der: &[u8]) -> Result<Pair, Unusable> {
    let rsa = || RsaKeyPair::from_pkcs8(der).map(|pair| Pair::Rsa(Box::new(pair)));
    let p256 = || {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new())
            .map(Pair::P256)
    };
    // OpenSSL writes Ed25519 keys without the public half.
    let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Pair::Ed25519);
    rsa().or_else(|_| p256()).or_else(|_| ed25519()).map_err(|_| Unusable::OtherType)
}

/// Reads an elliptic curve's key (RFC 5915 §3). Its public half is optional there, and needed here.
fn from_sec1(der: &[u8]) -> Result<Pair, Unusable> {
    let read = || {
        let (key, _) = der::inside(der, SEQUENCE)?;
        let (_version, rest) = der::inside(key, INTEGER)?;
        let (private, mut rest) = der::inside(rest, OCTETS)?;
        let mut curve = None;
        if let Some((CURVE, named, behind)) = der::element(rest) {
            (curve, rest) = (Some(named), behind);
        }
        let public = match der::element(rest) {
            // The first byte says how many bits of the last one do not count: none.
            Some((PUBLIC, bits, _)) => der::inside(bits, BITS)?.0.strip_prefix(&[0]),
            Some(_) | None => None,
        };
        Some((private, curve, public))
    };
    let (private, curve, public) = read().ok_or(Unusable::OtherType)?;
    if curve.is_some_and(|curve| curve != P256) {
        return Err(Unusable::OtherType);
    }
    Pair::p256(private, public.ok_or(Unusable::Sec1)?)
}
