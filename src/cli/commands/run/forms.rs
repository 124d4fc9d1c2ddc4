//! The forms in which a token appears in what programs print.

use data_encoding::{BASE64, BASE64URL, Encoding};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode};
use zeroize::Zeroizing;

/// Everything but the unreserved characters (RFC 3986 §2.3), as curl and most libraries encode.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The characters that Python's `urllib.parse.quote` encodes.
const OUTSIDE_A_PATH: AsciiSet = RESERVED.remove(b'/');

/// The characters that JavaScript's `encodeURIComponent` encodes.
const OUTSIDE_A_COMPONENT: AsciiSet =
    RESERVED.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');

/// The characters that an HTML form encodes; a space becomes a plus.
const OUTSIDE_A_FORM: AsciiSet = RESERVED.add(b'~').remove(b'*').remove(b' ');

/// The characters that a browser's `URL` encodes in a password (the userinfo set of the URL Standard).
const OUTSIDE_A_PASSWORD: AsciiSet = CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A text to be masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) text: Zeroizing<Vec<u8>>,
    /// Whether the text may be broken into lines, as programs that write base64 do.
    pub(super) breaks: bool,
}

impl Form {
    fn plain(text: Vec<u8>) -> Self {
        Self { text: Zeroizing::new(text), breaks: false }
    }
}

/// Returns `token` as it is, percent-encoded, and in base64: each form once.
pub(super) fn of(token: &str) -> Vec<Form> {
    let mut forms = vec![Form::plain(token.as_bytes().to_vec())];
    for set in
        [&RESERVED, &OUTSIDE_A_PATH, &OUTSIDE_A_COMPONENT, &OUTSIDE_A_FORM, &OUTSIDE_A_PASSWORD]
    {
        let encoded: Vec<u8> = percent_encode(token.as_bytes(), set).flat_map(str::bytes).collect();
        forms.push(Form::plain(with_lower_case_escapes(&encoded)));
        forms.push(Form::plain(encoded));
    }
    let in_a_form = forms.iter().map(|form| form.text.iter().map(|byte| plus_for_space(*byte)));
    let in_a_form: Vec<Form> = in_a_form.map(|text| Form::plain(text.collect())).collect();
    forms.extend(in_a_form);
    for encoding in [&BASE64, &BASE64URL] {
        for before in 0..3 {
            forms.extend(in_base64(encoding, token, before));
        }
    }
    let mut each = Vec::with_capacity(forms.len());
    for form in forms {
        if !each.contains(&form) {
            each.push(form);
        }
    }
    each
}

fn plus_for_space(byte: u8) -> u8 {
    if byte == b' ' { b'+' } else { byte }
}

/// Writes the hexadecimal digits of percent escapes in lower case, as .NET and nginx do.
fn with_lower_case_escapes(encoded: &[u8]) -> Vec<u8> {
    let mut lower = encoded.to_vec();
    let escapes: Vec<usize> = (0..encoded.len()).filter(|at| encoded[*at] == b'%').collect();
    for at in escapes {
        lower[at + 1..at + 3].make_ascii_lowercase();
    }
    lower
}

/// Returns what of `token` can be told in base64 (RFC 4648), where the number of bytes before it
/// leaves the remainder `before` when divided by three: within a longer text, at its end, and at its
/// end with padding.
///
/// Characters that also hold bits of the neighbouring bytes are left out. `user:token`, which HTTP
/// Basic sends, is found in this way whatever the user is.
fn in_base64(encoding: &Encoding, token: &str, before: usize) -> [Form; 3] {
    let bytes = Zeroizing::new([&[0; 2][..before], token.as_bytes()].concat());
    let encoded = Zeroizing::new(encoding.encode(&bytes));
    let first = [0, 2, 3][before];
    let whole = bytes.len() * 8 / 6;
    let form =
        |end| Form { text: Zeroizing::new(encoded.as_bytes()[first..end].to_vec()), breaks: true };
    let padding = encoded.matches('=').count();
    [form(whole), form(encoded.len() - padding), form(encoded.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(token: &str) -> Vec<String> {
        of(token).iter().map(|form| String::from_utf8(form.text.to_vec()).unwrap()).collect()
    }

    #[test]
    fn a_token_is_known_as_libraries_encode_it() {
        let forms = texts("a+b/c=d~e (f)*g");
        for form in [
            "a+b/c=d~e (f)*g",
            "a%2Bb%2Fc%3Dd~e%20%28f%29%2Ag",
            "a%2bb%2fc%3dd~e%20%28f%29%2ag",
            "a%2Bb/c%3Dd~e%20%28f%29%2Ag",
            "a%2Bb%2Fc%3Dd~e%20(f)*g",
            "a%2Bb%2Fc%3Dd%7Ee+%28f%29*g",
            "a+b%2Fc%3Dd~e%20(f)*g",
        ] {
            assert!(forms.iter().any(|known| known == form), "{form} {forms:?}");
        }
    }

    #[test]
    fn a_plain_token_has_few_forms() {
        assert_eq!(texts("made-up-token").len(), 1 + 3 + 2 * 2, "one ends with whole characters");
    }

    #[test]
    fn base64_is_known_wherever_it_begins() {
        for encoding in [&BASE64, &BASE64URL] {
            for before in ["", "x", "xy", "xyz", "user@example.com:"] {
                for after in ["", "a", "\n", "ab", "abc"] {
                    for token in ["made-up-token", "\u{fff}???>>>~~~", "made-up-token-1"] {
                        let text = encoding.encode([before, token, after].concat().as_bytes());
                        let forms = texts(token);
                        let longest =
                            forms.iter().filter(|form| text.contains(*form)).map(String::len).max();
                        let least = token.len() * 8 / 6 - 2;
                        assert!(longest.is_some_and(|it| it >= least), "{before}{token}{after}");
                    }
                }
            }
        }
    }
}
