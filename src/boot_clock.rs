//! The clock that runs from the start of the operating system, also while the machine sleeps.
//!
//! Nobody sets this clock, so it measures what the time of day can't: how long ago another process
//! began something. Its readings can be compared within one start of the system only.

use std::sync::OnceLock;
use std::time::Duration;

use rustix::time::ClockId;
use serde::{Deserialize, Serialize};

/// The clock itself. On macOS, the monotonic clock counts the time asleep as well.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::Monotonic;

/// A moment that another process on this machine can compare with its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// The random id of this start of the system; `None` where the system gives none.
    boot: Option<String>,
    /// The time since the start, in milliseconds.
    milliseconds: u64,
}

impl Moment {
    /// Returns the present moment.
    pub(crate) fn now() -> Self {
        let time = rustix::time::clock_gettime(CLOCK);
        let time = Duration::try_from(time).unwrap_or_default();
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self { boot: boot_id(), milliseconds }
    }

    /// Whether the system was started anew between the two moments.
    pub(crate) fn is_of_another_start(&self, other: &Self) -> bool {
        matches!((&self.boot, &other.boot), (Some(one), Some(another)) if one != another)
    }

    /// Returns the time from this moment to `now`; `None` if this moment was before another start
    /// of the system, or is still to come.
    pub(crate) fn elapsed(&self, now: &Self) -> Option<Duration> {
        if self.is_of_another_start(now) {
            return None;
        }
        now.milliseconds.checked_sub(self.milliseconds).map(Duration::from_millis)
    }

    #[cfg(test)]
    pub(crate) fn made_up(boot: &str, milliseconds: u64) -> Self {
        Self { boot: Some(boot.to_owned()), milliseconds }
    }
}

/// Returns the random id of this start of the system. Other systems than Linux have none that can be
/// read like a file: there, a start shows by a clock that is behind.
fn boot_id() -> Option<String> {
    static ID: OnceLock<Option<String>> = OnceLock::new();
    ID.get_or_init(read_boot_id).clone()
}

fn read_boot_id() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim_end().to_owned()).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_one_start_can_be_compared() {
        let (early, late) = (Moment::made_up("a", 1_000), Moment::made_up("a", 3_500));
        assert_eq!(early.elapsed(&late), Some(Duration::from_millis(2_500)));
        assert_eq!(late.elapsed(&early), None, "it is still to come");
        assert_eq!(Moment::made_up("b", 1_000).elapsed(&late), None);
        let unknown = Moment { boot: None, milliseconds: 1_000 };
        assert_eq!(unknown.elapsed(&late), Some(Duration::from_millis(2_500)));
    }

    #[test]
    fn the_clock_runs() {
        let before = Moment::now();
        std::thread::sleep(Duration::from_millis(2));
        assert!(before.elapsed(&Moment::now()).unwrap() >= Duration::from_millis(1));
    }
}
