//! The comparison of issuer identifiers (RFC 8414 §3.3, RFC 9207 §2.4).

/// The part of an issuer that stands for a person's own tenant. Microsoft's servers for several
/// tenants write it so.
const TENANT: &str = "{tenantid}";

/// Whether `named` is the issuer that a server calls `own`: the same text, letter by letter. Where
/// `own` has `{tenantid}` as one part of its path, any part may stand in its place.
pub(crate) fn is_issuer(named: &str, own: &str) -> bool {
    if named == own {
        return true;
    }
    let Some((before, after)) = own.split_once(TENANT) else { return false };
    // Behind the host: a tenant that could choose the host could be anybody.
    let is_in_path = before.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    let is_one_part = before.ends_with('/') && (after.is_empty() || after.starts_with('/'));
    let tenant = named.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    is_in_path
        && is_one_part
        && !after.contains(TENANT)
        && tenant.is_some_and(|tenant| {
            tenant.bytes().any(|byte| byte.is_ascii_alphanumeric())
                && tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        })
}

/// Whether two issuers are the same text, but for one final slash.
pub(crate) fn is_issuer_but_for_slash(named: &str, own: &str) -> bool {
    let bare = |issuer| str::strip_suffix(issuer, "/").unwrap_or(issuer);
    bare(named) == bare(own)
}

/// Whether an issuer has a part in the place of which a tenant stands.
pub(crate) fn has_any_tenant(issuer: &str) -> bool {
    issuer.contains(TENANT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_compared_letter_by_letter() {
        assert!(is_issuer("https://id.example", "https://id.example"));
        for other in ["https://id.example/", "https://ID.example", "http://id.example", ""] {
            assert!(!is_issuer(other, "https://id.example"), "{other}");
        }
    }

    #[test]
    fn one_final_slash_may_differ() {
        let same = |other| is_issuer_but_for_slash("https://id.example", other);
        assert!(same("https://id.example") && same("https://id.example/"));
        for other in ["https://id.example//", "https://id.example/x", "https://ID.example", "/"] {
            assert!(!same(other), "{other}");
        }
    }

    #[test]
    fn a_tenant_stands_in_its_own_place_and_in_no_other() {
        let own = "https://login.example/{tenantid}/v2.0";
        for tenant in ["common", "made-up.example", "0f8fad5b-d9cb-469f-a165-70867728950e"] {
            assert!(is_issuer(&format!("https://login.example/{tenant}/v2.0"), own), "{tenant}");
        }
        for other in [
            "https://login.example//v2.0",
            "https://login.example/../v2.0",
            "https://login.example/a/b/v2.0",
            "https://login.example/a?b/v2.0",
            "https://evil.example/a/v2.0",
            "https://login.example/a/v1.0",
        ] {
            assert!(!is_issuer(other, own), "{other}");
        }
        assert!(!is_issuer("https://evil.example/x", "https://{tenantid}/x"));
        assert!(!is_issuer("https://login.example/xa", "https://login.example/x{tenantid}"));
    }
}
