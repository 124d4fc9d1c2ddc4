//! The schedule of the service's rounds.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The longest sleep before the wall clock is compared.
///
/// The clock behind a sleep stands still while the machine is suspended, and does not follow when
/// the wall clock is set. A long sleep would end hours late.
const SLICE: Duration = Duration::from_secs(5);

/// The pause after an unexpected fault.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// The time after which a database that was away is looked for again.
const AWAY: SignedDuration = SignedDuration::from_secs(5);

/// The shortest time between two rounds.
const GAP: SignedDuration = SignedDuration::from_secs(1);

/// The times of the next rounds.
#[derive(Debug)]
pub(super) struct Schedule {
    every: SignedDuration,
    next: Timestamp,
    /// The end of a pause, during which no round starts.
    paused_until: Timestamp,
}

impl Schedule {
    /// Makes a schedule whose first round is due at `now`.
    pub(super) fn new(every: SignedDuration, now: Timestamp) -> Self {
        Self { every, next: now, paused_until: now }
    }

    /// Returns the time of the next round, unless the clock is set meanwhile.
    pub(super) fn next(&self) -> Timestamp {
        self.next.max(self.paused_until)
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        // A time farther away than any schedule means that the clock was set back.
        now >= self.next() || self.next().duration_since(now) > self.every.max(PAUSE)
    }

    /// Schedules the next round after one at `now`: at the usual time, or earlier if a token is
    /// due.
    ///
    /// `jitter` (of 255) moves it by up to a tenth, so that services which started together drift
    /// apart.
    pub(super) fn plan_next(&mut self, now: Timestamp, due_at: Option<Timestamp>, jitter: u8) {
        // A pause farther away than any pause was set before the clock went back.
        if self.paused_until > later(now, PAUSE) {
            self.paused_until = now;
        }
        let tenth = self.every.as_millis() / 10;
        let earlier = SignedDuration::from_millis_i128(tenth * i128::from(jitter) / 255);
        let usual = later(now, self.every - earlier);
        self.next = due_at.map_or(usual, |due_at| due_at.min(usual)).max(later(now, GAP));
    }

    /// Moves the next round forward for a token that was renewed at `now` and is due at `due_at`.
    ///
    /// A token that is due at once has to wait for the usual time.
    pub(super) fn move_forward(&mut self, now: Timestamp, due_at: Option<Timestamp>) {
        if let Some(due_at) = due_at.filter(|&due_at| due_at > now) {
            self.next = self.next.min(due_at.max(later(now, GAP)));
        }
    }

    /// Starts a pause after an unexpected fault at `now`.
    pub(super) fn pause(&mut self, now: Timestamp) {
        self.paused_until = later(now, PAUSE);
    }

    /// Schedules the next round soon after one at `now` that found the database away: at the usual
    /// time, or earlier.
    pub(super) fn look_again(&mut self, now: Timestamp) {
        self.next = later(now, AWAY.min(self.every).max(GAP));
        self.paused_until = self.next;
    }

    /// Returns how long to sleep at `now` before looking at the clock again.
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
        schedule.plan_next(at(1000), None, 0);
        assert_eq!(schedule.next(), at(1180));
        assert!(!schedule.is_due(at(1179)) && schedule.is_due(at(1180)));
        schedule.plan_next(at(1180), None, 255);
        assert_eq!(schedule.next(), at(1180 + 162));
    }

    #[test]
    fn a_clock_that_went_back_is_followed_once() {
        let mut schedule = Schedule::new(EVERY, at(1_000_000));
        schedule.plan_next(at(1_000_000), None, 0);
        assert!(schedule.is_due(at(1000)));
        schedule.plan_next(at(1000), None, 0);
        assert_eq!(schedule.next(), at(1180));
        assert!(!schedule.is_due(at(1001)));
    }

    #[test]
    fn what_is_due_sooner_is_not_kept_waiting() {
        let mut schedule = Schedule::new(EVERY, at(1000));
        schedule.plan_next(at(1000), Some(at(1048)), 0);
        assert_eq!(schedule.next(), at(1048));
        schedule.plan_next(at(1048), Some(at(9999)), 0);
        assert_eq!(schedule.next(), at(1228));
        schedule.plan_next(at(1228), Some(at(1228)), 0);
        assert_eq!(schedule.next(), at(1229));
        schedule.plan_next(at(2000), None, 0);
        schedule.move_forward(at(2001), Some(at(2001)));
        assert_eq!(schedule.next(), at(2180));
        schedule.move_forward(at(2001), Some(at(2010)));
        assert_eq!(schedule.next(), at(2010));
    }

    #[test]
    fn a_clock_that_is_set_stops_nothing() {
        let mut schedule = Schedule::new(EVERY, at(100_000));
        schedule.plan_next(at(100_000), None, 0);
        assert!(schedule.is_due(at(200_000)), "forward, or after a suspend");
        assert!(schedule.is_due(at(50_000)), "back");
        assert!(!schedule.is_due(at(100_050)));
    }

    #[test]
    fn a_nap_is_short_however_far_the_next_look_is() {
        let mut schedule = Schedule::new(EVERY, at(1000));
        schedule.plan_next(at(1000), None, 0);
        assert_eq!(schedule.nap(at(1000)), SLICE);
        assert_eq!(schedule.nap(at(1178)), Duration::from_secs(2));
        assert_eq!(schedule.nap(at(1190)), Duration::ZERO);
    }

    #[test]
    fn a_database_that_is_away_is_looked_for_soon() {
        for (every, soon) in [(180, 5), (5, 5), (2, 2)] {
            let mut schedule = Schedule::new(SignedDuration::from_secs(every), at(1000));
            schedule.plan_next(at(1000), None, 255);
            schedule.look_again(at(1000));
            assert!(!schedule.is_due(at(1000 + soon - 1)));
            assert!(schedule.is_due(at(1000 + soon)));
            schedule.plan_next(at(1000 + soon), None, 0);
            assert_eq!(schedule.next(), at(1000 + soon + every));
        }
    }

    #[test]
    fn after_an_unexpected_fault_it_waits_whatever_is_due() {
        let mut schedule = Schedule::new(SignedDuration::from_secs(10), at(1000));
        schedule.pause(at(1000));
        schedule.plan_next(at(1000), Some(at(1002)), 0);
        assert!(!schedule.is_due(at(1059)));
        assert!(schedule.is_due(at(1060)));
    }
}
