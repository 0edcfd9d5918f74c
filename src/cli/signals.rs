//! What asks the program to stop.

use std::io::{self, Read};

/// Completes on Ctrl-C, on SIGTERM, and, where asked for, when standard input ends: whoever started us is gone then.
pub(super) async fn stop(until_stdin_ends: bool) {
    tokio::select! {
        () = interrupted() => {}
        () = terminated() => {}
        () = stdin_ended(), if until_stdin_ends => {}
    }
}

/// Completes on Ctrl-C.
pub(super) async fn interrupted() {
    // Without a handler the signal ends the process by itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminated() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

pub(super) async fn stdin_ended() {
    // A thread of its own: a blocked read must not hold up the end of the runtime.
    let (ended, notice) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while io::stdin().read(&mut buffer).is_ok_and(|read| read > 0) {}
        let _ = ended.send(());
    });
    let _ = notice.await;
}
