//! Notifications to systemd about the service (sd_notify(3)). Nothing is sent without a supervisor.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

/// The time that each notification adds to the start. The slowest provider decides how long the
/// first round takes.
const STARTING: Duration = Duration::from_secs(30);

/// The limits of the time between two notifications.
const BEAT: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(5);

/// The connection to the supervisor.
#[derive(Debug)]
pub(super) struct Supervisor {
    /// The watchdog's time limit.
    watchdog: Option<Duration>,
    last: Option<Instant>,
}

impl Supervisor {
    pub(super) fn find() -> Self {
        Self { watchdog: sd_notify::watchdog_enabled(), last: None }
    }

    /// Returns the time between two notifications: at most half of the watchdog's limit.
    pub(super) fn beat(&self) -> Duration {
        self.watchdog.map_or(*BEAT.end(), |asked| (asked / 2).clamp(*BEAT.start(), *BEAT.end()))
    }

    /// Sends a notification if one is due.
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

/// Reports that the first round is over.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Reports the status that `systemctl status` shows.
pub(super) fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// Reports that the service is about to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Sends a notification. If that fails, the service goes on.
fn tell(state: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(state);
}
