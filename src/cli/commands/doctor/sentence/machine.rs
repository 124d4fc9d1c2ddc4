//! Sentences about the machine: its ports, memory, disk and clock.

use jiff::Timestamp;

use super::age::age;
use crate::ops::doctor::{ClockFact, DiskFact, MemoryFact, PortsFact, Server, SqliteFact};
use crate::ops::error::ListenerError;
use crate::untrusted::printable;

pub(super) fn ports(fact: &PortsFact) -> String {
    match fact {
        PortsFact::Listens { on } => format!("a login can listen on {on}"),
        PortsFact::Refused { on, error } => {
            format!("no login can listen on {on}: {}", why_not_bound(error))
        }
        PortsFact::NotAnAddress { on } => format!("{on} is no address to listen on"),
        PortsFact::NoIpv6 => "there is no IPv6 on this machine's own address".into(),
        PortsFact::Free { provider, port } => {
            format!("port {port}, for `{}`, is free", printable(provider.as_str()))
        }
        PortsFact::Taken { provider, error } => {
            let provider = printable(provider.as_str());
            format!("`{provider}` can't be logged in to: {}", why_not_bound(error))
        }
    }
}

fn why_not_bound(error: &ListenerError) -> String {
    match error {
        ListenerError::Bind { source, .. } => printable(&source.to_string()),
        ListenerError::PortTaken { .. }
        | ListenerError::TimedOut
        | ListenerError::Unanswered
        | ListenerError::Rejected(_)
        | ListenerError::Io(_) => error.to_string(),
    }
}

pub(super) fn memory(fact: &MemoryFact) -> String {
    match fact {
        MemoryFact::Kept => "no core file is written, and no debugger let in",
        MemoryFact::CoreFile => "the system would write this program's memory to a core file",
        MemoryFact::OpenToDebuggers => "other programs of yours can read this program's memory",
    }
    .into()
}

pub(super) fn sqlite(fact: &SqliteFact) -> String {
    match fact {
        SqliteFact::Sound { version } => format!("SQLite {version}"),
        SqliteFact::DamagesLogs { version } => {
            format!("SQLite {version} may damage the write-ahead log; 3.51.3 does not")
        }
    }
}

pub(super) fn disk(fact: &DiskFact) -> String {
    match fact {
        DiskFact::Fit => "the disk is a local one, and has room".into(),
        DiskFact::Network { kind } => format!(
            "the vault is on a network file system ({}), whose locks and shared memory may not hold",
            printable(kind)
        ),
        DiskFact::ReadOnly => {
            "the disk is read-only: tokens can be read, and none refreshed".into()
        }
        DiskFact::Full { free, refreshes: true } => {
            format!(
                "the disk is nearly full: {} KiB are left, and a refresh takes some",
                free / 1024
            )
        }
        DiskFact::Full { free, refreshes: false } => {
            format!("the disk is full: {} KiB are left, too few for a refresh", free / 1024)
        }
        DiskFact::NotAsked(why) => format!("how full the disk is: {why}"),
    }
}

pub(super) fn clock(fact: &ClockFact, now: Timestamp) -> String {
    let when = |server: &Server| match server {
        Server::AskedLast(at) => format!("when one last answered, {}", age(*at, now)),
        Server::AskedNow { authority } => format!("of `{authority}` just now"),
        Server::Database => "the database of the vault, just now".into(),
    };
    match fact {
        ClockFact::InStep { ahead, of } => {
            format!("{} s off the server's, {}", ahead.unsigned_abs(), when(of))
        }
        ClockFact::Off { ahead, of } => {
            let off = ahead.unsigned_abs();
            let direction = if *ahead > 0 { "ahead of" } else { "behind" };
            format!("this clock is {off} s {direction} the server's, {}", when(of))
        }
        ClockFact::NeverTold => "no server has told the time yet".into(),
        ClockFact::NotTold { authority } => format!("`{authority}` did not tell the time"),
        ClockFact::NoAnswer(fault) => fault.to_string(),
        ClockFact::NobodyToAsk => "no credential names a server to be asked".into(),
    }
}
