//! The meaning of the word to complete, if it is a name from the vault or a fixed word.
//!
//! It follows from the descriptions of the arguments: a value that the help calls PROVIDER, USER or
//! REF is completed as one.

use clap::builder::StyledStr;
use clap::{Arg, Command};

/// The kinds of words that can be completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A provider with stored credentials.
    Stored,
    /// A provider that is defined.
    Defined,
    User,
    Reference,
    /// The id of a key slot.
    Slot,
    /// One of the fixed words that the argument takes.
    Word,
}

/// The word to complete, and what the words before it say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) kind: Kind,
    /// The fixed words that fit, each with its meaning.
    pub(super) words: Vec<(String, String)>,
    /// The option that the word begins with, such as `--user=` or `-u`.
    pub(super) option: String,
    /// The part before the name within the word, such as `NAME=` of `NAME=REF`.
    pub(super) before: String,
    /// The part of the name that was typed.
    pub(super) typed: String,
    pub(super) given: Given,
}

/// The values that earlier words give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) provider: Option<String>,
    pub(super) user: Option<String>,
    pub(super) vault: Option<String>,
    pub(super) config: Option<String>,
}

/// Finds out what the last of `words` stands for; the first is the program's name.
///
/// `None` means that no name belongs there.
pub(super) fn find(program: &Command, words: &[String]) -> Option<Position> {
    let (current, before) = words.split_last()?;
    let mut reader = Reader {
        program,
        command: program,
        given: Given::default(),
        positionals: 0,
        pending: None,
        only_positionals: false,
    };
    for word in before.iter().skip(1) {
        reader.read(word);
    }
    reader.place(current)
}

struct Reader<'a> {
    program: &'a Command,
    command: &'a Command,
    given: Given,
    /// The number of positional arguments so far.
    positionals: usize,
    /// The option whose value comes next.
    pending: Option<&'a Arg>,
    only_positionals: bool,
}

impl<'a> Reader<'a> {
    fn read(&mut self, word: &str) {
        if let Some(option) = self.pending.take() {
            self.note(option, word);
        } else if self.only_positionals || !word.starts_with('-') || word == "-" {
            self.read_positional(word);
        } else if word == "--" {
            self.only_positionals = true;
        } else if let Some(long) = word.strip_prefix("--") {
            match long.split_once('=') {
                Some((name, value)) => {
                    if let Some(option) = self.long(name) {
                        self.note(option, value);
                    }
                }
                None => self.pending = self.long(long),
            }
        } else {
            self.read_short(&word[1..]);
        }
    }

    fn read_positional(&mut self, word: &str) {
        if let Some(found) = self.command.find_subcommand(word).filter(|_| !self.only_positionals) {
            self.command = found;
            return;
        }
        if let Some(positional) = self.positional() {
            self.note(positional, word);
            self.positionals += 1;
        }
    }

    /// Reads a cluster of short switches, the last of which may take the rest or the next word as
    /// value.
    fn read_short(&mut self, cluster: &str) {
        for (at, letter) in cluster.char_indices() {
            let option = self.option(|option| option.get_short() == Some(letter));
            if let Some(option) = option.filter(|option| takes_value(option)) {
                match &cluster[at + letter.len_utf8()..] {
                    "" => self.pending = Some(option),
                    value => self.note(option, value),
                }
                return;
            }
        }
    }

    fn note(&mut self, arg: &Arg, value: &str) {
        let place = match (arg.get_id().as_str(), kind(self.command, arg)) {
            ("vault", _) => &mut self.given.vault,
            ("config", _) => &mut self.given.config,
            (_, Some(Kind::Stored | Kind::Defined)) => &mut self.given.provider,
            (_, Some(Kind::User)) => &mut self.given.user,
            (_, Some(Kind::Reference | Kind::Slot | Kind::Word) | None) => return,
        };
        *place = Some(value.to_owned());
    }

