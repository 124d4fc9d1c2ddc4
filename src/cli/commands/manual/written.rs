//! What is written by hand in the manual: the sections that close the page of a command, and the
//! topics.

use std::collections::BTreeSet;

/// The topics: the name, the section of the manual, and the page without its first line.
pub(super) const TOPICS: [(&str, char, &str); 8] = [
    ("config", '5', include_str!("../../../../man/topics/config.man")),
    ("refresh", '7', include_str!("../../../../man/topics/refresh.man")),
    ("ci", '7', include_str!("../../../../man/topics/ci.man")),
    ("clients", '7', include_str!("../../../../man/topics/clients.man")),
    ("mcp", '7', include_str!("../../../../man/topics/mcp.man")),
    ("shared", '7', include_str!("../../../../man/topics/shared.man")),
    ("shared-format", '7', include_str!("../../../../man/topics/shared-format.man")),
    ("security", '7', include_str!("../../../../man/topics/security.man")),
];

/// The sections of each page of a command, by its name.
const SECTIONS: [(&str, &str); 40] = [
    ("tokctl", include_str!("../../../../man/sections/tokctl.man")),
    ("tokctl-login", include_str!("../../../../man/sections/login.man")),
    ("tokctl-get", include_str!("../../../../man/sections/get.man")),
    ("tokctl-refresh", include_str!("../../../../man/sections/refresh.man")),
    ("tokctl-list", include_str!("../../../../man/sections/list.man")),
    ("tokctl-status", include_str!("../../../../man/sections/status.man")),
    ("tokctl-use", include_str!("../../../../man/sections/use.man")),
    ("tokctl-env", include_str!("../../../../man/sections/env.man")),
    ("tokctl-delete", include_str!("../../../../man/sections/delete.man")),
    ("tokctl-why", include_str!("../../../../man/sections/why.man")),
    ("tokctl-check", include_str!("../../../../man/sections/check.man")),
    ("tokctl-audit", include_str!("../../../../man/sections/audit.man")),
    ("tokctl-providers", include_str!("../../../../man/sections/providers.man")),
    (
        "tokctl-providers-client-metadata",
        include_str!("../../../../man/sections/providers-client-metadata.man"),
    ),
    ("tokctl-rotate-key", include_str!("../../../../man/sections/rotate-key.man")),
    ("tokctl-key", include_str!("../../../../man/sections/key.man")),
    ("tokctl-key-list", include_str!("../../../../man/sections/key-list.man")),
    ("tokctl-key-add", include_str!("../../../../man/sections/key-add.man")),
    ("tokctl-key-remove", include_str!("../../../../man/sections/key-remove.man")),
    ("tokctl-key-generate", include_str!("../../../../man/sections/key-generate.man")),
    ("tokctl-key-public", include_str!("../../../../man/sections/key-public.man")),
    ("tokctl-vault", include_str!("../../../../man/sections/vault.man")),
    ("tokctl-vault-init", include_str!("../../../../man/sections/vault-init.man")),
    ("tokctl-vault-join", include_str!("../../../../man/sections/vault-join.man")),
    ("tokctl-vault-status", include_str!("../../../../man/sections/vault-status.man")),
    ("tokctl-member", include_str!("../../../../man/sections/member.man")),
    ("tokctl-member-list", include_str!("../../../../man/sections/member-list.man")),
    ("tokctl-member-add", include_str!("../../../../man/sections/member-add.man")),
    ("tokctl-member-remove", include_str!("../../../../man/sections/member-remove.man")),
    ("tokctl-member-role", include_str!("../../../../man/sections/member-role.man")),
    ("tokctl-backup", include_str!("../../../../man/sections/backup.man")),
    ("tokctl-import", include_str!("../../../../man/sections/import.man")),
    ("tokctl-export", include_str!("../../../../man/sections/export.man")),
    ("tokctl-run", include_str!("../../../../man/sections/run.man")),
    ("tokctl-git-credential", include_str!("../../../../man/sections/git-credential.man")),
    ("tokctl-docker-credential", include_str!("../../../../man/sections/docker-credential.man")),
    ("tokctl-doctor", include_str!("../../../../man/sections/doctor.man")),
    ("tokctl-completions", include_str!("../../../../man/sections/completions.man")),
    ("tokctl-man", include_str!("../../../../man/sections/man.man")),
    ("tokctl-help", include_str!("../../../../man/sections/help.man")),
];

/// Returns the sections that close the page `name`; nothing for a page that has none.
pub(super) fn sections(name: &str) -> &'static str {
    SECTIONS.iter().find(|(page, _)| *page == name).map_or("", |(_, sections)| *sections)
}

/// Whether a page is about a command of a command.
fn is_subcommand(name: &str) -> bool {
    ["key-", "providers-", "vault-", "member-"].iter().any(|command| name.starts_with(command))
}

/// Returns the names of pages, for completion: commands, without their subcommands, and topics.
pub(super) fn names() -> BTreeSet<&'static str> {
    let commands = SECTIONS.iter().filter_map(|(page, _)| page.strip_prefix("tokctl-"));
    let topics = TOPICS.iter().map(|(topic, ..)| *topic);
    commands.filter(|name| !is_subcommand(name)).chain(topics).collect()
}
