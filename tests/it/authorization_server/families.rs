//! What the server issued: authorization codes, and refresh tokens in their families.

use std::collections::{HashMap, HashSet};

use super::checks::Authorization;

/// Everything that was issued, numbered from one: `code-1`, `access-1`, `refresh-1`.
#[derive(Default, Clone)]
pub(crate) struct Families {
    codes: HashMap<String, Authorization>,
    codes_minted: usize,
    /// The nonces of the requests whose codes were redeemed, by the code.
    nonces: HashMap<String, String>,
    device_codes: HashSet<String>,
    device_codes_minted: usize,
    tokens_minted: usize,
    refresh_tokens: HashMap<String, Member>,
}

/// One refresh token: whose family it belongs to, named by its code, and whether it still works.
#[derive(Clone)]
struct Member {
    family: String,
    spent: bool,
}

/// What a refresh token that is presented turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Live,
    Spent,
    Unknown,
}

impl Families {
    /// Remembers what a person agreed to, and names the code for it.
    pub(super) fn mint_code(&mut self, authorization: Authorization) -> String {
        self.codes_minted += 1;
        let code = format!("code-{}", self.codes_minted);
        self.codes.insert(code.clone(), authorization);
        code
    }

    /// Takes the code out of circulation: it counts once (RFC 6749 §4.1.2).
    pub(super) fn redeem(&mut self, code: &str) -> Option<Authorization> {
        let authorization = self.codes.remove(code)?;
        if let Some(nonce) = authorization.param("nonce") {
            self.nonces.insert(code.to_owned(), nonce.to_owned());
        }
        Some(authorization)
    }

    /// The nonce with which the family of this code was asked for.
    pub(super) fn nonce(&self, family: &str) -> Option<&str> {
        self.nonces.get(family).map(String::as_str)
    }

    /// Names a new code for a device.
    pub(super) fn mint_device_code(&mut self) -> String {
        self.device_codes_minted += 1;
        let code = format!("device-{}", self.device_codes_minted);
        self.device_codes.insert(code.clone());
        code
    }

    /// Looks whether `code` was issued and not redeemed yet; if this is the end of it, it works no
    /// more.
    pub(super) fn device_code(&mut self, code: &str, over: bool) -> Result<(), String> {
        let known =
            if over { self.device_codes.remove(code) } else { self.device_codes.contains(code) };
        if known { Ok(()) } else { Err(format!("{code} was never issued, or was used before")) }
    }

    /// A new pair of tokens of this family: the access token's and the refresh token's number.
    pub(super) fn mint_tokens(
        &mut self,
        family: &str,
        with_refresh_token: bool,
    ) -> (String, String) {
        self.tokens_minted += 1;
        let number = self.tokens_minted;
        let refresh_token = format!("refresh-{number}");
        if with_refresh_token {
            let member = Member { family: family.to_owned(), spent: false };
            self.refresh_tokens.insert(refresh_token.clone(), member);
        }
        (format!("access-{number}"), refresh_token)
    }

    /// Remembers a refresh token that another program was given.
    pub(super) fn adopt(&mut self, refresh_token: &str) {
        let member = Member { family: refresh_token.to_owned(), spent: false };
        self.refresh_tokens.insert(refresh_token.to_owned(), member);
    }

    /// What `refresh_token` is worth.
    pub(super) fn standing(&self, refresh_token: &str) -> Standing {
        match self.refresh_tokens.get(refresh_token) {
            Some(member) if member.spent => Standing::Spent,
            Some(_) => Standing::Live,
            None => Standing::Unknown,
        }
    }

    /// The family that `refresh_token` belongs to.
    pub(super) fn family(&self, refresh_token: &str) -> Option<String> {
        self.refresh_tokens.get(refresh_token).map(|member| member.family.clone())
    }

    /// Marks `refresh_token` as used up.
    pub(super) fn spend(&mut self, refresh_token: &str) {
        if let Some(member) = self.refresh_tokens.get_mut(refresh_token) {
            member.spent = true;
        }
    }

    /// Ends the family of `refresh_token` (RFC 9700 §4.14.2, RFC 7009 §2.1).
    pub(super) fn revoke(&mut self, refresh_token: &str) {
        if let Some(family) = self.family(refresh_token) {
            for member in self.refresh_tokens.values_mut() {
                member.spent |= member.family == family;
            }
        }
    }
}
