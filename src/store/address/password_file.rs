//! The file with passwords, `.pgpass`: lines of `host:port:database:user:password`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::host::Place;
use crate::secret::{DatabasePassword, SecretText};

/// The largest file that is read, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// Returns the password that the file at `path` has for `user` of `database` at `place`.
///
/// A file that others can read is left alone with a warning, as libpq does.
pub(super) fn password(
    path: &Path,
    place: &Place,
    database: &str,
    user: &str,
) -> Option<DatabasePassword> {
    let metadata = path.metadata().ok()?;
    if !metadata.is_file() {
        return None;
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        log::debug!("`{0}` is left alone, since others can read it: chmod 600 {0}", path.display());
        return None;
    }
    let content = Zeroizing::new(crate::private_file::read(path, LIMIT).ok()?);
    let wanted = [place.name_in_password_file(), &place.port().to_string(), database, user];
    std::str::from_utf8(&content).ok()?.lines().find_map(|line| of_line(line, wanted))
}

/// Returns the password of `line` if its four fields match `wanted`.
fn of_line(line: &str, wanted: [&str; 4]) -> Option<DatabasePassword> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    for wanted in wanted {
        let (field, behind) = field(rest);
        if field.as_str() != wanted && &rest[..rest.len() - behind?.len() - 1] != "*" {
            return None;
        }
        rest = behind?;
    }
    let (password, _) = field(rest);
    Some(DatabasePassword::from_trusted(String::clone(&password)))
}

/// Returns the field at the beginning of `text` without its escapes, and what stands behind its
/// colon; `None` if there is no colon.
fn field(text: &str) -> (Zeroizing<String>, Option<&str>) {
    let mut field = Zeroizing::new(String::with_capacity(text.len()));
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            ':' => return (field, Some(&text[at + 1..])),
            '\\' => field.extend(letters.next().map(|(_, escaped)| escaped)),
            letter => field.push(letter),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<String> {
        let found = of_line(line, ["db.example", "5432", "tokctl", "al:ice"]);
        found.map(|password| password.expose().to_owned())
    }

    #[test]
    fn the_fields_of_a_line_match_or_are_a_star() {
        assert_eq!(of("db.example:5432:tokctl:al\\:ice:made-up").as_deref(), Some("made-up"));
        assert_eq!(of("*:*:*:*:made\\:up\\\\").as_deref(), Some("made:up\\"));
        for other in [
            "db.example:5433:tokctl:al\\:ice:made-up",
            "db.example:5432:tokctl:bob:made-up",
            "\\*:*:*:*:made-up",
            "# *:*:*:*:made-up",
            "*:*:*",
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
