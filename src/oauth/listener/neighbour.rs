//! The user of the program at the other end of a connection, as far as the system tells.
//!
//! The address of a login can be seen by every user of a machine, in the arguments of the browser.
//! Another user could open it, log in as somebody else and bring that answer here.

use std::net::TcpStream;

/// The other end of a connection that must not bring an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only Linux tells whose a connection is")
)]
pub(crate) enum Stranger {
    /// The program of another user, by the user's number.
    User(u32),
    /// A program that has closed its end already, so that nothing tells whose it is.
    Gone,
}

/// Finds out who is at the other end of `stream`; `None` for a program of this user or of root, and
/// for one that is not on this machine, such as a forwarded port.
///
/// A connection has to be looked at when it is accepted: its end is open then.
#[cfg(target_os = "linux")]
pub(super) fn find(stream: &TcpStream) -> Option<Stranger> {
    let (peer, own) = (stream.peer_addr().ok()?, stream.local_addr().ok()?);
    ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().find_map(|path| {
        let table = std::fs::read_to_string(path).ok()?;
        let (user, inode) = owner(&table, peer, own)?;
        let trusted = [0, rustix::process::geteuid().as_raw()];
        Some(match inode {
            0 => Some(Stranger::Gone),
            _ if trusted.contains(&user) => None,
            _ => Some(Stranger::User(user)),
        })
    })?
}

/// Always `None`: no other system has such a table.
#[cfg(not(target_os = "linux"))]
pub(super) fn find(_stream: &TcpStream) -> Option<Stranger> {
    None
}

/// Returns the user and the inode of the socket from `from` to `to` in `table`
/// (proc_pid_net(5)).
#[cfg(target_os = "linux")]
fn owner(table: &str, from: std::net::SocketAddr, to: std::net::SocketAddr) -> Option<(u32, u64)> {
    let (from, to) = (forms(from), forms(to));
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, remote, _, _, _, _, user, _, inode, ..] = fields[..] else { return None };
        let is = |forms: &[String; 2], field: &str| forms.iter().any(|form| form == field);
        (is(&from, local) && is(&to, remote))
            .then(|| Some((user.parse().ok()?, inode.parse().ok()?)))?
    })
}

/// Returns the forms in which the tables write an address: as it is, and as an address of IPv6,
/// which a program may have used for one of IPv4.
#[cfg(target_os = "linux")]
fn forms(address: std::net::SocketAddr) -> [String; 2] {
    use std::net::IpAddr;
    let write = |bytes: &[u8]| {
        let words = bytes.chunks_exact(4).map(|word| {
            let word = u32::from_ne_bytes([word[0], word[1], word[2], word[3]]);
            format!("{word:08X}")
        });
        format!("{}:{:04X}", words.collect::<String>(), address.port())
    };
    match address.ip() {
        IpAddr::V4(ip) => [write(&ip.octets()), write(&ip.to_ipv6_mapped().octets())],
        IpAddr::V6(ip) => [write(&ip.octets()), write(&ip.octets())],
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn our_own_programs_are_no_strangers_and_who_has_gone_is_one() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert_eq!(find(&accepted), None);
        drop(client);
        assert_eq!(find(&accepted), Some(Stranger::Gone));
    }

    #[test]
    fn the_user_of_a_socket_stands_in_the_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 11 1\n\
             1: 0000000000000000FFFF00000100007F:D431 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 12 1\n";
        let address = |port| (Ipv4Addr::LOCALHOST, port).into();
        assert_eq!(owner(table, address(0x1F90), address(0xD431)), Some((0, 11)));
        assert_eq!(owner(table, address(0xD431), address(0x1F90)), Some((1001, 12)));
        assert_eq!(owner(table, address(1), address(0x1F90)), None);
    }
}
