//! What systemd is told of the service (sd_notify(3)). Without one to listen nothing is sent.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

/// How long the start may go on after each sign of life. The first pass is as long as the slowest
/// provider makes it.
const STARTING: Duration = Duration::from_secs(30);

/// The longest time between two signs of life, and the shortest.
const BEAT: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(5);

/// The line to whoever supervises the service.
#[derive(Debug)]
pub(super) struct Supervisor {
    /// How often it wants a sign of life.
    watchdog: Option<Duration>,
    last: Option<Instant>,
}

impl Supervisor {
    pub(super) fn find() -> Self {
        Self { watchdog: sd_notify::watchdog_enabled(), last: None }
    }

    /// The time between two signs of life: no more than half of what is asked for.
    pub(super) fn beat(&self) -> Duration {
        self.watchdog.map_or(*BEAT.end(), |asked| (asked / 2).clamp(*BEAT.start(), *BEAT.end()))
    }

    /// Gives a sign of life, if it is time for one.
    pub(super) fn alive(&mut self, is_ready: bool) {
        if self.last.is_some_and(|last| last.elapsed() < self.beat()) {
            return;
        }
        self.last = Some(Instant::now());
        if self.watchdog.is_some() {
            tell(&[NotifyState::Watchdog]);
        }
        if !is_ready {
            let more = u32::try_from(STARTING.as_micros()).unwrap_or(u32::MAX);
            tell(&[NotifyState::ExtendTimeoutUsec(more)]);
        }
    }
}

/// The first pass is over.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// How things stand, for whoever asks systemd.
pub(super) fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// It is about to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Whoever does not listen misses something, and the service goes on.
fn tell(state: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(state);
}
