//! The property of foreign text that is printed.

/// The characters that change the direction of a text (Unicode's property `Bidi_Control`).
const BIDI_CONTROLS: [char; 12] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// Asserts that `text` neither controls a terminal, nor changes its direction, nor commands a CI
/// platform.
pub(super) fn assert_harmless(text: &str) {
    assert!(!text.contains(char::is_control), "a control character in {text:?}");
    assert!(!text.contains(BIDI_CONTROLS), "a direction mark in {text:?}");
    let commands = text.starts_with("::") || text.contains(" ::");
    assert!(!commands, "a command to GitHub in {text:?}");
    for command in ["##[", "##vso[", "##teamcity["] {
        assert!(!text.to_lowercase().contains(command), "a command to {command} in {text:?}");
    }
    let unseen = ['\u{ad}', '\u{180e}', '\u{200b}', '\u{2060}', '\u{feff}', '\u{3164}'];
    assert!(!text.contains(unseen), "what nobody sees in {text:?}");
    let tags = '\u{e0000}'..='\u{e007f}';
    assert!(!text.contains(|character| tags.contains(&character)), "a tag in {text:?}");
    assert!(text.len() < 10_000, "a text without end");
}
