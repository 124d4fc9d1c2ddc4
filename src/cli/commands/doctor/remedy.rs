//! Remedies: what to type for each finding that needs mending.

use std::path::Path;

use super::row::{Row, restore_or_begin_anew};
use super::sentence::sentence;
use crate::cli::error::{CliError, Hint};
use crate::cli::explain::{ACCEPT_OLDER, RESUME, keep_writers_out, repair};
use crate::cli::time;
use crate::cli::typed::{self, quoted};
use crate::ops;
use crate::ops::doctor::{Check, Finding, Remedy};
use crate::untrusted::{self, printable};

/// Makes the report's row for a finding.
pub(super) fn row_of(finding: Finding) -> Row {
    match finding {
        Finding::Assessed { fact, verdict, remedy } => {
            let message = sentence(&fact, time::now());
            Row { check: fact.check(), verdict, message, hint: remedy.as_ref().map(hint) }
        }
        Finding::Failure { check, error } => {
            let mut remove = None;
            if let (Check::Slots, ops::Error::TamperedSlot { id }) = (check, &*error) {
                // Another slot has opened the vault.
                remove = Some(Hint::Confirmed(format!("tokctl key remove {id}")));
            }
            let row = Row::failure(check, CliError::from(*error));
            Row { hint: remove.or(row.hint), ..row }
        }
    }
}

fn hint(remedy: &Remedy) -> Hint {
    let text = match remedy {
        Remedy::RestoreBackup => return restore_or_begin_anew(),
        Remedy::Repair => return repair(),
        Remedy::RestoreDatabase => {
            "restore the database from a backup, and tell the members".into()
        }
        Remedy::Grant { user, privileges } => {
            let user = user.replace('"', "\"\"");
            let grant = |privilege: &String| format!("GRANT {privilege} TO \"{user}\";");
            let grants: Vec<String> = privileges.iter().map(grant).collect();
            format!("whoever owns the tables: {}", untrusted::line(&grants.join(" ")))
        }
        Remedy::ReadShared => "tokctl help shared".into(),
        Remedy::AddAdmin => "tokctl help member role".into(),
        Remedy::AddAgain(label) => {
            let remove = Hint::Confirmed(format!("tokctl member remove {}", quoted(label)));
            return Hint::within("{}, then add the member again", remove);
        }
        Remedy::Forget(account) => {
            let forget = format!("{} --no-revoke", typed::command("delete", account));
            let sentence = "restore a backup, or {} and log in again";
            return Hint::within(sentence, Hint::Confirmed(forget));
        }
        Remedy::KeepWritersOut(path) => keep_writers_out(std::slice::from_ref(path)),
        Remedy::KeepReadersOut(path) => on("chmod go=", path),
        Remedy::LetOwnerWrite(path) => on("chmod u+w", path),
        Remedy::RunAs(user) => format!("run it as `{}`, or keep it elsewhere", printable(user)),
        Remedy::LookAt(path) => on("ls -ld", path),
        Remedy::Remove(path) => on("rm", path),
        Remedy::MakeRoom(path) => on("df -h", path),
        Remedy::UseLocalDisk => {
            "keep the vault on a local disk, in a directory of your own, named with `--vault`"
                .into()
        }
        Remedy::AcceptOlder => ACCEPT_OLDER.into(),
        Remedy::Why(account) => typed::command("why", account),
        Remedy::TakeUp(account) => typed::command("get", account),
        Remedy::PlaceBundle => RESUME.into(),
        Remedy::RotateKey => "tokctl rotate-key".into(),
        Remedy::AddRecovery => "tokctl key add recovery".into(),
        Remedy::RemoveSlot(id) => return Hint::Confirmed(format!("tokctl key remove {id}")),
        Remedy::DeleteEntry(name) => delete_entry(name),
        Remedy::ShowAudit => "tokctl audit --verify".into(),
        Remedy::UpdateTokctl => "update tokctl".into(),
        Remedy::SetClock => "set this machine's clock".into(),
        Remedy::AskServer => "tokctl doctor --online".into(),
        Remedy::FreePort => {
            "end the program that has it, or log in with another registered port, `--port`".into()
        }
        Remedy::LookAtLoopback => "ip address show dev lo".into(),
        Remedy::ReportBug => "report it with what stands above".into(),
    };
    text.into()
}

fn on(command: &str, path: &Path) -> String {
    format!("{command} {}", quoted(&path.to_string_lossy()))
}

fn delete_entry(name: &str) -> String {
    let name = quoted(name);
    if cfg!(target_os = "macos") {
        format!("security delete-generic-password -s tokctl -a {name}")
    } else {
        format!("secret-tool clear service tokctl username {name}")
    }
}
