//! The binding of a password's proof to the TLS channel, `tls-server-end-point` (RFC 5929 §4.1): a
//! hash of the server's certificate.

use ring::digest;

/// The signatures whose hash is used in place of SHA-256, by the encoding of their identifier.
const LONGER: [(&[u8], &digest::Algorithm); 4] = [
    // sha384WithRSAEncryption and sha512WithRSAEncryption (RFC 8017, appendix C).
    (&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0C], &digest::SHA384),
    (&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0D], &digest::SHA512),
    // ecdsa-with-SHA384 and ecdsa-with-SHA512 (RFC 5758 §3.2).
    (&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03], &digest::SHA384),
    (&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x04], &digest::SHA512),
];

/// The signatures for which no hash is defined, or that name it in their parameters: RSASSA-PSS,
/// Ed25519 and Ed448.
const WITHOUT: [&[u8]; 3] = [
    &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A],
    &[0x2B, 0x65, 0x70],
    &[0x2B, 0x65, 0x71],
];

/// The tags of DER (X.690) that lead to the signature's identifier.
const SEQUENCE: u8 = 0x30;
const IDENTIFIER: u8 = 0x06;

/// Returns the hash of a server's `certificate`; `None` where none is defined for it.
pub(super) fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (content, _) = element(certificate, SEQUENCE)?;
    let (_, behind) = element(content, SEQUENCE)?;
    let (signature, _) = element(behind, SEQUENCE)?;
    let (identifier, _) = element(signature, IDENTIFIER)?;
    if WITHOUT.contains(&identifier) {
        return None;
    }
    let longer = LONGER.iter().find(|(known, _)| *known == identifier);
    let algorithm = longer.map_or(&digest::SHA256, |(_, algorithm)| *algorithm);
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

/// Returns the content of the element with `tag` at the beginning of `bytes`, and what stands behind
/// it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    if *found != tag {
        return None;
    }
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            (length.iter().fold(0, |all, byte| all << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns an element of DER.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        let length = if length < 0x80 { vec![length] } else { vec![0x81, length] };
        [&[tag], length.as_slice(), content].concat()
    }

    fn certificate(identifier: &[u8]) -> Vec<u8> {
        let signature = der(SEQUENCE, &der(IDENTIFIER, identifier));
        der_long(&[der(SEQUENCE, &[7; 200]), signature].concat())
    }

    fn der_long(content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[SEQUENCE, 0x82], length.as_slice(), content].concat()
    }

    #[test]
    fn the_hash_is_that_of_the_signature_and_never_a_weak_one() {
        let length =
            |identifier: &[u8]| server_end_point(&certificate(identifier)).map(|hash| hash.len());
        // sha1WithRSAEncryption, sha256WithRSAEncryption.
        let rsa = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01];
        assert_eq!(length(&[rsa.as_slice(), &[0x05]].concat()), Some(32));
        assert_eq!(length(&[rsa.as_slice(), &[0x0B]].concat()), Some(32));
        for (identifier, algorithm) in LONGER {
            assert_eq!(length(identifier), Some(algorithm.output_len()));
        }
        for identifier in WITHOUT {
            assert_eq!(length(identifier), None);
        }
        assert_eq!(server_end_point(b"\x30\x82nonsense"), None);
    }
}
