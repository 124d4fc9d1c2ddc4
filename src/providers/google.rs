//! Google's addresses: which of those in a file may be sent an identity or a token.

use super::error::Error;
use super::provider::Provider;
use crate::model::address::Address;

impl Provider {
    /// Fails unless an identity may be exchanged at `address`: where the definition says, or at
    /// another endpoint of Google's for it.
    pub(crate) fn expect_exchange(&self, address: &Address) -> Result<(), Error> {
        let own = self.definition.exchange_endpoint.as_deref();
        let is_googles = own.is_some_and(|own| is_of(own, "sts")) && is_of(address.as_str(), "sts");
        self.expect(own == Some(address.as_str()) || is_googles, address, "exchange_endpoint")
    }

    /// Fails unless a service account's token may be asked for at `address`: on the server that the
    /// definition names, or on another of Google's for it.
    pub(crate) fn expect_impersonation(&self, address: &Address) -> Result<(), Error> {
        let own = self.impersonation_endpoint("x")?;
        let is_own = own.url().origin() == address.url().origin();
        let is_googles = [&own, address].iter().all(|one| is_of(one.as_str(), "iamcredentials"));
        self.expect(is_own || is_googles, address, "impersonation_endpoint")
    }

    /// Fails unless `address` is the token endpoint of the definition.
    pub(crate) fn expect_token_endpoint(&self, address: &Address) -> Result<(), Error> {
        let own = self.definition.token_endpoint.as_deref();
        self.expect(own == Some(address.as_str()), address, "token_endpoint")
    }

    /// `setting` is the field of the definition that names the address.
    fn expect(
        &self,
        is_known: bool,
        address: &Address,
        setting: &'static str,
    ) -> Result<(), Error> {
        if is_known {
            return Ok(());
        }
        let (name, authority) = (self.name.to_string(), address.authority());
        Err(Error::Elsewhere { name, authority, setting })
    }
}

/// Whether `address` is one of Google's for `service`: for the whole world, or for one region.
fn is_of(address: &str, service: &str) -> bool {
    let Some(rest) = address.strip_prefix("https://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some(rest) = host.strip_prefix(service).and_then(|rest| rest.strip_prefix('.')) else {
        return false;
    };
    let is_region = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    rest == "googleapis.com" || rest.strip_suffix(".rep.googleapis.com").is_some_and(is_region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_a_file_is_googles_or_the_definitions() {
        let text = include_str!("gdrive.toml");
        let definition = toml::from_str(text).unwrap();
        let drive = Provider { name: "gdrive".parse().unwrap(), definition };
        let address = |text: &str| text.parse::<Address>().unwrap();
        for good in [
            "https://sts.googleapis.com/v1/token",
            "https://sts.us-east1.rep.googleapis.com/v1/token",
        ] {
            assert!(drive.expect_exchange(&address(good)).is_ok(), "{good}");
        }
        for bad in [
            "https://sts.googleapis.com.evil.example/v1/token",
            "https://evil.example/sts.googleapis.com",
            "https://sts.a.b.rep.googleapis.com/v1/token",
            "https://evilsts.googleapis.com/",
            "http://127.0.0.1:1/v1/token",
        ] {
            assert!(drive.expect_exchange(&address(bad)).is_err(), "{bad}");
        }
        let method = "v1/projects/-/serviceAccounts/a@b.example:generateAccessToken";
        let iam =
            |host: &str| drive.expect_impersonation(&address(&format!("https://{host}/{method}")));
        assert!(iam("iamcredentials.googleapis.com").is_ok());
        assert!(iam("iamcredentials.us-east1.rep.googleapis.com").is_ok());
        assert!(iam("iamcredentials.evil.example").is_err());
    }
}
