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
//! make beneath a call that is inside never come here.
//!
//! Streams could stay inside for ever. Those whose callers go on with them later are drained at once; those that are still
//! inside when the patience with them is at its end are cut. Both end as `UNAVAILABLE`, behind the message that is begun.
//! A call that only its caller streams is as any other once the caller has said all: it is not cut.
//!
//! Streams of a version that is retired end as well, by themselves and with the gate open, as `RETIRED`: nobody goes on with them.
//!
//! So that others do not wait for them, streams get their time while the gate is still open.
//!
//! ```no_run
//! # async fn change(gate: straddle::dispatch::Gate, limit: std::time::Duration, grace: std::time::Duration) {
//! let (before, older) = (gate.ended_streams(), gate.streams());
//! let _ = tokio::time::timeout(limit, gate.streams_end(older)).await;
//! gate.shut();
//! gate.drain_streams();
//! gate.cut_older_streams(older);
//! if tokio::time::timeout(grace, gate.is_empty()).await.is_err() {
//!     gate.cut_streams();
//! }
//! gate.is_empty().await; // calls that are no streams finish
//! let ended = gate.ended_streams().since(before);
//! println!("{} streams go on, {} were cut", ended.drained, ended.cut);
//! gate.open();
//! # }
//! ```

mod streams;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Waking, Poll};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use self::streams::{How, Streams};
pub(crate) use self::streams::{Stream, Whose};
use super::doors::Passed;
use super::outcome;
use crate::wire::SaidAll;

/// The bit that is set while the gate is not open.
const SHUT: usize = 1 << (usize::BITS - 1);
/// The bit that is set while somebody waits for the calls inside although the gate is open.
const AWAITED: usize = 1 << (usize::BITS - 2);
/// The bits that count the calls that are inside.
const INSIDE: usize = AWAITED - 1;

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
    /// Told when the last call leaves a gate that is shut, or awaited.
    left: Arc<Notify>,
    streams: Streams,
}

/// The streams that were inside a gate at a point in time.
#[derive(Clone, Copy, Debug)]
pub struct StreamsInside(u64);

/// How many streams of a gate ended before their time, since it was made or since a point in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndedStreams {
    /// Streams whose callers go on with them.
    pub drained: u64,
    /// Streams that were cut.
    pub cut: u64,
}

impl EndedStreams {
    /// Those that ended after `earlier` was taken, of the same gate.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self { drained: self.drained.saturating_sub(earlier.drained), cut: self.cut.saturating_sub(earlier.cut) }
    }
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
            streams: Streams::default(),
        }))
    }

    /// Goes in, if the gate is open.
    pub(crate) fn enter(&self) -> Option<Inside> {
        // The count is raised first, so that whoever shuts the gate sees either us, or nobody to wait for.
        if self.0.inside.fetch_add(1, Ordering::AcqRel) & SHUT == 0 {
            return Some(Inside { gate: self.0.clone(), passed: None });
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
        self.0.streams.opened();
        self.0.inside.fetch_and(!SHUT, Ordering::AcqRel);
        self.0.opened.notify_waiters();
    }

    /// Says whether [`is_empty`](Self::is_empty) is waited for although the gate is open.
    pub(crate) fn set_awaited(&self, awaited: bool) {
        if awaited {
            self.0.inside.fetch_or(AWAITED, Ordering::AcqRel);
        } else {
            self.0.inside.fetch_and(!AWAITED, Ordering::AcqRel);
        }
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
        self.0.inside.load(Ordering::Acquire) & INSIDE
    }

    /// How many callers wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Acquire)
    }

    /// Ends those streams that are inside now whose callers have said that they go on with them, with `UNAVAILABLE` and
    /// `straddle-resume: drain`; all other calls go on.
    ///
    /// They end between two messages: when this returns, or when a message that is begun is whole.
    pub fn drain_streams(&self) {
        self.0.end_streams(How::Drained);
    }

    /// Ends all streams that are inside now, with `UNAVAILABLE`; other calls go on, and with them those of which only the
    /// request streams, once all of it was read.
    ///
    /// When this returns, nothing more is asked of their objects. A message that is begun is finished if its rest is there;
    /// one that its object is still at breaks off.
    pub fn cut_streams(&self) {
        self.0.end_streams(How::Cut);
    }

    /// The streams that are inside now.
    #[must_use]
    pub fn streams(&self) -> StreamsInside {
        StreamsInside(self.0.streams.next())
    }

    /// Ready once those streams have ended; those whose callers go on with them are not waited for.
    pub async fn streams_end(&self, those: StreamsInside) {
        self.0.streams.are_gone(those.0).await;
    }

    /// Ends those streams as [`cut_streams`](Self::cut_streams) does; younger ones go on, and so do those whose callers go on
    /// with them, which are [drained](Self::drain_streams).
    pub fn cut_older_streams(&self, those: StreamsInside) {
        self.0.streams.cut(those.0);
    }

    /// From here on streams of retired versions may go on until [`end_retired_streams`](Self::end_retired_streams) is called.
    pub(crate) fn spare_retired_streams(&self) {
        self.0.streams.spare_retired();
    }

    /// Ends the streams of retired versions with `RETIRED`, where `served` is what callers can call in; but those of which only the
    /// request streams, once all of it was read.
    pub(crate) fn end_retired_streams(&self, served: &str) {
        self.0.streams.end_retired(&Arc::from(served));
    }

    /// How many streams were drained and cut so far.
    #[must_use]
    pub fn ended_streams(&self) -> EndedStreams {
        let (drained, cut) = self.0.streams.counts();
        EndedStreams { drained, cut }
    }
}

impl Inner {
    fn end_streams(&self, how: How) {
        let shut = self.inside.load(Ordering::Acquire) & SHUT != 0;
        self.streams.end(how, shut);
    }

    fn leave(&self) {
        let before = self.inside.fetch_sub(1, Ordering::AcqRel);
        if before & INSIDE == 1 && before & (SHUT | AWAITED) != 0 {
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
pub(crate) struct Inside {
    gate: Arc<Inner>,
    /// Through the door of a version that the node has left behind.
    passed: Option<Passed>,
}

impl Inside {
    /// The call has gone through the door of its version as well, and leaves both at once.
    pub(crate) fn passing(self, passed: Option<Passed>) -> Self {
        let mut inside = self;
        inside.passed = passed;
        inside
    }

    /// The call is a stream; `resumable` when its caller goes on with it after it was drained, `said_all` where only its
    /// request streams, `whose` where its version can be retired.
    pub(crate) fn stream(&self, resumable: bool, said_all: Option<SaidAll>, whose: Option<Whose>) -> Stream {
        Stream::new(Gate(self.gate.clone()), resumable, said_all, whose)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.gate.leave();
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

#[cfg(test)]
mod tests;