    fn place(mut self, current: &str) -> Option<Position> {
        let (arg, option, value) = if let Some(option) = self.pending.take() {
            (option, "", current)
        } else if self.only_positionals || !current.starts_with('-') {
            (self.positional()?, "", current)
        } else {
            match current.strip_prefix("--") {
                Some(long) => {
                    let (name, value) = long.split_once('=')?;
                    (self.long(name)?, &current[..name.len() + 3], value)
                }
                None => self.short(current)?,
            }
        };
        let words = words(arg);
        let kind = kind(self.command, arg).or((!words.is_empty()).then_some(Kind::Word))?;
        let (before, typed) = match value_name(arg) {
            "NAME=REF" => value.split_at(value.find('=')? + 1),
            _ => ("", value),
        };
        let [option, before, typed] = [option, before, typed].map(str::to_owned);
        Some(Position { kind, words, option, before, typed, given: self.given })
    }

    /// Returns the short option in `current` whose value follows in the same word.
    fn short<'w>(&self, current: &'w str) -> Option<(&'a Arg, &'w str, &'w str)> {
        for (at, letter) in current.char_indices().skip(1) {
            let option = self.option(|option| option.get_short() == Some(letter))?;
            if takes_value(option) {
                let (option_text, value) = current.split_at(at + letter.len_utf8());
                return (!value.is_empty()).then_some((option, option_text, value));
            }
        }
        None
    }

    fn positional(&self) -> Option<&'a Arg> {
        let all: Vec<&Arg> = self.command.get_positionals().collect();
        let last_repeats = |arg: &&&Arg| {
            arg.get_num_args().is_some_and(|number| number.max_values() > 1)
                || matches!(arg.get_action(), clap::ArgAction::Append)
        };
        all.get(self.positionals).or_else(|| all.last().filter(last_repeats)).copied()
    }

    /// Returns the long option with this name if it takes a value.
    fn long(&self, name: &str) -> Option<&'a Arg> {
        let is_it = |option: &Arg| {
            option.get_long() == Some(name)
                || option.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
        };
        self.option(is_it).filter(|option| takes_value(option))
    }

    fn option(&self, is_it: impl Fn(&Arg) -> bool) -> Option<&'a Arg> {
        let everywhere = self.program.get_arguments().filter(|option| option.is_global_set());
        self.command.get_arguments().chain(everywhere).find(|option| is_it(option))
    }
}

/// Returns the words that a positional argument takes. Shells know the words of options themselves.
fn words(arg: &Arg) -> Vec<(String, String)> {
    let values = if arg.is_positional() { arg.get_possible_values() } else { Vec::new() };
    let shown = values.iter().filter(|value| !value.is_hide_set());
    let meaning = |help: Option<&StyledStr>| help.map(ToString::to_string).unwrap_or_default();
    shown.map(|value| (value.get_name().to_owned(), meaning(value.get_help()))).collect()
}

fn takes_value(option: &Arg) -> bool {
    option.get_action().takes_values()
}

fn value_name(arg: &Arg) -> &str {
    arg.get_value_names().and_then(<[_]>::first).map_or("", |name| name.as_str())
}

