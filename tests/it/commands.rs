//! The commands in `tests/`: whatever lies in `tests/real` is run by one of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");

/// The commands, each with the part of `tests/real` that it runs.
const COMMANDS: [(&str, &str); 6] = [
    ("run", "-m smoke tests/real"),
    ("servers", "tests/real/servers"),
    ("sweep", "tests/real/sweep"),
    ("shared", "tests/real/shared"),
    ("keychains", "tests/real/keychains"),
    ("package", "tests/real/package"),
];

/// The files below `folder` in which pytest looks for tests.
fn files_with_tests(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for path in paths.filter(|path| !path.ends_with("node_modules")) {
        if path.is_dir() {
            found.extend(files_with_tests(&path));
        } else if path.file_name().unwrap().to_string_lossy().starts_with("test_") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_test_with_a_real_component_is_run_by_a_command() {
    let files = files_with_tests(&Path::new(TESTS).join("real"));
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let folder = file.parent().unwrap();
        let command = folder.file_name().unwrap().to_str().unwrap();
        assert!(
            COMMANDS.iter().any(|(name, part)| *name == command
                && folder == Path::new(TESTS).parent().unwrap().join(part)),
            "no command runs {}",
            file.display()
        );
    }
}

#[test]
fn each_command_says_what_it_does_and_runs_its_part() {
    for (name, part) in COMMANDS {
        let path = Path::new(TESTS).join(name);
        assert!(fs::read_to_string(&path).unwrap().contains(part), "{name} does not run {part}");
        let mut command = Command::new(&path);
        let output = command.arg("--help").stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && said.contains(&format!("tests/{name}")), "{said}");
    }
}
