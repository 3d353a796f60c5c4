//! Progress on stderr, on terminals only, for anything that takes longer than a moment.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use probe::Progress;

/// A bar over the endpoints of a run.
pub(crate) struct Bar {
    bar: ProgressBar,
    progress: Arc<Progress>,
}

impl Bar {
    /// A bar for `total` endpoints; nothing is shown when `quiet` or not on a terminal.
    pub(crate) fn new(total: u64, progress: Arc<Progress>, quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {pos}/{len} endpoints, {msg} open  {elapsed}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, progress }
    }

    /// Shows how far the run is.
    pub(crate) fn update(&self) {
        self.bar.set_position(self.progress.done.load(Ordering::Relaxed));
        self.bar.set_message(self.progress.open.load(Ordering::Relaxed).to_string());
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
