//! Questions to a person at the terminal.
//!
//! They read and write the terminal itself, so that stdin stays free for data and a redirected
//! stderr hides no question. Esc goes back, Ctrl-C ends the program; however a question ends, the
//! terminal has its old modes, and the cursor was never hidden. This folder knows neither what an
//! answer is for nor what follows from it.
//!
//! dialoguer 0.12 was weighed for each kind of question. `Confirm` takes the last letter among y and
//! n as the answer, whatever else was typed. Its `Password` can't be taken back by Esc. `Confirm` and
//! `FuzzySelect` hide the cursor, and Ctrl-C leaves it hidden.

mod answer;
mod look;
mod keys;
mod terminal;
mod text;
mod line;
mod menu;

use std::io;

pub(crate) use self::answer::Answer;
use self::line::Echo;
use self::look::Look;
use self::terminal::{Terminal, on_terminal};
use super::error::{CliError, Hint, Kind};
use super::ui::Ui;
use crate::secret::SecretText;
use crate::untrusted::printable;

impl Ui {
    /// Asks for a text until `parse` takes it, and shows each reason why it did not. `flag` is the
    /// hint for giving it without a question.
    pub(crate) fn ask<T>(
        &self,
        prompt: &str,
        flag: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Answer<T>, CliError> {
        let shown = format!("{}:", printable(prompt));
        self.ask_line(prompt, &shown, flag, Echo::Shown, |typed| parse(typed.trim()))
    }

    /// Asks for a secret, which does not show, until `parse` takes it.
    pub(crate) fn ask_secret<T>(
        &self,
        prompt: &str,
        flag: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Answer<T>, CliError> {
        let shown = format!("{} (does not show):", printable(prompt));
        self.ask_line(prompt, &shown, flag, Echo::Hidden, parse)
    }

    /// Asks for a secret, which does not show and must not be empty.
    pub(crate) fn ask_for_secret<T: SecretText>(
        &self,
        prompt: &str,
        flag: &str,
    ) -> Result<T, CliError> {
        given(self.ask_secret(prompt, flag, some_secret)?)
    }

    /// Asks twice for a new secret that `check` takes.
    pub(crate) fn ask_new_secret<T: SecretText>(
        &self,
        prompt: &str,
        flag: &str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<T, CliError> {
        loop {
            let first: T = given(self.ask_secret(prompt, flag, |typed| {
                check(typed).and_then(|()| some_secret(typed))
            })?)?;
            let repeated =
                self.ask_secret("once more", flag, |typed| Ok(typed == first.expose()))?;
            match repeated {
                Answer::Given(true) => return Ok(first),
                Answer::Given(false) => self.always("the two are not the same: begin again"),
                Answer::Back => {}
            }
        }
    }

    /// Asks for yes or no. No is the default, and Esc means it.
    pub(crate) fn confirm(&self, prompt: &str, flag: impl Into<Hint>) -> Result<bool, CliError> {
        let shown = format!("{}? [y/N]", printable(prompt.trim_end_matches('?')));
        let answer = self.ask_line(prompt, &shown, flag, Echo::Shown, |typed| {
            match typed.trim().to_lowercase().as_str() {
                "y" | "yes" => Ok(true),
                "" | "n" | "no" => Ok(false),
                _ => Err("type yes or no".into()),
            }
        })?;
        Ok(answer == Answer::Given(true))
    }

    /// Asks for one of `items` and returns its position.
    pub(crate) fn choose(
        &self,
        prompt: &str,
        items: &[String],
        flag: &str,
    ) -> Result<usize, CliError> {
        given(self.choose_or_back(prompt, items, flag)?)
    }

    /// Asks for one of `items`, and returns its position or the wish to go back.
    pub(crate) fn choose_or_back(
        &self,
        prompt: &str,
        items: &[String],
        flag: &str,
    ) -> Result<Answer<usize>, CliError> {
        let items: Vec<String> = items.iter().map(|item| printable(item)).collect();
        let shown = format!("{}:", printable(prompt));
        self.interact(prompt, flag, |terminal, look| menu::ask(terminal, look, &shown, &items))
    }

    fn ask_line<T>(
        &self,
        prompt: &str,
        shown: &str,
        flag: impl Into<Hint>,
        echo: Echo,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Answer<T>, CliError> {
        self.interact(prompt, flag, |terminal, look| {
            loop {
                let typed = match line::ask(terminal, look, shown, echo)? {
                    Answer::Given(typed) => typed,
                    Answer::Back => return Ok(Answer::Back),
                };
                match parse(&typed) {
                    Ok(answer) => return Ok(Answer::Given(answer)),
                    Err(reason) => terminal.write(&format!("{}\n", look.reason(&reason)))?,
                }
            }
        })
    }

    fn interact<T>(
        &self,
        prompt: &str,
        flag: impl Into<Hint>,
        question: impl FnOnce(&mut Terminal, Look) -> io::Result<T>,
    ) -> Result<T, CliError> {
        if !self.can_ask() {
            let asked = prompt.trim_end_matches([':', '?']);
            return Err(
                CliError::new(Kind::Usage, format!("nobody can be asked here: {asked}")).hint(flag)
            );
        }
        let look = Look { colored: Self::colors_on_terminals() };
        on_terminal(|terminal| question(terminal, look)).map_err(|error| {
            let not_answered = CliError::new(Kind::Failed, "the question was not answered");
            match error.kind() {
                io::ErrorKind::UnexpectedEof => not_answered,
                _ => not_answered.caused_by(&error),
            }
        })
    }
}

/// Returns the answer to a question before which there is none to go back to.
pub(crate) fn given<T>(answer: Answer<T>) -> Result<T, CliError> {
    match answer {
        Answer::Given(answer) => Ok(answer),
        Answer::Back => Err(CliError::new(Kind::Failed, "the question was not answered")),
    }
}

/// Parses an answer that must not be empty.
pub(crate) fn some_text(typed: &str) -> Result<String, String> {
    if typed.is_empty() {
        Err("type something, or Esc to go back".into())
    } else {
        Ok(typed.to_owned())
    }
}

/// Parses a secret that must not be empty.
pub(crate) fn some_secret<T: SecretText>(typed: &str) -> Result<T, String> {
    some_text(typed).map(T::from_trusted)
}
