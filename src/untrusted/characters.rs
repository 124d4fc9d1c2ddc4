//! Characters that are safe to show, and those that change or hide what stands around them.

use std::ops::RangeInclusive;

/// The characters that no program draws by themselves (Unicode's `Default_Ignorable_Code_Point`),
/// with the separators and annotations that end a line or start another.
///
/// A text with one of them looks like a text without it. Some programs skip them when they compare
/// texts, CI platforms among them.
const UNSEEN: [RangeInclusive<char>; 20] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{fffe}'..='\u{ffff}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// The letters of scripts that are written with joiners: Arabic and its relatives, those of India
/// and their neighbours, and Mongolian.
const JOINING_SCRIPTS: [RangeInclusive<char>; 6] = [
    '\u{620}'..='\u{8ff}',
    '\u{900}'..='\u{dff}',
    '\u{1000}'..='\u{109f}',
    '\u{1780}'..='\u{17b3}',
    '\u{1820}'..='\u{18aa}',
    '\u{fb50}'..='\u{fdfb}',
];

/// The signs that take a consonant's vowel away; a joiner after one chooses the letter's form.
const VIRAMAS: [char; 13] = [
    '\u{94d}', '\u{9cd}', '\u{a4d}', '\u{acd}', '\u{b4d}', '\u{bcd}', '\u{c4d}', '\u{ccd}',
    '\u{d4d}', '\u{dca}', '\u{1039}', '\u{103a}', '\u{17d2}',
];

/// The blocks with pictures that emoji are made of.
const PICTURES: [RangeInclusive<char>; 4] = [
    '\u{203c}'..='\u{203c}',
    '\u{2049}'..='\u{2049}',
    '\u{2122}'..='\u{2bff}',
    '\u{1f000}'..='\u{1faff}',
];

/// Whether `character` shows as itself wherever it stands: it is no control character, turns no
/// direction of writing, and is not invisible.
pub(crate) fn shows(character: char) -> bool {
    character.is_ascii_graphic()
        || character == ' '
        || !(character.is_control() || is_in(&UNSEEN, character))
}

/// Whether `character` may be shown between `before` and `after`: it [`shows`], or it is a joiner or
/// a choice of form that belongs to its neighbours (as in RFC 5892, appendix A, and in emoji).
pub(super) fn belongs(before: Option<char>, character: char, after: Option<char>) -> bool {
    if shows(character) {
        return true;
    }
    let Some(before) = before else { return false };
    let is_in_script = |other: char| is_in(&JOINING_SCRIPTS, other);
    let is_in_emoji = |other: char| is_in(&PICTURES, other) || other == '\u{fe0f}';
    match character {
        ZERO_WIDTH_NON_JOINER | ZERO_WIDTH_JOINER if VIRAMAS.contains(&before) => true,
        ZERO_WIDTH_NON_JOINER => is_in_script(before) && after.is_some_and(is_in_script),
        ZERO_WIDTH_JOINER => {
            (is_in_script(before) && after.is_some_and(is_in_script))
                || (is_in_emoji(before) && after.is_some_and(is_in_emoji))
        }
        // Text or emoji, for a picture and for the keys of a telephone.
        '\u{fe0e}' | '\u{fe0f}' => is_in(&PICTURES, before) || after == Some('\u{20e3}'),
        // The form of a Chinese character, as Japanese names have it.
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => {
            matches!(before, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
                | '\u{20000}'..='\u{3ffff}')
        }
        '\u{180b}'..='\u{180d}' | '\u{180f}' => matches!(before, '\u{1820}'..='\u{18aa}'),
        _ => false,
    }
}

fn is_in(ranges: &[RangeInclusive<char>], character: char) -> bool {
    ranges.iter().any(|range| range.contains(&character))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        let characters: Vec<char> = text.chars().collect();
        let at = |at: usize| characters.get(at).copied();
        (0..characters.len())
            .filter(|&index| {
                let before = index.checked_sub(1).and_then(at);
                belongs(before, characters[index], at(index + 1))
            })
            .map(|index| characters[index])
            .collect()
    }

    #[test]
    fn joiners_stay_where_a_script_or_an_emoji_needs_them() {
        for name in [
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{d30}\u{d3e}\u{d1c}\u{d28}\u{d4d}\u{200d}",
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{1f469}\u{200d}\u{1f4bb}",
            "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}",
            "\u{2764}\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "\u{8fbb}\u{e0100}",
            "\u{e9}l\u{e8}ve \u{65e5}\u{672c} \u{5d0}\u{5d1}",
        ] {
            assert_eq!(kept(name), name);
        }
    }

    #[test]
    fn what_only_hides_between_letters_is_dropped() {
        for hidden in [
            '\u{200c}',
            '\u{200d}',
            '\u{ad}',
            '\u{180e}',
            '\u{e0041}',
            '\u{fe0f}',
            '\u{e0100}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{3164}',
            '\u{7f}',
            '\u{9b}',
            '\u{2028}',
        ] {
            assert_eq!(kept(&format!("al{hidden}ice{hidden}")), "alice", "{hidden:?}");
            assert!(!shows(hidden), "{hidden:?}");
        }
        assert_eq!(kept("##\u{200d}vso[\u{200d}"), "##vso[");
    }
}
