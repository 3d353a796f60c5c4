//! Progress on stderr, on terminals only, for anything that takes longer than a moment.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use probe::Progress;

/// What is read at the moment, for readings whose end nobody knows.
pub(crate) struct Spinner(ProgressBar);

impl Spinner {
    /// Nothing is shown when `quiet` or not on a terminal.
    pub(crate) fn new(quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} reading {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Names what is read; what a store or a file system called it, without what a terminal would act upon.
    pub(crate) fn say(&self, what: &str) {
        self.0.set_message(what.chars().filter(|char| !char.is_control()).collect::<String>());
    }

    /// Takes it away.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

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
