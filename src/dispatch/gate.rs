//! The gate in front of a node's objects: it holds callers back while the object behind it changes.
//!
//! ```text
//!            shut()                  all calls have left
//!   Open ────────────> Shutting ───────────────────────────> Shut
//!    ^                    │ open()                              │ open()
//!    └────────────────────┴─────────────────────────────────────┘
//! ```
//!
//! A call is inside from when it takes its route until its answer has been sent. While the gate is not open, new calls
//! wait in front of it, a bounded number of them and each no longer than its own deadline; calls that simulation objects
//! make beneath a call that is inside never come here. Streams that are still inside when the patience with them is at its
//! end are cut: they end as `UNAVAILABLE`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Waking, Poll};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// The bit that is set while the gate is not open; the bits below it count the calls that are inside.
const SHUT: usize = 1 << (usize::BITS - 1);

/// How many callers may wait at most, if nothing else is said.
const WAITING: usize = 10_000;

/// The gate in front of a node's objects; all clones are one. Open until somebody shuts it.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    inside: AtomicUsize,
    waiting: AtomicUsize,
    most_waiting: usize,
    /// Told when the gate opens.
    opened: Arc<Notify>,
    /// Told when the last call leaves a gate that is shut.
    left: Arc<Notify>,
    /// How often streams were cut; told at each time.
    cuts: AtomicUsize,
    cut: Arc<Notify>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::with_most_waiting(WAITING)
    }
}

impl Gate {
    pub(crate) fn with_most_waiting(most_waiting: usize) -> Self {
        Self(Arc::new(Inner {
            inside: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            most_waiting,
            opened: Arc::default(),
            left: Arc::default(),
            cuts: AtomicUsize::new(0),
            cut: Arc::default(),
        }))
    }

    /// Goes in, if the gate is open.
    pub(crate) fn enter(&self) -> Option<Inside> {
        // The count is raised first, so that whoever shuts the gate sees either us, or nobody to wait for.
        if self.0.inside.fetch_add(1, Ordering::AcqRel) & SHUT == 0 {
            return Some(Inside(self.0.clone()));
        }
        self.0.leave();
        None
    }

    /// Waits for the gate to open, and goes in.
    ///
    /// # Errors
    /// When too many wait already.
    pub(crate) fn wait(&self) -> Result<Waiting, TooManyWait> {
        if self.0.waiting.fetch_add(1, Ordering::AcqRel) >= self.0.most_waiting {
            self.0.waiting.fetch_sub(1, Ordering::AcqRel);
            return Err(TooManyWait(self.0.most_waiting));
        }
        Ok(Waiting { opened: Box::pin(self.0.opened.clone().notified_owned()), gate: self.clone() })
    }

    /// Holds new calls back from here on; those that are inside go on.
    pub fn shut(&self) {
        self.0.inside.fetch_or(SHUT, Ordering::AcqRel);
    }

    /// Lets calls in again, those that wait first of all.
    pub fn open(&self) {
        self.0.inside.fetch_and(!SHUT, Ordering::AcqRel);
        self.0.opened.notify_waiters();
    }

    /// Ready once nobody is inside a gate that is shut.
    pub async fn is_empty(&self) {
        loop {
            let left = self.0.left.notified();
            tokio::pin!(left);
            // From here on nothing is missed.
            left.as_mut().enable();
            if self.inside() == 0 {
                return;
            }
            left.await;
        }
    }

    /// How many calls are inside.
    #[must_use]
    pub fn inside(&self) -> usize {
        self.0.inside.load(Ordering::Acquire) & !SHUT
    }

    /// How many callers wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Acquire)
    }

    /// Ends the streams that are inside now, with `UNAVAILABLE`; other calls go on.
    pub fn cut_streams(&self) {
        self.0.cuts.fetch_add(1, Ordering::AcqRel);
        self.0.cut.notify_waiters();
    }
}

impl Inner {
    fn leave(&self) {
        if self.inside.fetch_sub(1, Ordering::AcqRel) == SHUT | 1 {
            self.left.notify_waiters();
        }
    }
}

/// Too many callers wait at the gate.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0} calls wait for this node's upgrade already; try again, or call another node")]
pub(crate) struct TooManyWait(usize);

/// A call that is inside, until this is dropped.
#[derive(Debug)]
pub(crate) struct Inside(Arc<Inner>);

impl Inside {
    /// What tells a stream that it is cut.
    pub(crate) fn cut(&self) -> Cut {
        let told = Box::pin(self.0.cut.clone().notified_owned());
        Cut { told, seen: self.0.cuts.load(Ordering::Acquire), inner: self.0.clone() }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// A caller in front of the gate; it comes inside when the gate opens.
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Waiting {
    opened: Pin<Box<OwnedNotified>>,
    gate: Gate,
}

impl Future for Waiting {
    type Output = Inside;

    fn poll(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Inside> {
        loop {
            // Registered before it is looked at: an opening in between is not missed.
            let told = self.opened.as_mut().poll(waking);
            if let Some(inside) = self.gate.enter() {
                return Poll::Ready(inside);
            }
            match told {
                // It was shut again at once.
                Poll::Ready(()) => self.opened = Box::pin(self.gate.0.opened.clone().notified_owned()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.gate.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Ready once the streams that were inside then are cut.
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Cut {
    told: Pin<Box<OwnedNotified>>,
    seen: usize,
    inner: Arc<Inner>,
}

impl Future for Cut {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<()> {
        let told = self.told.as_mut().poll(waking);
        // A cut before the first poll told nobody.
        if told.is_ready() || self.inner.cuts.load(Ordering::Acquire) != self.seen {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

#[cfg(test)]
mod tests;