/// Returns the kind of name that `arg` of `command` takes, if it takes one.
pub(super) fn kind(command: &Command, arg: &Arg) -> Option<Kind> {
    match (value_name(arg), command.get_name()) {
        // A login is possible where nothing is stored yet.
        ("PROVIDER[/USER]", "login") => Some(Kind::Defined),
        ("NAME", "providers") if arg.is_positional() => Some(Kind::Defined),
        ("PROVIDER" | "PROVIDER[/USER]", _) => Some(Kind::Stored),
        ("USER", _) if arg.get_id() == "user" => Some(Kind::User),
        ("REF" | "NAME=REF", _) => Some(Kind::Reference),
        ("ID", "remove" | "rotate-key") => Some(Kind::Slot),
        (_, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::ArgAction;

    use super::*;

    fn program() -> Command {
        let option = |name| Arg::new(name).long(name);
        let user = || option("user").short('u').value_name("USER");
        let provider = || Arg::new("provider").value_name("PROVIDER[/USER]");
        Command::new("tokctl")
            .arg(option("vault").value_name("FILE").global(true))
            .arg(option("verbose").short('v').action(ArgAction::Count).global(true))
            .subcommand(Command::new("login").arg(provider()).arg(user()))
            .subcommand(
                Command::new("get")
                    .arg(provider())
                    .arg(user())
                    .arg(option("format").value_name("FORMAT")),
            )
            .subcommand(Command::new("providers").arg(Arg::new("name").value_name("NAME")))
            .subcommand(Command::new("run").arg(option("env").value_name("NAME=REF")))
            .subcommand(
                Command::new("import")
                    .arg(Arg::new("source").value_parser(["salla", "google"]))
                    .arg(Arg::new("file").value_name("FILE")),
            )
            .subcommand(
                Command::new("export")
                    .arg(Arg::new("refs").value_name("REF").action(ArgAction::Append)),
            )
    }

    fn found(words: &[&str]) -> Option<Position> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        find(&program(), &words)
    }

    fn kind_of(words: &[&str]) -> Option<Kind> {
        found(words).map(|position| position.kind)
    }

    #[test]
    fn names_are_found_where_the_help_says_so() {
        for (words, expected) in [
            (&["tokctl", "get", ""][..], Some(Kind::Stored)),
            (&["tokctl", "login", "a"], Some(Kind::Defined)),
            (&["tokctl", "providers", ""], Some(Kind::Defined)),
            (&["tokctl", "get", "acme", ""], None),
            (&["tokctl", "get", "--user", ""], Some(Kind::User)),
            (&["tokctl", "get", "-u", ""], Some(Kind::User)),
            (&["tokctl", "get", "-vu", "a"], Some(Kind::User)),
            (&["tokctl", "get", "-ua", ""], Some(Kind::Stored)),
            (&["tokctl", "get", "-ua"], Some(Kind::User)),
            (&["tokctl", "get", "-vual"], Some(Kind::User)),
            (&["tokctl", "get", "-u"], None),
            (&["tokctl", "get", "-vxua"], None),
            (&["tokctl", "import", "s"], Some(Kind::Word)),
            (&["tokctl", "import", "salla", ""], None),
            (&["tokctl", "get", "--user=a"], Some(Kind::User)),
            (&["tokctl", "get", "--us"], None),
            (&["tokctl", "get", "--format", ""], None),
            (&["tokctl", "get", "--format", "json", ""], Some(Kind::Stored)),
            (&["tokctl", "--vault", "get", "get", ""], Some(Kind::Stored)),
            (&["tokctl", "get", "-v", "--", ""], Some(Kind::Stored)),
            (&["tokctl", "export", "a/b", "c"], Some(Kind::Reference)),
            (&["tokctl", "run", "--env", "A=a"], Some(Kind::Reference)),
            (&["tokctl", "run", "--env", "A"], None),
            (&["tokctl", ""], None),
            (&["tokctl"], None),
            (&[], None),
        ] {
            assert_eq!(kind_of(words), expected, "{words:?}");
        }
    }

    #[test]
    fn what_was_said_before_narrows_the_choice() {
        let words = ["tokctl", "--vault=/v", "get", "acme", "--user=al"];
        let position = found(&words).unwrap();
        assert_eq!((&*position.option, &*position.typed), ("--user=", "al"));
        assert_eq!(position.given.provider.as_deref(), Some("acme"));
        assert_eq!(position.given.vault.as_deref(), Some("/v"));
        let position = found(&["tokctl", "run", "--env=A=ac"]).unwrap();
        assert_eq!(
            (&*position.option, &*position.before, &*position.typed),
            ("--env=", "A=", "ac")
        );
        let position = found(&["tokctl", "get", "-vual"]).unwrap();
        assert_eq!((&*position.option, &*position.typed), ("-vu", "al"));
        let position = found(&["tokctl", "get", "-u", "al", ""]).unwrap();
        assert_eq!(position.given.user.as_deref(), Some("al"));
    }
}
