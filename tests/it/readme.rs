//! The README, typed line by line in a throwaway world.

use std::fs;
use std::path::Path;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, stderr};
use crate::throwaway::Model;

/// Lines that are tried elsewhere, and where.
const ELSEWHERE: [(&str, &str); 2] = [
    ("cargo install --path . --locked", "tests/crate builds the crate"),
    ("sh packaging/install.sh --from target/packaging/out", "tests/package installs a release"),
];

/// The most lines that a reader is asked to read.
const LONGEST: usize = 200;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The fenced blocks in a language.
fn blocks(readme: &str, language: &str) -> Vec<String> {
    let start = format!("\n```{language}\n");
    readme
        .split(&start)
        .skip(1)
        .map(|rest| rest.split_once("\n```").expect("an end").0.to_owned())
        .collect()
}

#[test]
fn it_is_short_and_every_block_is_of_a_kind_that_is_tried() {
    let readme = readme();
    assert!(readme.lines().count() <= LONGEST);
    let fences = readme.lines().filter(|line| line.trim_start().starts_with("```")).count();
    let tried = ["sh", "console", "toml", "yaml"].map(|language| blocks(&readme, language).len());
    assert_eq!(fences, 2 * tried.iter().sum::<usize>());
}

#[test]
fn every_line_can_be_typed() {
    let model = Model::new();
    let mut wrong = Vec::new();
    for block in blocks(&readme(), "sh") {
        if ELSEWHERE.iter().any(|(line, _)| *line == block) {
            continue;
        }
        let done = if block.contains("--method token") {
            model.type_at_a_terminal(&block, "made-up-access-typed")
        } else {
            model.type_lines(&block)
        };
        wrong.extend(done.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_it_shows_is_what_is_printed() {
    let model = Model::new();
    for transcript in blocks(&readme(), "console") {
        let (typed, shown): (Vec<&str>, Vec<&str>) =
            transcript.lines().partition(|line| line.starts_with("$ "));
        let typed: Vec<&str> = typed.iter().map(|line| &line[2..]).collect();
        let printed = model.type_lines(&typed.join("\n")).unwrap();
        for line in shown.iter().filter(|line| !line.starts_with("ya29.")) {
            // An ellipsis stands for the rest of the line.
            let line = line.trim_end_matches('…');
            assert!(printed.lines().any(|other| other.starts_with(line)), "{line}: {printed}");
        }
    }
}

#[test]
fn the_configuration_can_be_used() {
    for block in blocks(&readme(), "toml") {
        let env = TestEnv::new();
        env.config(&block);
        env.tokctl(["providers", "acme"]).assert().success();
    }
}

#[test]
fn the_job_is_the_recipe_that_is_tested() {
    let recipe = include_str!("recipes/github.yml");
    let blocks = blocks(&readme(), "yaml");
    assert!(blocks.len() == 1 && recipe.contains(&blocks[0]), "{blocks:?}");
}

#[test]
fn its_links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = readme();
    let links = readme.split("](").skip(1).map(|rest| rest.split_once(')').unwrap().0);
    for link in links.filter(|link| !link.starts_with("https://")) {
        assert!(root.join(link).exists(), "{link}");
    }
}

#[test]
fn the_recording_shows_what_a_login_prints_today() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    server.will_log_in(issue());
    let login = env.begin_login(["login", "acme", "--user", "you@example.com"]);
    login.visit();
    let said = stderr(&login.finish().success());
    let recording = include_str!("../demo/recording.svg");
    let shown = said.lines().find(|line| line.starts_with("logged in")).unwrap();
    assert!(recording.contains(shown), "`tests/demo/record` makes it anew: {said}");
}
