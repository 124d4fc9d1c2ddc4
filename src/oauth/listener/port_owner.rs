//! The process that listens on a port, as far as the system tells.

use std::fmt;

/// A process that listens on a port.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PortOwner {
    /// The name of the process, safe to print.
    name: String,
    id: u32,
}

impl fmt::Display for PortOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (process {})", self.name, self.id)
    }
}

/// Finds the process that listens on `port`; `None` if it belongs to another user, whose processes
/// can't be inspected.
#[cfg(target_os = "linux")]
pub(super) fn find(port: u16) -> Option<PortOwner> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| inodes(&table, port))
        .collect();
    let links: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    if links.is_empty() {
        return None;
    }
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let id = process.file_name().to_str()?.parse().ok()?;
        let has_it = std::fs::read_dir(process.path().join("fd")).ok()?.flatten().any(|file| {
            std::fs::read_link(file.path())
                .is_ok_and(|target| links.iter().any(|link| target.as_os_str() == link.as_str()))
        });
        if !has_it {
            return None;
        }
        let name = std::fs::read_to_string(process.path().join("comm")).ok()?;
        Some(PortOwner { name: crate::untrusted::printable(&name), id })
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn find(_port: u16) -> Option<PortOwner> {
    None
}

/// Returns the inodes of the sockets in `table` that listen on `port` (proc_pid_net(5)).
#[cfg(target_os = "linux")]
fn inodes(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let suffix = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter_map(|fields| match fields[..] {
            [_, local, _, LISTEN, _, _, _, _, _, inode, ..] if local.ends_with(&suffix) => {
                Some(inode.to_owned())
            }
            _ => None,
        })
        .collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn a_port_of_our_own_is_found_and_a_free_one_is_nobodys() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(find(port).map(|owner| owner.id), Some(std::process::id()));
        drop(taken);
        assert_eq!(find(port), None);
    }
}
