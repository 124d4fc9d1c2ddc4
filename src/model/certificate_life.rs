//! The time for which a certificate is valid (RFC 5280 §4.1.2.5).

use data_encoding::BASE64;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::der::{element, inside};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The beginning and the end of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CertificateLife {
    pub(crate) begins: Timestamp,
    pub(crate) ends: Timestamp,
}

/// Returns the life of the first certificate in `pem`; `None` if it can't be read.
pub(crate) fn of_first(pem: &str) -> Option<CertificateLife> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_ascii_whitespace().collect();
    let der = BASE64.decode(body.as_bytes()).ok()?;
    let (mut certificate, _) = inside(&der, SEQUENCE)?;
    (certificate, _) = inside(certificate, SEQUENCE)?;
    if certificate.first() == Some(&VERSION) {
        certificate = element(certificate)?.2;
    }
    // The serial number, the algorithm and the issuer stand before it.
    for _ in 0..3 {
        certificate = element(certificate)?.2;
    }
    let (validity, _) = inside(certificate, SEQUENCE)?;
    let (begins, rest) = time(validity)?;
    let (ends, _) = time(rest)?;
    Some(CertificateLife { begins, ends })
}

fn time(der: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (tag, content, rest) = element(der)?;
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let text = match tag {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    Some((time.to_zoned(TimeZone::UTC).ok()?.timestamp(), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PEM: &str = include_str!("../oauth/made_up_tls/client.pem");

    #[test]
    fn a_certificate_says_when_it_ends() {
        let life = of_first(PEM).unwrap();
        assert_eq!(life.begins.to_string(), "2026-11-28T15:27:12Z");
        assert_eq!(life.ends.to_string(), "2126-11-04T15:27:12Z");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(at in 0..PEM.len(), letter in "[A-Za-z0-9+/=\\n-]", cut in 0..PEM.len()) {
            let mut text = PEM.to_owned();
            text.replace_range(at..=at, &letter);
            let _ = of_first(&text);
            let _ = of_first(&PEM[..cut]);
            let _ = of_first(&format!("{}\n-----END CERTIFICATE-----", &PEM[..cut]));
        }
    }
}
