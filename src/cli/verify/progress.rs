//! A bar on a terminal, and the end that Ctrl-C puts to a run.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::signals;
use crate::verify::Watch;

/// How far a run has come, and whether somebody stopped it.
pub(super) struct Progress {
    bar: ProgressBar,
    stopped: Arc<AtomicBool>,
}

impl Progress {
    /// Ctrl-C stops the run from now on; a second one ends the program.
    pub(super) fn start() -> io::Result<Self> {
        let bar = if io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        // The template is a constant; if it did not parse, the default bar would do.
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} messages and uses, {elapsed}") {
            bar.set_style(style);
        }
        let stopped = Arc::new(AtomicBool::new(false));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let flag = stopped.clone();
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            runtime.block_on(async {
                let mut interrupted = std::pin::pin!(signals::interrupted());
                // Polled once, it listens.
                tokio::select! {
                    biased;
                    () = &mut interrupted => flag.store(true, Ordering::Relaxed),
                    () = std::future::ready(()) => {}
                }
                let _ = ready.send(());
                if !flag.load(Ordering::Relaxed) {
                    interrupted.await;
                    flag.store(true, Ordering::Relaxed);
                }
                signals::interrupted().await;
                std::process::exit(super::INTERRUPTED.into());
            });
        });
        // The thread says so, or it is gone; then Ctrl-C ends the program as ever.
        let _ = is_ready.recv();
        Ok(Self { bar, stopped })
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Progress {
    fn begin(&self, ways: usize) {
        self.bar.set_length(ways as u64);
    }

    fn advance(&self) {
        self.bar.inc(1);
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// Panics are counterexamples here, and are told as such.
pub(super) fn without_backtraces<T>(run: impl FnOnce() -> T) -> T {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let came = run();
    std::panic::set_hook(before);
    came
}
