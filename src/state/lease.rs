//! Who still has a folder of the state open.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Keeps a folder of the state in use for as long as it, or a clone of it, lives: a node transforms or removes nothing
/// that somebody has open.
#[derive(Clone, Debug)]
pub struct Lease {
    _held: Arc<Held>,
}

/// The leases of one epoch; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Leases(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    held: AtomicUsize,
    returned: Notify,
}

#[derive(Debug)]
struct Held(Arc<Count>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::AcqRel);
        self.0.returned.notify_waiters();
    }
}

impl Leases {
    /// One more.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.0.held.fetch_add(1, Ordering::AcqRel);
        Lease { _held: Arc::new(Held(self.0.clone())) }
    }

    /// How many are held, clones of one counted once.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0.held.load(Ordering::Acquire)
    }

    /// Ready once none is held any more.
    pub async fn returned(&self) {
        loop {
            let returned = self.0.returned.notified();
            tokio::pin!(returned);
            // From here on nothing is missed.
            returned.as_mut().enable();
            if self.held() == 0 {
                return;
            }
            returned.await;
        }
    }
}
