//! The manual: complete, readable everywhere, and true where it can be tried.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::env::{TestEnv, set_mode, stderr, stdout};
use crate::terminal::{at_a_terminal, ending};
use crate::throwaway::Model;

const SECTIONS: [&str; 5] = ["\"EXIT STATUS\"", "ENVIRONMENT", "FILES", "EXAMPLES", "\"SEE ALSO\""];

/// Beginnings of examples that are tried elsewhere, and where.
const ELSEWHERE: [(&str, &str); 14] = [
    ("tokctl login\n", "a person answers in login_guided.rs"),
    ("(umask 077; tokctl get gdrive --format adc", "a login at Google in get_formats.rs"),
    ("tokctl env GH_TOKEN=github/alice --format fish", "fish's own words, in env.rs"),
    ("tokctl vault ", "a database, in tests/real/shared"),
    ("tokctl member ", "a database, in tests/real/shared"),
    ("tokctl --vault team ", "a database, in tests/real/shared"),
    (
        "(umask 077; tokctl key generate > bundle.key)\ntokctl export --all",
        "a database, in tests/real/shared",
    ),
    ("(umask 077; tokctl key generate --identity", "another key is set: shared_vaults.rs"),
    ("tokctl key public", "a file of one's own, in shared_vaults.rs"),
    ("export TOKCTL_VAULT='postgres:", "a database, in tests/real/shared"),
    ("CREATE ROLE", "the SQL of a database"),
    ("Ann's identity", "bytes, which vault/shared/tests.rs compares"),
    ("{", "JSON"),
    ("[mcp_servers.example]", "the TOML of another program"),
];

fn pages() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    let mut pages: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    pages.sort();
    pages
}

fn page(name: &str) -> String {
    pages().into_iter().find(|(page, _)| page == name).unwrap().1
}

/// A text without roff's escapes.
fn plain(roff: &str) -> String {
    let mut text = roff.to_owned();
    for (escape, character) in [
        ("\\-", "-"),
        ("\\(aq", "'"),
        ("\\(ti", "~"),
        ("\\(ha", "^"),
        ("\\fB", ""),
        ("\\fR", ""),
        ("\\&", ""),
        ("\\e", "\\"),
    ] {
        text = text.replace(escape, character);
    }
    text
}

/// The blocks of a page that are kept as they are.
fn examples(page: &str) -> Vec<String> {
    page.split("\n.EX\n")
        .skip(1)
        .map(|rest| plain(rest.split_once("\n.EE").expect("an end").0))
        .collect()
}

/// The tags of a page's lists.
fn tags(page: &str) -> Vec<String> {
    let lines: Vec<&str> = page.lines().collect();
    let tags = lines.windows(2).filter(|pair| pair[0].starts_with(".TP"));
    tags.map(|pair| plain(pair[1])).collect()
}

#[test]
fn every_page_of_a_command_says_how_it_is_used() {
    for (name, page) in pages().into_iter().filter(|(name, _)| name.ends_with(".1")) {
        for section in SECTIONS {
            assert!(page.contains(&format!("\n.SH {section}\n")), "{name}: {section}");
        }
        assert!(!page.contains(".SH EXTRA"), "{name}");
        let synopsis = page.split_once("SYNOPSIS\n").unwrap().1.split_once("\n.SH").unwrap().0;
        assert!(synopsis.matches("\\-\\-").count() <= 2, "{name}: {synopsis}");
    }
}

#[test]
fn pages_name_pages_that_are_there() {
    let pages = pages();
    let names: BTreeSet<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    for (name, page) in &pages {
        for (before, after) in page.match_indices("\\fR(").map(|(at, _)| page.split_at(at)) {
            let meant = plain(before.rsplit("\\fB").next().unwrap());
            let section = &after[4..5];
            let meant = format!("{meant}.{section}");
            assert!(!meant.starts_with("tokctl") || names.contains(&*meant), "{name}: {meant}");
        }
    }
}

#[test]
fn groff_has_nothing_to_say_about_any_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    for (name, _) in pages() {
        let mut groff = Command::new("groff");
        groff.args(["-k", "-ww", "-mandoc", "-Tutf8"]).arg(folder.join(&name));
        let Ok(formatted) = groff.output() else { return };
        let said = String::from_utf8_lossy(&formatted.stderr).into_owned();
        assert!(formatted.status.success() && said.is_empty(), "{name}: {said}");
    }
}

