//! Which labels the node behind a connection does not know, and what its calls are made in instead.
//!
//! It belongs to the connection and not to the address: what answers a new one may be another program.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

use super::simulated::Simulates;
use crate::dispatch::Older;

/// So many labels are kept of one node. Callers have a few; where there are more, the first call of one forgets the others.
const MOST: usize = 64;

/// The labels that a node does not know.
#[derive(Debug, Default)]
pub(super) struct Unknown {
    /// Whether there are any: of nearly all nodes there never are.
    any: AtomicBool,
    labels: Mutex<Vec<Label>>,
}

#[derive(Debug)]
struct Label {
    version: String,
    schema: String,
    instead: Instead,
    /// When the node is to be asked again whether it knows the label.
    ask: Instant,
}

/// What calls are made in instead.
#[derive(Clone, Debug)]
pub(super) struct Instead {
    pub(super) older: Arc<Older>,
    /// What the node said that it runs.
    pub(super) node: HeaderValue,
}

impl Unknown {
    /// What a call is made in, if the node does not know its label. When it is time to ask the node again, one call that
    /// `may_ask` is sent as it is: it gets nothing.
    pub(super) fn instead(&self, caller: &Simulates, may_ask: bool, every: Duration) -> Option<Instead> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut labels = self.lock();
        let label = labels.iter_mut().find(|label| label.is(caller))?;
        let now = Instant::now();
        if may_ask && label.ask <= now {
            label.ask = now + every;
            return None;
        }
        Some(label.instead.clone())
    }

    pub(super) fn remember(&self, caller: &Simulates, instead: Instead, every: Duration) {
        let mut labels = self.lock();
        labels.retain(|label| !label.is(caller));
        if labels.len() >= MOST {
            labels.clear();
        }
        let (version, schema) = (caller.version.clone().into_owned(), caller.schema.clone().into_owned());
        labels.push(Label { version, schema, instead, ask: Instant::now() + every });
        self.any.store(true, Ordering::Release);
    }

    /// The node knows the label, or is another one than it was.
    pub(super) fn forget(&self, caller: &Simulates) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let mut labels = self.lock();
        labels.retain(|label| !label.is(caller));
        self.any.store(!labels.is_empty(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Label>> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Label {
    fn is(&self, caller: &Simulates) -> bool {
        self.version == *caller.version && self.schema == *caller.schema
    }
}
