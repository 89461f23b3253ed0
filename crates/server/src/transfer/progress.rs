//! A bar for whoever watches; nothing where nobody does.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const TEMPLATE: &str = "{msg:>9} [{bar:32}] {percent:>3} %  {per_sec}, {eta} left";
const REDRAWN_EVERY: Duration = Duration::from_millis(200);
/// Rows between two words to the bar, which takes its time for each.
const TOLD_EVERY: u64 = 512;

/// How far one stage of the work is. The bar goes away with it.
pub struct Progress {
    bar: ProgressBar,
    untold: u64,
}

impl Progress {
    /// A stage of so many steps. It draws on standard error if that is a terminal.
    pub fn begin(stage: &'static str, steps: u64) -> Self {
        let bar = ProgressBar::new(steps).with_message(stage);
        // Only a template with a mistake in it is refused; then the bar has its usual look.
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        if !bar.is_hidden() {
            bar.enable_steady_tick(REDRAWN_EVERY);
        }
        Self { bar, untold: 0 }
    }

    /// Some steps were done.
    pub fn advance(&mut self, steps: u64) {
        self.untold += steps;
        if self.untold >= TOLD_EVERY {
            self.bar.inc(std::mem::take(&mut self.untold));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
