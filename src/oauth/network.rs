//! The networks that a request may enter, see [`Reach`].
//!
//! A host is looked up, judged, and connected to at the very addresses that were judged: a name that
//! resolves to another address a moment later gains nothing by it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Mutex, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

use crate::model::address::Address;
use crate::model::reach::Reach;

/// The reason why an address that a server named is not asked: it lies in a network nearer than that
/// of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forbidden {
    found: Reach,
}

impl Error for Forbidden {}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.found {
            Reach::Loopback => "it is this machine",
            Reach::Private | Reach::Public => "it lies in a private network",
        };
        write!(f, "{place}, and a server outside named it")
    }
}

/// The look-up of one host, which passes on no address in a network nearer than `reach`.
///
/// Other names are looked up as usual: that of a proxy, which the person set. Where there is one, it
/// looks the host up itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Guard {
    host: String,
    reach: Reach,
}

/// The widest network in which each watched host was found so far.
static SEEN: Mutex<BTreeMap<String, Reach>> = Mutex::new(BTreeMap::new());

impl Guard {
    /// Returns the guard of a request to `address`, if it needs one. Fails if the address tells by
    /// itself that it lies too near.
    pub(super) fn of(address: &Address) -> Result<Option<Self>, Forbidden> {
        let reach = address.reach();
        if let Some(found) = address.written_reach()
            && found > reach
        {
            return Err(Forbidden { found });
        }
        Ok(if reach == Reach::Loopback { None } else { Self::watching(address) })
    }

    /// Returns a guard that notes the network in which the host of `address` is found. `None` if the
    /// address tells it by itself.
    pub(super) fn watching(address: &Address) -> Option<Self> {
        match address.url().host()? {
            Host::Domain(host) => Some(Self { host: host.to_owned(), reach: address.reach() }),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    /// Returns those of `addresses` that may be connected to, and notes where the host was found.
    fn judge(&self, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Forbidden> {
        let reach = |address: &SocketAddr| Reach::of(address.ip());
        let Some(widest) = addresses.iter().map(reach).min() else { return Ok(addresses) };
        note(&self.host, widest);
        let near = addresses.iter().map(reach).max().unwrap_or(widest);
        let allowed: Vec<_> =
            addresses.into_iter().filter(|address| reach(address) <= self.reach).collect();
        if allowed.is_empty() { Err(Forbidden { found: near }) } else { Ok(allowed) }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let is_host = name.as_str() == guard.host;
            let look_up = move || (name.as_str(), 0).to_socket_addrs();
            let found: Vec<SocketAddr> = tokio::task::spawn_blocking(look_up).await??.collect();
            let found = if is_host { guard.judge(found)? } else { found };
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn note(host: &str, found: Reach) {
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let widest = seen.entry(host.to_owned()).or_insert(found);
    *widest = found.min(*widest);
}

/// Returns the widest network in which the host of `address` was found. Of a host that was never
/// looked up here, as behind a proxy, it is the internet.
pub(super) fn seen(address: &Address) -> Reach {
    if let Some(reach) = address.written_reach() {
        return reach;
    }
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let host = address.url().host_str().unwrap_or_default();
    seen.get(host).copied().unwrap_or(Reach::Public)
}

/// Returns the refusal among the causes of `error`, if a [`Guard`] refused the host.
pub(super) fn refusal(error: &(dyn Error + 'static)) -> Option<Forbidden> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<Forbidden>() {
            return Some(*found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(host: &str, reach: Reach) -> Guard {
        Guard { host: host.into(), reach }
    }

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 443)).collect()
    }

    #[test]
    fn a_public_server_leads_to_no_private_network_by_whatever_name() {
        for text in ["https://127.0.0.1", "https://10.0.0.1", "https://localhost", "https://[::1]"]
        {
            let address: Address = text.parse().unwrap();
            assert!(Guard::of(&address).unwrap().is_none(), "{text}: a person may name it");
            let named = Guard::of(&address.within(Reach::Public));
            assert!(named.is_err(), "{text}");
        }
        let inside = guard("inside.example", Reach::Public);
        for found in [&["10.0.0.1"][..], &["127.0.0.1", "::1"], &["fd00::1"]] {
            assert!(inside.judge(addresses(found)).is_err(), "{found:?}");
        }
        let both = inside.judge(addresses(&["10.0.0.1", "1.1.1.1"])).unwrap();
        assert_eq!(both, addresses(&["1.1.1.1"]));
        let private = guard("near.example", Reach::Private);
        assert!(private.judge(addresses(&["10.0.0.1"])).is_ok());
        assert!(private.judge(addresses(&["127.0.0.1"])).is_err());
    }

    #[test]
    fn a_host_that_moves_counts_as_the_widest_that_it_was() {
        let moving: Address = "https://moving.example".parse().unwrap();
        assert_eq!(seen(&moving), Reach::Public);
        let watch = guard("moving.example", Reach::Loopback);
        watch.judge(addresses(&["10.0.0.1"])).unwrap();
        assert_eq!(seen(&moving), Reach::Private);
        watch.judge(addresses(&["10.0.0.1", "1.1.1.1"])).unwrap();
        watch.judge(addresses(&["127.0.0.1"])).unwrap();
        assert_eq!(seen(&moving), Reach::Public);
    }

    #[test]
    fn a_look_up_that_leads_too_near_is_no_connection() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let resolve = |reach| {
            let guard = guard("localhost", reach);
            runtime.block_on(guard.resolve("localhost".parse().unwrap()))
        };
        let refused = resolve(Reach::Public).err().unwrap();
        assert!(refusal(&*refused).is_some());
        assert!(resolve(Reach::Loopback).is_ok());
    }
}
