//! GitHub's servers for git, whose hosts are not that of its API.

use crate::model::address::Address;

/// The hosts of github.com: where people log in and git fetches, and the API.
pub(crate) const HOSTS: [&str; 3] = ["github.com", "gist.github.com", "api.github.com"];

/// The servers at which git takes a token of github.com as a password.
const GIT_SERVERS: [&str; 2] = ["https://github.com", "https://gist.github.com"];

/// Returns the servers for git of the service that has `address`; `None` unless that is github.com.
pub(crate) fn git_servers(address: &Address) -> Option<Vec<Address>> {
    let url = address.url();
    let is_ours = url.scheme() == "https"
        && url.port().is_none()
        && url.host_str().is_some_and(|host| HOSTS.contains(&host));
    is_ours.then(|| {
        let parsed = GIT_SERVERS.iter().map(|server| server.parse());
        parsed.collect::<Result<_, _>>().expect("the servers of this file are addresses")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hosts_of_github_com_have_its_servers() {
        for (address, expected) in [
            ("https://api.github.com", true),
            ("https://github.com/login/oauth/access_token", true),
            ("https://GitHub.com:443", true),
            ("https://github.com:8443", false),
            ("https://github.example.com/api/v3", false),
            ("https://api.github.com.example", false),
            ("https://raw.github.com", false),
        ] {
            let servers = git_servers(&address.parse().unwrap());
            assert_eq!(servers.is_some(), expected, "{address}");
        }
    }
}
