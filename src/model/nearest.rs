//! Names that are nearly what somebody typed.

/// The similarity from which on a name is offered, where 1 is the same text.
const SIMILAR: f64 = 0.8;

/// The shortest text, in bytes, in which one slip leaves enough to tell what was meant.
const SHORTEST: usize = 3;

/// The greatest number of names that one message offers.
const MOST: usize = 3;

/// Returns the `names` that are most like `typed`, at most three, the nearest first.
///
/// A name that begins with what was typed counts as near.
pub(crate) fn nearest<T: AsRef<str>>(typed: &str, names: impl IntoIterator<Item = T>) -> Vec<T> {
    let typed = typed.to_lowercase();
    let score = |name: &str| {
        let name = name.to_lowercase();
        let begins = !typed.is_empty() && name.starts_with(&typed);
        // Two letters that changed places are one slip, and so is a letter too many.
        let slips = strsim::damerau_levenshtein(&typed, &name);
        if begins || (slips == 1 && typed.len() >= SHORTEST) {
            return 1.0;
        }
        let alike = strsim::normalized_damerau_levenshtein(&typed, &name);
        alike.max(strsim::jaro_winkler(&typed, &name) - 0.05)
    };
    let mut scored: Vec<(f64, T)> = names
        .into_iter()
        .map(|name| (score(name.as_ref()), name))
        .filter(|(score, _)| *score >= SIMILAR)
        .collect();
    scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    scored.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// Returns ": did you mean `a` or `b`?", to stand behind a message, or nothing without names.
pub(crate) fn did_you_mean<T: AsRef<str>>(names: &[T]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match &quoted[..] {
        [] => String::new(),
        [one] => format!(": did you mean {one}?"),
        [several @ .., last] => format!(": did you mean {} or {last}?", several.join(", ")),
    }
}

/// Returns a parser's message about an unknown field with what was probably meant, in place of all
/// the fields that there are. Other messages stay as they are.
pub(crate) fn of_one_field(message: &str) -> String {
    let mut parts = message.split('`');
    if parts.next() != Some("unknown field ") {
        return message.to_owned();
    }
    let Some(name) = parts.next() else { return message.to_owned() };
    let known: Vec<&str> = parts.skip(1).step_by(2).collect();
    let near = nearest(name, known.iter().copied());
    match (&near[..], &known[..]) {
        ([], few @ [_, ..]) if few.len() <= MOST => {
            let few: Vec<String> = few.iter().map(|field| format!("`{field}`")).collect();
            format!("there is no field `{name}`, only {}", few.join(", "))
        }
        (near, _) => format!("there is no field `{name}`{}", did_you_mean(near)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        let names = ["client_id", "client_secret_env", "scopes", "server", "issuer"];
        for (typed, found) in [
            ("cleint_id", Some("client_id")),
            ("client_secret", Some("client_secret_env")),
            ("scope", Some("scopes")),
            ("Server", Some("server")),
            ("isuer", Some("issuer")),
            ("banana", None),
        ] {
            assert_eq!(nearest(typed, names).first().copied(), found, "{typed}");
        }
        assert_eq!(nearest("jira/alice", ["jira-dc/alice", "gdrive/bob"]), ["jira-dc/alice"]);
    }

    #[test]
    fn a_mistyped_field_is_told_alone() {
        let many =
            "unknown field `cleint_id`, expected one of `extends`, `client_id`, `scopes`, `a`";
        let told = "there is no field `cleint_id`: did you mean `client_id`?";
        assert_eq!(of_one_field(many), told);
        let few = "unknown field `x`, expected `mode` or `keep`";
        assert_eq!(of_one_field(few), "there is no field `x`, only `mode`, `keep`");
        assert_eq!(of_one_field("missing field `x`"), "missing field `x`");
    }

    #[test]
    fn what_is_near_is_offered_in_words() {
        assert_eq!(did_you_mean::<&str>(&[]), "");
        assert_eq!(did_you_mean(&["a"]), ": did you mean `a`?");
        assert_eq!(did_you_mean(&["a", "b", "c"]), ": did you mean `a`, `b` or `c`?");
    }
}
