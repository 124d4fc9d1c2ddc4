//! `tokctl member`: lists, adds and removes the members of a shared vault.

use std::io::IsTerminal;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::{self, CliError, Hint};
use crate::cli::shared_vault::{self, Opened};
use crate::cli::table::{Fit, Table};
use crate::cli::typed::command;
use crate::model::summary::Kind;
use crate::ops::shared::{Change, Label, Member, MemberKeys, Role, Roster};

/// The members of a shared vault, and what they may do
///
/// Each member has an identity of its own, and a role: an `admin` changes the members, a `member`
/// logs in, renews and deletes, and a `reader` only reads. The list is signed by admins, so that the
/// database can't add to it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the members
    List,

    /// Add a member, by the string that `tokctl key public` prints there
    ///
    /// The join line that is printed is for the new member; it is no secret. Take the string from the
    /// member, not from the database or its operator.
    Add {
        /// A name for the member: letters, digits and `.`, `_`, `-`, `+`, `@`
        label: Label,

        /// What `tokctl key public` printed there
        #[arg(value_name = "MEMBER")]
        keys: MemberKeys,

        /// May read and never write: for runners
        #[arg(long, conflicts_with = "admin")]
        reader: bool,

        /// May change the members, too
        #[arg(long)]
        admin: bool,
    },

    /// Remove a member, and replace the data key
    ///
    /// Everything is sealed anew for those who stay, all or nothing. What the member has read can't be
    /// called back: the credentials are listed, each with what makes it worthless. Join lines from
    /// before have to be replaced by the one that is printed.
    Remove {
        /// The member's label
        label: Label,

        /// Don't ask
        #[arg(long, short)]
        yes: bool,
    },

    /// Change what a member may do
    ///
    /// Who may only read from now on knew how to write: so the data key is replaced, as `tokctl member
    /// remove` does.
    Role {
        /// The member's label
        label: Label,

        /// admin, member or reader
        role: Role,
    },
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    match &args.command {
        Command::List => list(context),
        Command::Add { label, keys, reader, admin } => {
            let role = match (admin, reader) {
                (true, _) => Role::Admin,
                (false, true) => Role::Reader,
                (false, false) => Role::Member,
            };
            add(context, Member { label: label.clone(), keys: *keys, role })
        }
        Command::Remove { label, yes } => remove(context, label, *yes),
        Command::Role { label, role } => set_role(context, label, *role),
    }
}

fn list(context: &Context) -> Result<(), CliError> {
    let vault = shared_vault::open(context)?;
    let (roster, own) = (vault.roster()?, vault.own_id()?);
    if context.ui.json {
        let members = roster.members().iter().map(|member| One {
            label: member.label.as_str(),
            role: member.role.as_str(),
            member: member.keys.to_string(),
            you: member.keys.id() == own,
        });
        return context.ui.json(&Members { v: 1, members: members.collect() });
    }
    let mut table = Table::new([("LABEL", Fit::Whole), ("ROLE", Fit::Whole), ("", Fit::Whole)]);
    let is_table = std::io::stdout().is_terminal();
    for member in roster.members() {
        let you = if member.keys.id() == own { "you" } else { "" };
        if is_table {
            let cells = [member.label.as_str(), member.role.as_str(), you];
            table.add(cells.map(Into::into).into());
        } else {
            context.ui.line(&format!("{}\t{}", member.label, member.role))?;
        }
    }
    if is_table { context.ui.line(&table.render()) } else { Ok(()) }
}

fn add(context: &Context, member: Member) -> Result<(), CliError> {
    let vault = shared_vault::open(context)?;
    let (label, role) = (member.label.clone(), member.role);
    let roster = vault.change_members(context, &Change::Add(member))?;
    context.ui.status(&format!(
        "added `{label}` as {role}: give there the join line below, for `tokctl vault join`"
    ));
    context.ui.line(&vault.join_line(&roster))
}

fn remove(context: &Context, label: &Label, yes: bool) -> Result<(), CliError> {
    let vault = shared_vault::open(context)?;
    let leaver = vault.roster()?.named(label).cloned();
    let leaver = leaver.ok_or_else(|| no_such_member(label))?;
    let question = format!("remove `{}` and replace the data key", leaver.label);
    if !yes && !context.ui.confirm(&question, Hint::Again(&["--yes"]))? {
        let kept = format!("`{}` stays a member", leaver.label);
        return Err(CliError::new(error::Kind::Failed, kept).hint(Hint::Again(&["--yes"])));
    }
    let roster = vault.change_members(context, &Change::Remove(leaver.label.clone()))?;
    context.ui.status(&format!("removed `{}`, and sealed everything anew", leaver.label));
    tell_what_was_known(context, &vault, &leaver.label)?;
    tell_new_line(context, &roster);
    context.ui.line(&vault.join_line(&roster))
}

fn set_role(context: &Context, label: &Label, role: Role) -> Result<(), CliError> {
    let vault = shared_vault::open(context)?;
    let before = vault.roster()?;
    let named = before.named(label).ok_or_else(|| no_such_member(label))?.label.clone();
    let roster = vault.change_members(context, &Change::SetRole(named.clone(), role))?;
    context.ui.status(&format!("`{named}` is {role} from now on"));
    if roster.generation() == before.generation() {
        return Ok(());
    }
    tell_new_line(context, &roster);
    context.ui.line(&vault.join_line(&roster))
}

/// Lists the credentials that a member could read, each with what makes it worthless.
fn tell_what_was_known(context: &Context, vault: &Opened, label: &Label) -> Result<(), CliError> {
    let accounts = vault.accounts(None, None)?;
    if accounts.is_empty() {
        return Ok(());
    }
    context.ui.warning(&format!(
        "what `{label}` has read works until it ends or is revoked: nobody can call it back"
    ));
    for account in &accounts {
        let login = command("login", account);
        let kind = vault.summary(account)?.map(|summary| summary.kind);
        context.ui.status(&match kind {
            Some(Kind::OAuth) => format!("`{login}` replaces `{account}`"),
            Some(Kind::Static) | None => {
                format!("revoke `{account}` at the service, then `{login}`")
            }
        });
    }
    Ok(())
}

/// Says that join lines from before have to go: a machine that begins with one can be shown the
/// state in which the leaver still was a member.
fn tell_new_line(context: &Context, roster: &Roster) {
    context.ui.status(&format!(
        "replace join lines from before entry {} by the one below, as in the secrets of CI jobs",
        roster.head().n
    ));
}

fn no_such_member(label: &Label) -> CliError {
    CliError::new(error::Kind::NotFound, format!("there is no member `{label}`"))
        .hint(Hint::InVault("member list"))
}

#[derive(Serialize)]
struct Members<'a> {
    v: u8,
    members: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    label: &'a str,
    role: &'static str,
    member: String,
    /// Whether the member is the one whose identity opened the vault.
    you: bool,
}
