//! Timing work that comes in two halves: by one thread, and by two at the same time.

use std::io;
use std::time::Instant;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// The best of several runs, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speed {
    /// Processor time of one thread that does both halves.
    pub(crate) one: f64,
    /// From start to end of two threads, each with its half.
    pub(crate) two: f64,
    /// Processor time of the one of the two that takes more: what `two` would be if nobody else wanted the machine.
    pub(crate) two_alone: f64,
    /// What the work said that it found, both halves together.
    pub(crate) found: u64,
}

/// Runs both halves of the work: `work(0)` and `work(1)`.
pub(crate) fn measure(runs: usize, work: &(dyn Fn(usize) -> u64 + Sync)) -> io::Result<Speed> {
    let mut best = Speed { one: f64::MAX, two: f64::MAX, two_alone: f64::MAX, found: 0 };
    for _ in 0..runs.max(1) {
        let (seconds, found) = timed(|| work(0) + work(1))?;
        best.one = best.one.min(seconds);
        best.found = found;
        let started = Instant::now();
        let halves: Vec<io::Result<(f64, u64)>> = std::thread::scope(|scope| {
            let threads = [0, 1].map(|half| scope.spawn(move || timed(|| work(half))));
            let failed = |_| Err(io::Error::other("a thread failed"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(failed)).collect()
        });
        best.two = best.two.min(started.elapsed().as_secs_f64());
        let halves: Vec<(f64, u64)> = halves.into_iter().collect::<io::Result<_>>()?;
        best.two_alone = best.two_alone.min(halves.iter().map(|(seconds, _)| *seconds).fold(0.0, f64::max));
    }
    Ok(best)
}

/// Processor time of this thread for some work, in seconds, and what the work returned.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> io::Result<(f64, T)> {
    let before = processor(UsageWho::RUSAGE_THREAD)?;
    let found = work();
    Ok((processor(UsageWho::RUSAGE_THREAD)? - before, found))
}

/// Processor seconds so far, in the program and in the kernel on its behalf. Linux brings a running thread's account up to
/// date at every tick, of which there are 250 a second, and when the thread gives way.
pub(crate) fn processor(whose: UsageWho) -> io::Result<f64> {
    std::thread::yield_now();
    let usage: Usage = getrusage(whose)?;
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a run are far below 2^52")]
    let seconds = |micros: i64| micros as f64 / 1e6;
    Ok(seconds(usage.user_time().num_microseconds() + usage.system_time().num_microseconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_are_done_by_one_and_by_two() {
        let speed = measure(1, &|half| half as u64 + 1).unwrap();
        assert_eq!(speed.found, 3);
        assert!(speed.two < f64::MAX && speed.two_alone <= speed.two + 0.1);
    }
}