#[test]
fn every_page_is_shown_without_man() {
    let env = TestEnv::without_key().set("PATH", "/nowhere");
    for (name, page) in pages() {
        let shown = stdout(&env.tokctl(["help", &name]).assert().success().stderr_eq(""));
        for escape in ["\u{1b}", "\\f", "\\-", "\\(", "\\&"] {
            assert!(!shown.contains(escape), "{name}: {shown}");
        }
        assert!(shown.starts_with("NAME\n"), "{name}: {shown}");
        let examples = examples(&page).join("\n");
        for line in shown.lines() {
            let is_kept = examples.contains(line.trim()) || !line.trim().contains(' ');
            assert!(line.chars().count() <= 80 || is_kept, "{name}: {line}");
            assert_eq!(line, line.trim_end(), "{name}");
        }
        for title in page.lines().filter_map(|line| line.strip_prefix(".SH ")) {
            assert!(shown.contains(&title.replace('"', "")), "{name}: {title}");
        }
    }
}

#[test]
fn help_prefers_commands_to_topics() {
    let env = TestEnv::without_key();
    let shown = |words: &[&str]| {
        let shown = stdout(&env.tokctl([&["help"], words].concat()).assert().success());
        shown.lines().nth(1).unwrap().trim().split(' ').next().unwrap().to_owned() + &shown
    };
    assert!(shown(&["refresh"]).contains("tokctl refresh [options]"));
    assert!(shown(&["7", "refresh"]).contains("ROTATION"));
    assert!(shown(&["tokctl-refresh(7)"]).contains("ROTATION"));
    assert!(shown(&["config"]).starts_with("tokctl-config"));
    assert!(shown(&["key", "add"]).starts_with("tokctl-key-add"));
    assert!(shown(&["rm"]).starts_with("tokctl-delete"));
    assert!(shown(&["tokctl"]).contains("tokctl-login(1)"));
    let list = stdout(&env.tokctl(["help"]).assert().success());
    for name in ["login", "rotate-key", "config", "security"] {
        assert!(list.contains(name), "{list}");
    }
    for words in [&["nothing"][..], &["5", "refresh"], &["key", "refresh"]] {
        let failed = env.tokctl([&["help"], words].concat()).assert().code(2);
        assert!(stderr(&failed).contains("hint: tokctl help"), "{}", stderr(&failed));
    }
}

#[test]
fn a_page_is_leafed_through_at_a_terminal_and_the_pager_knows_no_key() {
    let env = TestEnv::new();
    let pager = env.file("pager", "#!/bin/sh\nenv >\"$HOME/pager.env\"\ncat >\"$HOME/page\"\n");
    set_mode(&pager, 0o755);
    let env = env.set("PAGER", pager.as_os_str());
    let (said, code) = ending(at_a_terminal(&env, &["help", "get"]));
    assert_eq!((said.trim(), code), ("", 0));
    assert!(fs::read_to_string(env.path("page")).unwrap().contains("EXAMPLES"));
    assert!(!fs::read_to_string(env.path("pager.env")).unwrap().contains("TOKCTL_KEY"));
    for pager in ["/nowhere/pager", "'"] {
        let env = TestEnv::new().set("PAGER", pager);
        let (said, code) = ending(at_a_terminal(&env, &["help", "get"]));
        assert!(said.contains("EXAMPLES") && code == 0, "{said}");
    }
}

/// The names of a struct's fields in a source file.
fn fields(source: &str, name: &str) -> Vec<String> {
    let start = format!("struct {name} {{\n");
    let (_, rest) = source.split_once(&start).unwrap_or_else(|| panic!("no struct {name}"));
    let (body, _) = rest.split_once("\n}").unwrap();
    let lines = body.lines().map(str::trim).filter(|line| !line.starts_with(['/', '#']));
    lines
        .filter_map(|line| line.split_once(": "))
        .map(|(field, _)| field.trim_start_matches("pub(crate) ").to_owned())
        .collect()
}

