//! Shopify's proof that an authorization response is its own: an HMAC over the query.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use crate::oauth::authorization_response::Check;
use crate::secret::{ClientSecret, SecretText};

/// The greatest age of a response, and the greatest lead of Shopify's clock.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(90);

/// The check of Shopify's authorization responses.
#[derive(Debug)]
pub(crate) struct ResponseCheck {
    pub(crate) secret: ClientSecret,
    /// The shop that was asked, such as `made-up.myshopify.com`.
    pub(crate) shop: String,
    pub(crate) clock: fn() -> Timestamp,
}

impl Check for ResponseCheck {
    fn check(&self, query: &str) -> Result<(), &'static str> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err("a parameter comes twice");
            }
        }
        let hmac = parameters.remove("hmac").ok_or("it has no `hmac`")?;
        parameters.remove("signature");
        if !self.is_signed(&parameters, &hmac) {
            return Err("its `hmac` is wrong");
        }
        if parameters.get("shop") != Some(&self.shop) {
            return Err("it is another shop's");
        }
        let at = parameters.get("timestamp").and_then(|at| at.parse().ok());
        let at = at.and_then(|at| Timestamp::from_second(at).ok()).ok_or("it has no time")?;
        if (self.clock)().duration_since(at).abs() > MAX_AGE {
            return Err("it is too old, or this machine's clock is wrong");
        }
        Ok(())
    }
}

impl ResponseCheck {
    /// Whether `hmac` signs the parameters, which are joined as a query in the order of their
    /// names.
    fn is_signed(&self, parameters: &BTreeMap<String, String>, hmac: &str) -> bool {
        let message =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let key = self.secret.expose().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(message.as_bytes());
        let expected = HEXLOWER.encode(&mac.finalize().into_bytes());
        expected.as_bytes().ct_eq(hmac.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "made-up.myshopify.com";

    fn now() -> Timestamp {
        Timestamp::constant(1_700_000_000, 0)
    }

    fn signed() -> ResponseCheck {
        let secret = ClientSecret::from_trusted("made-up-secret".into());
        ResponseCheck { secret, shop: SHOP.into(), clock: now }
    }

    // printf 'code=c%%2F1&host=aG9zdA%%3D%%3D&shop=made-up.myshopify.com&state=s&timestamp=1700000000' |
    //     openssl dgst -sha256 -hmac made-up-secret
    const HMAC: &str = "0b264b59c014ec7cdb6e82860a760f8b55796600b0c99706555a77a6431d0640";

    fn query(shop: &str, timestamp: i64, hmac: &str) -> String {
        format!("hmac={hmac}&timestamp={timestamp}&state=s&shop={shop}&host=aG9zdA%3D%3D&code=c/1")
    }

    #[test]
    fn an_answer_is_shopifys_if_its_hmac_its_shop_and_its_time_are_right() {
        assert_eq!(signed().check(&query(SHOP, 1_700_000_000, HMAC)), Ok(()));
        assert!(signed().check(&query(SHOP, 1_700_000_001, HMAC)).is_err());
        assert!(signed().check(&query("evil.com", 1_700_000_000, HMAC)).is_err());
        assert!(signed().check(&query(SHOP, 1_700_000_000, &HMAC.to_uppercase())).is_err());
        assert!(signed().check(&query(SHOP, 1_700_000_000, "")).is_err());
        assert!(signed().check("code=c&state=s").is_err());
        let twice = format!("{}&shop=evil.com", query(SHOP, 1_700_000_000, HMAC));
        assert_eq!(signed().check(&twice), Err("a parameter comes twice"));
    }

    #[test]
    fn an_answer_of_another_shop_or_time_is_refused_though_it_is_signed() {
        let answer = query(SHOP, 1_700_000_000, HMAC);
        let another = ResponseCheck { shop: "other.myshopify.com".into(), ..signed() };
        assert_eq!(another.check(&answer), Err("it is another shop's"));
        for (clock, fresh) in [
            ((|| Timestamp::constant(1_700_000_090, 0)) as fn() -> Timestamp, true),
            (|| Timestamp::constant(1_700_000_091, 0), false),
            (|| Timestamp::constant(1_699_999_909, 0), false),
        ] {
            assert_eq!(ResponseCheck { clock, ..signed() }.check(&answer).is_ok(), fresh);
        }
    }
}
