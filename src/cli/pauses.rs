//! The pauses before requests that are sent again.

use std::time::Duration;

use super::ui::Ui;
use crate::ops::error::TokenError;
use crate::untrusted::printable;

/// Returns what tells the user, on `ui`, why a request is sent again and when.
pub(crate) fn pauses(ui: &Ui) -> impl FnMut(&TokenError, Duration) {
    |error, pause| {
        let seconds = pause.as_millis().div_ceil(1000);
        ui.status(&format!("{}: trying again in {seconds} s", printable(&error.to_string())));
    }
}
