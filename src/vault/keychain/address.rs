//! Where the session bus listens (D-Bus specification, "Server Addresses").
//!
//! Knows sockets of this machine alone: no secret goes over a network.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The sockets to try, in this order.
#[expect(
    clippy::disallowed_methods,
    reason = "these two variables are the bus's own interface, not settings of tokctl"
)]
pub(super) fn session_bus() -> Vec<PathBuf> {
    if let Some(addresses) = std::env::var_os("DBUS_SESSION_BUS_ADDRESS") {
        return parse(addresses.as_bytes());
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(
        || PathBuf::from(format!("/run/user/{}", rustix::process::geteuid().as_raw())),
        PathBuf::from,
    );
    vec![runtime.join("bus")]
}

/// The Unix sockets in a list of addresses; a name in the abstract namespace begins with NUL.
fn parse(addresses: &[u8]) -> Vec<PathBuf> {
    addresses
        .split(|byte| *byte == b';')
        .filter_map(|address| address.strip_prefix(b"unix:"))
        .filter_map(|keys| keys.split(|byte| *byte == b',').find_map(socket))
        .collect()
}

fn socket(key: &[u8]) -> Option<PathBuf> {
    if let Some(path) = key.strip_prefix(b"path=") {
        return Some(unescape(path.to_vec()));
    }
    let name = key.strip_prefix(b"abstract=")?;
    Some(unescape([b"\0", name].concat()))
}

fn unescape(text: Vec<u8>) -> PathBuf {
    if !text.contains(&b'%') {
        return std::ffi::OsString::from_vec(text).into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let [first, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => data_encoding::HEXLOWER_PERMISSIVE
                .decode(&[*high, *low])
                .ok(),
            _ => None,
        };
        if let Some(byte) = escaped {
            bytes.extend(byte);
            rest = &rest[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Path::new(OsStr::from_bytes(&bytes)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_socket_of_this_machine_is_found_in_its_order() {
        assert_eq!(
            parse(
                b"tcp:host=h,port=1;unix:guid=0,path=/a%20b%2c;unix:abstract=x,guid=0;autolaunch:"
            ),
            [PathBuf::from("/a b,"), PathBuf::from("\0x")]
        );
    }

    #[test]
    fn a_broken_escape_stands_for_itself() {
        assert_eq!(parse(b"unix:path=/a%zz%4"), [PathBuf::from("/a%zz%4")]);
    }
}
