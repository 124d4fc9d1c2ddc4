//! Listening sockets on this machine's loopback addresses, and on no others.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use crate::oauth::redirect_uri::Host;

/// The number of connections that may wait to be accepted.
const BACKLOG: i32 = 128;

/// The number of ports that are tried until one is free for IPv4 and IPv6.
const MAX_TRIES: usize = 32;

const IPV4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const IPV6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Listens on every address that a browser may use for `host`, and returns the port, which is a
/// free one if `port` is 0. All sockets share it.
pub(super) fn listen(host: Host, port: u16) -> io::Result<(Vec<TcpListener>, u16)> {
    match host {
        Host::Ipv4 => listen_on_one(IPV4, port),
        Host::Ipv6 => listen_on_one(IPV6, port),
        Host::Localhost if port != 0 => listen_on_both(port),
        Host::Localhost => {
            let mut outcome = listen_on_both(0);
            for _ in 1..MAX_TRIES {
                match &outcome {
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                        outcome = listen_on_both(0);
                    }
                    _ => break,
                }
            }
            outcome
        }
    }
}

fn listen_on_one(address: IpAddr, port: u16) -> io::Result<(Vec<TcpListener>, u16)> {
    let socket = open_socket(address, port)?;
    let port = socket.local_addr()?.port();
    Ok((vec![socket], port))
}

/// Listens on IPv4 and IPv6, since a browser may try either first. On an address that is left out,
/// any other program could wait for the browser.
fn listen_on_both(port: u16) -> io::Result<(Vec<TcpListener>, u16)> {
    let (mut sockets, port) = listen_on_one(IPV4, port)?;
    match open_socket(IPV6, port) {
        Ok(socket) => sockets.push(socket),
        Err(error) if is_without_ipv6(&error) => {}
        Err(error) => return Err(error),
    }
    Ok((sockets, port))
}

/// Opens one socket. The standard library would set `SO_REUSEADDR`, with which some systems let a
/// second program listen on the same port (RFC 8252, appendix B).
fn open_socket(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    let address = SocketAddr::new(address, port);
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Whether the machine has no IPv6 loopback address.
fn is_without_ipv6(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;

    use super::*;

    fn addresses(host: Host) -> Vec<IpAddr> {
        let (sockets, port) = listen(host, 0).unwrap();
        sockets
            .iter()
            .map(|socket| {
                let address = socket.local_addr().unwrap();
                assert_eq!(address.port(), port);
                assert!(!SockRef::from(socket).reuse_address().unwrap());
                address.ip()
            })
            .collect()
    }

    fn has_ipv6() -> bool {
        open_socket(IPV6, 0).is_ok()
    }

    #[test]
    fn a_host_is_listened_on_as_written() {
        assert_eq!(addresses(Host::Ipv4), [IPV4]);
        if has_ipv6() {
            assert_eq!(addresses(Host::Ipv6), [IPV6]);
            assert_eq!(addresses(Host::Localhost), [IPV4, IPV6]);
        } else {
            assert_eq!(addresses(Host::Localhost), [IPV4]);
        }
    }

    #[test]
    fn a_port_that_is_taken_in_one_family_is_taken_for_localhost() {
        for address in [IPV4, IPV6].into_iter().take(1 + usize::from(has_ipv6())) {
            let (_taken, port) = listen_on_one(address, 0).unwrap();
            let error = listen(Host::Localhost, port).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{address}");
        }
    }
}