#[test]
fn the_page_about_the_configuration_has_every_field() {
    let source = |file: &str| {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file)).unwrap()
    };
    let definition = source("model/definition.rs");
    let mut wanted: Vec<String> = fields(&source("config/mod.rs"), "File");
    wanted.retain(|field| field != "providers");
    wanted.extend(fields(&definition, "Definition"));
    let tables = [
        ("refresh", fields(&definition, "Refresh")),
        ("assertion", fields(&source("model/workload.rs"), "Assertion")),
        ("identity", fields(&definition, "Identity")),
        ("pages", fields(&definition, "Pages")),
        ("pat_check", fields(&definition, "PatCheck")),
        ("grant_life", fields(&source("model/grant_life.rs"), "GrantLife")),
        ("dialect", fields(&source("model/dialect.rs"), "Dialect")),
    ];
    for (table, fields) in tables {
        wanted.retain(|field| field != table);
        wanted.extend(fields.iter().map(|field| format!("{table}.{field}")));
    }
    assert!(wanted.len() > 50, "{wanted:?}");
    let page = page("tokctl-config.5");
    let tags = tags(&page);
    for field in &wanted {
        let is_told = tags.iter().any(|tag| tag.starts_with(&format!("{field} = ")));
        assert!(is_told, "`{field}` is missing in man/topics/config.man");
    }
    for tag in tags.iter().filter_map(|tag| tag.split_once(" = ")) {
        assert!(wanted.iter().any(|field| field == tag.0), "`{}` is no field", tag.0);
    }
}

#[test]
fn every_field_can_be_written_as_the_page_has_it() {
    let env = TestEnv::new();
    let page = page("tokctl-config.5");
    let (general, providers) = page.split_once(".SH PROVIDERS").unwrap();
    for tag in tags(general).iter().filter(|tag| tag.contains(" = ")) {
        env.config(tag);
        env.tokctl(["providers"]).assert().success();
    }
    // One provider for each field, and for each table.
    let mut config = String::new();
    let mut table = String::new();
    for (number, tag) in tags(providers).iter().filter(|tag| tag.contains(" = ")).enumerate() {
        let (field, _) = tag.split_once(" = ").unwrap();
        let own = field.split_once('.').map_or(field, |(table, _)| table);
        if own != table {
            own.clone_into(&mut table);
            let _ = writeln!(config, "[providers.p{number}]");
        }
        let _ = writeln!(config, "{tag}");
    }
    env.config(&config);
    env.tokctl(["providers"]).assert().success();
    // All but the table of servers.
    let is_table = |example: &String| example.trim_start().starts_with("oidc-provider ");
    for example in examples(&page).into_iter().filter(|example| !is_table(example)) {
        env.config(&example);
        let provider = example.split_once("[providers.").unwrap().1.split_once(']').unwrap().0;
        env.tokctl(["providers", provider]).assert().success();
    }
}

#[test]
fn the_page_about_ci_has_the_recipes_that_are_tested() {
    let examples = examples(&page("tokctl-ci.7"));
    let keyless = recipes("tests/it/recipes_keyless");
    for recipe in recipes("tests/it/recipes").into_iter().chain(keyless) {
        let is_there = |example: &String| recipe.trim_end().ends_with(example.trim_end());
        assert!(examples.iter().any(is_there), "{recipe}");
    }
}

#[test]
fn the_page_about_clients_has_the_recipes_that_are_tried_with_them() {
    let sorted = |mut texts: Vec<String>| {
        texts.sort();
        texts
    };
    let examples = examples(&page("tokctl-clients.7"));
    let examples = examples.iter().map(|example| example.trim_end().to_owned()).collect();
    let recipes = recipes("tests/real/recipes");
    let recipes = recipes.iter().map(|recipe| recipe.trim_end().to_owned()).collect();
    assert_eq!(sorted(examples), sorted(recipes));
}

/// The recipes in a folder, each a file.
fn recipes(folder: &str) -> Vec<String> {
    fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect()
}

#[test]
fn every_example_can_be_typed() {
    let model = Model::new();
    let folders = ["tests/it/recipes", "tests/it/recipes_keyless", "tests/real/recipes"];
    let recipes = folders.map(recipes).concat();
    let mut wrong = Vec::new();
    for (name, page) in pages().into_iter().filter(|(name, _)| name != "tokctl-config.5") {
        for example in examples(&page) {
            let is_recipe = recipes.iter().any(|recipe| recipe.contains(example.trim_end()));
            let is_tried =
                ELSEWHERE.iter().any(|(start, _)| format!("{example}\n").starts_with(start));
            if is_recipe || is_tried {
                continue;
            }
            if let Err(said) = model.type_lines(&example) {
                wrong.push(format!("{name}:\n{said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
