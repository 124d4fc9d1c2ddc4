//! Groups that hold nobody but their user, as most systems give one to each user.

use std::fs;
use std::sync::OnceLock;

/// Returns the id of the user whom the system lets this program act for.
pub(super) fn user() -> u32 {
    static USER: OnceLock<u32> = OnceLock::new();
    *USER.get_or_init(|| rustix::process::geteuid().as_raw())
}

/// Whether nobody but `user` and root is in the group `id`.
///
/// The group with the user's own number is one made for that user. Of any other, `/etc/passwd` and
/// `/etc/group` have to tell all; what they do not list may be shared.
pub(super) fn is_private(id: u32, user: u32) -> bool {
    id == user || {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        is_private_by(&read("/etc/passwd"), &read("/etc/group"), id, user)
    }
}

/// Returns the name of the user with this `id`, if `/etc/passwd` lists one.
pub(super) fn name_of(id: u32) -> Option<String> {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    users
        .lines()
        .filter_map(User::parse)
        .find(|user| user.id == id)
        .map(|user| user.name.to_owned())
}

fn is_private_by(users: &str, groups: &str, id: u32, user: u32) -> bool {
    let users: Vec<User<'_>> = users.lines().filter_map(User::parse).collect();
    let is_known = users.iter().any(|other| other.id == user);
    let is_ours = |member: &str| {
        users.iter().any(|other| other.name == member && [user, 0].contains(&other.id))
    };
    let mut lines = groups.lines().filter_map(|line| {
        let mut fields = line.split(':').skip(2);
        let found: u32 = fields.next()?.parse().ok()?;
        (found == id).then(|| fields.next().unwrap_or_default())
    });
    let Some(members) = lines.next() else { return false };
    is_known
        && std::iter::once(members)
            .chain(lines)
            .flat_map(|members| members.split(','))
            .filter(|member| !member.is_empty())
            .all(is_ours)
        && users.iter().all(|other| other.group != id || [user, 0].contains(&other.id))
}

/// A line of `/etc/passwd`.
struct User<'a> {
    name: &'a str,
    id: u32,
    group: u32,
}

impl<'a> User<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?;
        Some(Self { name, id: fields.nth(1)?.parse().ok()?, group: fields.next()?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_private_if_nobody_else_is_in_it() {
        let users = "root:x:0:0::/root:/bin/sh\nalice:x:1000:1007::/:/bin/sh\nbob:x:1001:100::/:\n";
        let groups =
            "root:x:0:\nalice:x:1007:\nteam:x:100:\nboth:x:50:alice,bob\nown:x:51:alice,root\n";
        for (group, user, private) in [
            (1007, 1000, true),
            (51, 1000, true),
            (50, 1000, false),
            (100, 1000, false),
            (1007, 1001, false),
            (4242, 1000, false),
            (1007, 4242, false),
        ] {
            assert_eq!(is_private_by(users, groups, group, user), private, "{group} of {user}");
        }
        assert!(is_private(user(), user()));
    }
}
