//! The user of the operating system, as whom one logs in to a database if nothing says otherwise.

use super::surroundings::Surroundings;

/// Returns the name of the user who runs this process: from `/etc/passwd`, else from the
/// environment.
pub(super) fn of_this_process(around: Surroundings<'_>) -> Option<String> {
    let own = rustix::process::geteuid().as_raw().to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of_line = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == own).then(|| name.to_owned())
    };
    let found = passwd.lines().find_map(of_line);
    found.or_else(|| around.text("LOGNAME")).or_else(|| around.text("USER"))
}
