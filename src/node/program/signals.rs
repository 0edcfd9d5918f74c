//! What asks a program to stop.

use super::ended::Ended;

/// Ends the process at once: asked for twice. Whatever the program was at would hold up the end of its runtime; what it has done
/// to the state so far is in the journal.
pub(super) fn cut(ended: &Ended) -> ! {
    tracing::warn!("asked to stop once more: what runs is cut");
    std::process::exit(ended.code().into())
}

/// The signals that do: SIGTERM and SIGINT, each as often as it comes; elsewhere Ctrl-C.
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    interrupt: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    /// Listens from here on. A signal that cannot be listened for ends the process as it always does.
    pub(super) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self { terminate: signal(SignalKind::terminate()).ok(), interrupt: signal(SignalKind::interrupt()).ok() }
    }

    /// Completes at the next one.
    pub(super) async fn next(&mut self) {
        async fn one(signal: &mut Option<tokio::signal::unix::Signal>) {
            let came = match signal {
                Some(signal) => signal.recv().await,
                None => None,
            };
            if came.is_none() {
                std::future::pending::<()>().await;
            }
        }
        tokio::select! {
            () = one(&mut self.terminate) => {}
            () = one(&mut self.interrupt) => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(super) fn listen() -> Self {
        Self {}
    }

    pub(super) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
