//! Ages of things, in words.

use jiff::Timestamp;

/// Formats how long ago `time` was, in its largest unit.
pub(super) fn age(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(time).as_secs();
    match seconds {
        ..0 => "in the future".to_owned(),
        0..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        172_800.. => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_one_unit() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let at = |ago: i64| age(Timestamp::from_second(1_000_000 - ago).unwrap(), now);
        assert_eq!(at(59), "59 s ago");
        assert_eq!(at(3_600), "1 h ago");
        assert_eq!(at(86_400 * 9), "9 days ago");
        assert_eq!(at(-1), "in the future");
    }
}
