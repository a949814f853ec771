//! The progress bar: on standard error, only on a terminal, only when the work is long.

use super::console;
use gotrace_slice::pipeline;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Once;
use std::time::{Duration, Instant};

/// Work shorter than this shows no bar.
const SHOW_AFTER: Duration = Duration::from_millis(500);
/// Times a second that the bar is drawn.
const HERTZ: u8 = 10;

/// Shows how far the work is. May be called from any thread.
pub(crate) struct ProgressDisplay {
    bar: Option<ProgressBar>,
    started: Instant,
    shown: Once,
}

impl ProgressDisplay {
    pub(crate) fn new(wanted: bool) -> Self {
        let bar = (wanted && console::stderr_is_terminal())
            .then(|| ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden()));
        Self { bar, started: Instant::now(), shown: Once::new() }
    }

    /// The bar, once there is reason to show it.
    fn bar(&self) -> Option<&ProgressBar> {
        let bar = self.bar.as_ref().filter(|_| self.started.elapsed() >= SHOW_AFTER)?;
        self.shown.call_once(|| bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(HERTZ)));
        Some(bar)
    }

    /// Input is being spooled; nothing says how much there is.
    pub(crate) fn spooled(&self, bytes: u64) {
        if let Some(bar) = self.bar() {
            bar.set_style(
                ProgressStyle::with_template("reading {msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.set_message(HumanBytes(bytes).to_string());
            bar.tick();
        }
    }

    /// The traces are being read.
    pub(crate) fn advanced(&self, progress: pipeline::Progress) {
        let Some(bar) = self.bar() else { return };
        if bar.length() != Some(progress.total) {
            let template = "reading {wide_bar} {percent:>3}% {eta:>4}";
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_length(progress.total);
        }
        bar.set_position(progress.done);
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
