//! When the service looks next what is due.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The service sleeps no longer than this at a time, and then compares the wall clock: the clock
/// that a sleep goes by stands still while the machine is suspended, and is not moved when the wall
/// clock is set, so a long sleep would end hours late.
const SLICE: Duration = Duration::from_secs(5);

/// The time after a fault that nobody expected.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// The shortest time between two looks.
const GAP: SignedDuration = SignedDuration::from_secs(1);

/// When it looks next.
#[derive(Debug)]
pub(super) struct Schedule {
    every: SignedDuration,
    next: Timestamp,
    /// No look before this time, whatever is due.
    paused_until: Timestamp,
}

impl Schedule {
    /// The first look is now.
    pub(super) fn new(every: SignedDuration, now: Timestamp) -> Self {
        Self { every, next: now, paused_until: now }
    }

    /// When it looks next, unless the clock is set.
    pub(super) fn next(&self) -> Timestamp {
        self.next.max(self.paused_until)
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        // Farther away than it was ever set: the clock went back.
        now >= self.next() || self.next().duration_since(now) > self.every.max(PAUSE)
    }

    /// After a look at `now`: the next one is at the usual time, or when something is due before.
    ///
    /// `jitter`, of 255: services that were started together come apart, by up to a tenth.
    pub(super) fn looked(&mut self, now: Timestamp, due_at: Option<Timestamp>, jitter: u8) {
        // A pause that is farther away than it was ever set is from before the clock went back.
        if self.paused_until > later(now, PAUSE) {
            self.paused_until = now;
        }
        let tenth = self.every.as_millis() / 10;
        let earlier = SignedDuration::from_millis_i128(tenth * i128::from(jitter) / 255);
        let usual = later(now, self.every - earlier);
        self.next = due_at.map_or(usual, |due_at| due_at.min(usual)).max(later(now, GAP));
    }

    /// A token that was got at `now` is due at `due_at`. One that is due at once has to wait for the
    /// usual time.
    pub(super) fn sooner(&mut self, now: Timestamp, due_at: Option<Timestamp>) {
        if let Some(due_at) = due_at.filter(|&due_at| due_at > now) {
            self.next = self.next.min(due_at.max(later(now, GAP)));
        }
    }

    /// After an unexpected fault at `now`.
    pub(super) fn pause(&mut self, now: Timestamp) {
        self.paused_until = later(now, PAUSE);
    }

    /// How long to sleep at `now` before the clock is looked at again.
    pub(super) fn nap(&self, now: Timestamp) -> Duration {
        Duration::try_from(self.next().duration_since(now)).unwrap_or_default().min(SLICE)
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: SignedDuration = SignedDuration::from_secs(180);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_first_look_is_at_once_and_the_next_in_time() {
        let mut schedule = Schedule::new(EVERY, at(1000));
        assert!(schedule.is_due(at(1000)));
        schedule.looked(at(1000), None, 0);
        assert_eq!(schedule.next(), at(1180));
        assert!(!schedule.is_due(at(1179)) && schedule.is_due(at(1180)));
        schedule.looked(at(1180), None, 255);
        assert_eq!(schedule.next(), at(1180 + 162));
    }

    #[test]
    fn a_clock_that_went_back_is_followed_once() {
        let mut schedule = Schedule::new(EVERY, at(1_000_000));
        schedule.looked(at(1_000_000), None, 0);
        assert!(schedule.is_due(at(1000)));
        schedule.looked(at(1000), None, 0);
        assert_eq!(schedule.next(), at(1180));
        assert!(!schedule.is_due(at(1001)));
    }

    #[test]
    fn what_is_due_sooner_is_not_kept_waiting() {
        let mut schedule = Schedule::new(EVERY, at(1000));
        schedule.looked(at(1000), Some(at(1048)), 0);
        assert_eq!(schedule.next(), at(1048));
        schedule.looked(at(1048), Some(at(9999)), 0);
        assert_eq!(schedule.next(), at(1228));
        schedule.looked(at(1228), Some(at(1228)), 0);
        assert_eq!(schedule.next(), at(1229));
        schedule.looked(at(2000), None, 0);
        schedule.sooner(at(2001), Some(at(2001)));
        assert_eq!(schedule.next(), at(2180));
        schedule.sooner(at(2001), Some(at(2010)));
        assert_eq!(schedule.next(), at(2010));
    }

    #[test]
    fn a_clock_that_is_set_stops_nothing() {
        let mut schedule = Schedule::new(EVERY, at(100_000));
        schedule.looked(at(100_000), None, 0);
        assert!(schedule.is_due(at(200_000)), "forward, or after a suspend");
        assert!(schedule.is_due(at(50_000)), "back");
        assert!(!schedule.is_due(at(100_050)));
    }

    #[test]
    fn a_nap_is_short_however_far_the_next_look_is() {
        let mut schedule = Schedule::new(EVERY, at(1000));
        schedule.looked(at(1000), None, 0);
        assert_eq!(schedule.nap(at(1000)), SLICE);
        assert_eq!(schedule.nap(at(1178)), Duration::from_secs(2));
        assert_eq!(schedule.nap(at(1190)), Duration::ZERO);
    }

    #[test]
    fn after_an_unexpected_fault_it_waits_whatever_is_due() {
        let mut schedule = Schedule::new(SignedDuration::from_secs(10), at(1000));
        schedule.pause(at(1000));
        schedule.looked(at(1000), Some(at(1002)), 0);
        assert!(!schedule.is_due(at(1059)));
        assert!(schedule.is_due(at(1060)));
    }
}
