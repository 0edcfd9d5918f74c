//! The collector, as seen from here: a thread of its own talks with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{io, thread};

use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::exporter::Exporter;

/// The thread lives for as long as this does.
pub(super) struct Collector {
    standing: Arc<Standing>,
    _ends: oneshot::Sender<()>,
}

/// How it goes with the collector.
#[derive(Debug, Default)]
pub(super) struct Standing {
    failing: AtomicBool,
    /// Spans that it has not taken since it began to fail.
    lost: AtomicUsize,
}

impl Collector {
    /// The collector that the environment names, and who hands spans over to it. Nobody is called yet.
    ///
    /// # Errors
    /// What the environment says of it that cannot be done.
    pub(super) fn from_env() -> Result<(Self, Exporter), String> {
        let (runtime, ends) = start().map_err(|error| error.to_string())?;
        let client = {
            // Its connections live on that thread.
            let _entered = runtime.enter();
            SpanExporter::builder().build().map_err(|error| error.to_string())?
        };
        let standing = Arc::new(Standing::default());
        Ok((Self { standing: standing.clone(), _ends: ends }, Exporter::new(client, runtime, standing)))
    }

    /// Whether it took the last spans that it was given, or was given none yet.
    pub(super) fn takes(&self) -> bool {
        !self.standing.failing.load(Ordering::Relaxed)
    }
}

impl Standing {
    /// It has taken spans.
    pub(super) fn took(&self) {
        if self.failing.swap(false, Ordering::Relaxed) {
            let lost = self.lost.swap(0, Ordering::Relaxed);
            tracing::info!(target: super::TARGET, lost, "the collector takes spans again");
        }
    }

    /// It has not taken so many spans; only the first time is told.
    pub(super) fn failed(&self, spans: usize, why: &dyn std::fmt::Display) {
        self.lost.fetch_add(spans, Ordering::Relaxed);
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(target: super::TARGET, %why, "the collector takes no spans: they are lost until it does");
        }
    }
}

/// A thread that does whatever is spawned there, until the sender is dropped.
fn start() -> io::Result<(Handle, oneshot::Sender<()>)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (handle, (ends, ended)) = (runtime.handle().clone(), oneshot::channel());
    thread::Builder::new().name("straddle-otlp".to_owned()).spawn(move || {
        // What is done to export spans is not to become spans.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let _ = runtime.block_on(ended);
        // A name that is still being resolved holds nobody up.
        runtime.shutdown_background();
    })?;
    Ok((handle, ends))
}
