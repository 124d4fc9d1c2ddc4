//! Sentences about the vault's file: who can read it, and whether it is intact.

use crate::ops::doctor::{IntegrityFact, LogFact, PermissionsFact, VaultFact};

pub(super) fn permissions(fact: &PermissionsFact) -> String {
    match fact {
        PermissionsFact::Private => "nobody else can read or change the vault".into(),
        PermissionsFact::NotWritable(path) => {
            format!("`{}` can't be written by its owner", path.display())
        }
        PermissionsFact::ReadableByOthers(path) => {
            format!("`{}` can be read by others", path.display())
        }
        PermissionsFact::Untrusted(error) => error.to_string(),
    }
}

pub(super) fn vault(fact: &VaultFact) -> String {
    let VaultFact { path, generation, current } = fact;
    let older =
        if *current { "" } else { "; its tables are an earlier version's, and stay so here" };
    format!("`{}`, generation {generation} of its key{older}", path.display())
}

pub(super) fn integrity(fact: &IntegrityFact) -> String {
    match fact {
        IntegrityFact::Whole => "the file's pages are whole".into(),
        IntegrityFact::Damaged { faults } => format!("the file is damaged: {}", faults.join("; ")),
        IntegrityFact::MissesTables { names } => {
            format!("the file misses {}, or has it otherwise than tokctl made it", names.join(", "))
        }
        IntegrityFact::MissesIndexes { names } => {
            format!("the file misses the index {}, or has another one", names.join(", "))
        }
        IntegrityFact::NotOurs { kind, name, inert: true } => {
            format!("the {kind} `{name}` is not tokctl's, and is never read")
        }
        IntegrityFact::NotOurs { kind, name, inert: false } => {
            format!("the {kind} `{name}` is not tokctl's, and could act by itself")
        }
    }
}

pub(super) fn log(fact: &LogFact) -> String {
    match fact {
        LogFact::Short { kib } => format!("the write-ahead log has {kib} KiB"),
        LogFact::Long { kib } => format!(
            "the write-ahead log has grown to {kib} KiB: somebody reads the vault all the time"
        ),
    }
}
