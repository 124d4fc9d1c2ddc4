//! `tokctl member`: lists, adds and removes the members of a shared vault.

mod leaver;

use std::io::IsTerminal;

use serde::Serialize;

use self::leaver::{ExposedJson, GivenUpJson};
use crate::cli::context::Context;
use crate::cli::error::{self, CliError, Hint};
use crate::cli::shared_vault::{self, Changed, Opened};
use crate::cli::table::{Fit, Table};
use crate::ops::exposure::Exposed;
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
    /// called back: the credentials are listed, each with what makes it worthless. So are those that the
    /// member moved out of the vault, and may be the only one to have. Join lines from before have to be
    /// replaced by the one that is printed.
    ///
    /// Refreshes that are under way are waited for, up to 45 seconds. Nothing is changed if the member
    /// began one and has not reported, since the new token may be on its machine alone.
    Remove {
        /// The member's label
        label: Label,

        /// Don't ask
        #[arg(long, short)]
        yes: bool,

        /// Give up new tokens that may be on the member's machine alone, and name them
        #[arg(long)]
        force: bool,
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

        /// Give up new tokens that may be on the machine of a member who may only read from now on
        #[arg(long)]
        force: bool,
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
        Command::Remove { label, yes, force } => remove(context, label, *yes, *force),
        Command::Role { label, role, force } => set_role(context, label, *role, *force),
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
    let Changed { roster, .. } = vault.change_members(context, &Change::Add(member), false)?;
    context.ui.status(&format!(
        "added `{label}` as {role}: give there the join line below, for `tokctl vault join`"
    ));
    print_line(context, &vault, &label, &roster, Lost::default())
}

fn remove(context: &Context, label: &Label, yes: bool, force: bool) -> Result<(), CliError> {
    let vault = shared_vault::open(context)?;
    let leaver = vault.roster()?.named(label).cloned();
    let leaver = leaver.ok_or_else(|| no_such_member(label))?.label;
    let change = Change::Remove(leaver.clone());
    vault.check_change(&change)?;
    let exposed = leaver::exposed(context, &vault)?;
    leaver::warn_of_taken_along(context, &leaver, &exposed);
    let question = format!("remove `{leaver}` and replace the data key");
    if !yes && !context.ui.confirm(&question, Hint::Again(&["--yes"]))? {
        let kept = format!("`{leaver}` stays a member");
        return Err(CliError::new(error::Kind::Failed, kept).hint(Hint::Again(&["--yes"])));
    }
    // Somebody may have been asked for long, and others have written meanwhile.
    let exposed = if yes { exposed } else { leaver::exposed(context, &vault)? };
    let Changed { roster, given_up } = vault.change_members(context, &change, force)?;
    context.ui.status(&format!("removed `{leaver}`, and sealed everything anew"));
    leaver::tell_given_up(context, &given_up);
    leaver::tell_exposed(context, &leaver, &exposed);
    tell_new_line(context, &roster);
    let given_up = given_up.iter().map(Into::into).collect();
    let lost = Lost { exposed: Some(listed(&exposed)), given_up: Some(given_up) };
    print_line(context, &vault, &leaver, &roster, lost)
}

fn set_role(context: &Context, label: &Label, role: Role, force: bool) -> Result<(), CliError> {
    let vault = shared_vault::open(context)?;
    let before = vault.roster()?;
    let named = before.named(label).ok_or_else(|| no_such_member(label))?.label.clone();
    let change = Change::SetRole(named.clone(), role);
    let taken_along = match role {
        Role::Reader => leaver::taken_along(&named, leaver::exposed(context, &vault)?),
        Role::Admin | Role::Member => Vec::new(),
    };
    leaver::warn_of_taken_along(context, &named, &taken_along);
    let Changed { roster, given_up } = vault.change_members(context, &change, force)?;
    context.ui.status(&format!("`{named}` is {role} from now on"));
    leaver::tell_given_up(context, &given_up);
    let has_new_key = roster.generation() != before.generation();
    if has_new_key {
        leaver::tell_moved_out(context, &named, &taken_along);
        tell_new_line(context, &roster);
    }
    if has_new_key || context.ui.json {
        let given_up = given_up.iter().map(Into::into).collect();
        let exposed = has_new_key.then(|| listed(&taken_along));
        let lost = Lost { exposed, given_up: Some(given_up) };
        return print_line(context, &vault, &named, &roster, lost);
    }
    Ok(())
}

fn listed(exposed: &[Exposed]) -> Vec<ExposedJson> {
    exposed.iter().map(Into::into).collect()
}

/// Prints the join line of `roster`, in JSON with what a change of the member `label` cost.
fn print_line(
    context: &Context,
    vault: &Opened,
    label: &Label,
    roster: &Roster,
    lost: Lost,
) -> Result<(), CliError> {
    let join_line = vault.join_line(roster);
    if !context.ui.json {
        return context.ui.line(&join_line);
    }
    let role = roster.named(label).map(|member| member.role.as_str());
    let (head, generation) = (roster.head().to_string(), roster.generation());
    context.ui.json(&ChangedJson {
        v: 1,
        label: label.as_str(),
        role,
        head,
        generation,
        join_line,
        lost,
    })
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
        .hint(Hint::Text("tokctl member list".into()))
}

#[derive(Serialize)]
struct ChangedJson<'a> {
    v: u8,
    label: &'a str,
    /// The role from now on; null for who was removed.
    role: Option<&'static str>,
    head: String,
    generation: u64,
    join_line: String,
    #[serde(flatten)]
    lost: Lost,
}

/// The losses that a change of the members brought.
#[derive(Default, Serialize)]
struct Lost {
    /// The credentials that a leaver could read or took along, or that a new reader took along.
    #[serde(skip_serializing_if = "Option::is_none")]
    exposed: Option<Vec<ExposedJson>>,
    /// The refreshes whose answers were given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    given_up: Option<Vec<GivenUpJson>>,
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
