//! Who takes the spans of calls: as one that exports them does, up to where it would encode and send them.

use std::fmt::Debug;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// So many are handed over at a time, as OpenTelemetry's batches have it.
const BATCH: usize = 512;

/// Takes INFO and above, as programs do in production whose calls nobody traces.
pub(super) fn take_none() -> io::Result<()> {
    subscribe(Targets::new().with_default(Level::INFO))
}

/// Takes each call's span as well, whose level is DEBUG; none is left out by sampling.
pub(super) fn take() -> io::Result<()> {
    subscribe(Targets::new().with_default(Level::INFO).with_target("straddle::call", Level::DEBUG))
}

fn subscribe(taken: Targets) -> io::Result<()> {
    let subscriber = Registry::default().with(taken).with(Keeping::default());
    tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other)
}

/// Keeps what spans say until a batch is full.
#[derive(Default)]
struct Keeping(Mutex<Vec<Kept>>);

struct Kept {
    name: &'static str,
    begun: Instant,
    took: Duration,
    fields: Vec<(&'static str, Value)>,
}

enum Value {
    Text(String),
    Number(u64),
    Flag(bool),
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Keeping {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let name = attributes.metadata().name();
        let mut kept = Kept { name, begun: Instant::now(), took: Duration::ZERO, fields: Vec::with_capacity(12) };
        attributes.record(&mut kept);
        span.extensions_mut().insert(kept);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(kept) = span.extensions_mut().get_mut::<Kept>() {
            values.record(kept);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(mut kept) = context.span(&id).and_then(|span| span.extensions_mut().remove::<Kept>()) else { return };
        kept.took = kept.begun.elapsed();
        let mut batch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        batch.push(kept);
        if batch.len() == BATCH {
            batch.drain(..).for_each(|kept| std::hint::black_box(kept).hand_over());
        }
    }
}

impl Kept {
    /// Looks at all of it once.
    fn hand_over(self) {
        let size = |(name, value): &(&str, Value)| {
            name.len()
                + match value {
                    Value::Text(text) => text.len(),
                    Value::Number(number) => usize::from(*number > 0),
                    Value::Flag(flag) => usize::from(*flag),
                }
        };
        std::hint::black_box((self.name, self.took, self.fields.iter().map(size).sum::<usize>()));
    }

    fn put(&mut self, field: &Field, value: Value) {
        self.fields.push((field.name(), value));
    }
}

impl Visit for Kept {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::Number(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::Flag(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::Text(value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, Value::Text(format!("{value:?}")));
    }
}
