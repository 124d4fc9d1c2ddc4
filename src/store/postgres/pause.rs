//! The pause between two looks at a row that another member is about to write.

use std::time::Duration;

/// The time for which a turn is waited for: a lease, and some more.
pub(in crate::store) const LEASE_PATIENCE: Duration = Duration::from_secs(50);

/// The shortest pause, and by how much others are longer at most.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGER: Duration = Duration::from_millis(800);

/// Returns a pause that differs from machine to machine, so that a crowd does not ask at once.
pub(in crate::store) fn pause() -> Duration {
    let mut random = [0; 2];
    // Without random numbers, the crowd asks at once.
    let _ = getrandom::fill(&mut random);
    let part = u32::from(u16::from_le_bytes(random));
    SHORTEST + LONGER * part / u32::from(u16::MAX)
}
