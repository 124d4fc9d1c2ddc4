//! The file in which services are defined, `pg_service.conf`.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::surroundings::Surroundings;

/// The largest file that is read, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// The directories of the system's file if nothing names another one: as PostgreSQL is built, and as
/// Debian builds it.
const USUAL: [&str; 2] = ["/etc/postgresql-common", "/etc"];

/// The name of the system's file.
const FILE: &str = "pg_service.conf";

/// Returns what the service `name` is defined as: by the user's file, else by the system's.
pub(super) fn definition(
    name: &str,
    around: Surroundings<'_>,
) -> Result<Vec<(String, String)>, Error> {
    let own = around.text("PGSERVICEFILE").map(PathBuf::from);
    let own = own.or_else(|| Some(around.home()?.join(".pg_service.conf")));
    let directories = match around.text("PGSYSCONFDIR") {
        Some(directory) => vec![PathBuf::from(directory)],
        None => USUAL.map(PathBuf::from).to_vec(),
    };
    let of_system = directories.into_iter().map(|directory| directory.join(FILE));
    for path in own.into_iter().chain(of_system) {
        let Ok(content) = crate::private_file::read(&path, LIMIT) else { continue };
        if let Some(found) = section(&String::from_utf8_lossy(&content), name, &path)? {
            return Ok(found);
        }
    }
    Err(Error::NoService { name: crate::untrusted::printable(name) })
}

/// Returns the settings in the section `name` of `content`; `None` if it has no such section.
fn section(content: &str, name: &str, path: &Path) -> Result<Option<Vec<(String, String)>>, Error> {
    let mut found: Option<Vec<(String, String)>> = None;
    for (at, line) in content.lines().enumerate() {
        let malformed = || Error::ServiceFile { path: path.to_owned(), line: at + 1 };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(heading) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            let heading = heading.strip_suffix(']').ok_or_else(malformed)?;
            found = (heading == name).then(Vec::new);
        } else if let Some(found) = &mut found {
            let (keyword, value) = line.split_once('=').ok_or_else(malformed)?;
            // A service can't be defined by another one.
            if keyword == "service" {
                return Err(malformed());
            }
            found.push((keyword.trim().to_owned(), value.trim().to_owned()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_its_own_section() {
        let content =
            "# made up\n[one]\nhost=a\n\n [two]\n  host=b\nport = 5433\n[three]\nhost=c\n";
        let of = |name| section(content, name, Path::new("x")).unwrap();
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(of("two"), Some(vec![pair("host", "b"), pair("port", "5433")]));
        assert_eq!(of("four"), None);
        assert!(section("[x]\nnonsense\n", "x", Path::new("x")).is_err());
    }
}
