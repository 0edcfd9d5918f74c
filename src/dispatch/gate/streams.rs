//! The streams that are inside a gate, and how they end before their time.
//!
//! ```text
//!            answer               end of the answer
//!   Called ---------> Answering ---------------------> Ended
//!     |                   | asked to end                ^
//!     | asked to end      v                             |
//!     +---> Ended     Finishing ------------------------+
//!                        between two messages
//! ```
//!
//! A stream is asked to end by whoever drains or cuts, and ends right there: its caller may read nothing for long, and
//! nobody polls the answer while the caller's window is shut (RFC 9113 §5.2); but the object's part of it has to go, and with
//! it what it holds of the state. Only
//! a message that is begun and whose rest is not there yet keeps a stream that is drained; one that is cut, or whose version is
//! retired, is kept by nothing.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context as Waking, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tokio::sync::Notify;
use tonic::Status;

use super::{Gate, Inside, outcome};
use crate::dispatch::route::{Route, Stamp};
use crate::wire::{Body, Framing, SaidAll};

/// How a stream ended that was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    /// Its caller goes on with it elsewhere, or later.
    Drained,
    Cut,
    /// Its caller's version is served no longer.
    Retired,
}

/// Whose stream it is, of a version that can be retired.
#[derive(Debug)]
pub(crate) struct Whose {
    stamp: Arc<Stamp>,
    method: Arc<str>,
    /// Whether the call may have changed something.
    changes: bool,
}

impl Whose {
    pub(crate) fn of(route: &Route) -> Self {
        Self { stamp: route.stamp.clone(), method: route.method.clone(), changes: route.changes }
    }

    fn is_retired(&self) -> bool {
        self.stamp.is_retired()
    }
}

/// The streams of a gate.
#[derive(Debug, Default)]
pub(super) struct Streams {
    known: Mutex<Known>,
    /// Told when a stream has gone.
    gone: Notify,
    drained: AtomicU64,
    cut: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    next: u64,
    streams: HashMap<u64, Arc<Slot>>,
    /// What streams were asked since the gate is shut. A call that had come in just before, and becomes a stream only now,
    /// has not heard of it.
    since_shut: Option<How>,
    /// What callers can call in, once streams of retired versions have ended. The same holds for calls that had come in before.
    served: Option<Arc<str>>,
}

impl Streams {
    /// The number that the next stream has: those that are inside now have lower ones.
    pub(super) fn next(&self) -> u64 {
        lock(&self.known).next
    }

    /// Ready once no stream with a lower number is inside that only a cut would end.
    pub(super) async fn are_gone(&self, before: u64) {
        loop {
            let gone = self.gone.notified();
            tokio::pin!(gone);
            // From here on nothing is missed.
            gone.as_mut().enable();
            let stays = |(number, slot): (&u64, &Arc<Slot>)| *number < before && !slot.resumable;
            if !lock(&self.known).streams.iter().any(stays) {
                return;
            }
            gone.await;
        }
    }

    /// Cuts the streams with a lower number, but those that a drain ends: it lets them finish the message that is begun.
    pub(super) fn cut(&self, before: u64) {
        let known = lock(&self.known);
        let older = known.streams.iter().filter(|(number, slot)| **number < before && !slot.resumable);
        let older: Vec<Arc<Slot>> = older.map(|(_, slot)| slot.clone()).collect();
        drop(known);
        for slot in older {
            slot.ask(How::Cut, self);
        }
    }

    /// Asks all streams to end that this concerns.
    pub(super) fn end(&self, how: How, shut: bool) {
        let streams: Vec<Arc<Slot>> = {
            let mut known = lock(&self.known);
            if shut {
                known.since_shut = known.since_shut.max(Some(how));
            }
            known.streams.values().cloned().collect()
        };
        // Without the lock: what the objects' parts do when they are dropped is theirs.
        for slot in streams {
            slot.ask(how, self);
        }
    }

    /// Streams of retired versions go on until they are asked to end.
    pub(super) fn spare_retired(&self) {
        lock(&self.known).served = None;
    }

    /// Asks streams of retired versions to end.
    pub(super) fn end_retired(&self, served: &Arc<str>) {
        let streams: Vec<Arc<Slot>> = {
            let mut known = lock(&self.known);
            known.served = Some(served.clone());
            known.streams.values().filter(|slot| slot.is_retired()).cloned().collect()
        };
        for slot in streams {
            let _ = slot.served.set(served.clone());
            slot.ask(How::Retired, self);
        }
    }

    pub(super) fn opened(&self) {
        lock(&self.known).since_shut = None;
    }

    pub(super) fn counts(&self) -> (u64, u64) {
        (self.drained.load(Ordering::Relaxed), self.cut.load(Ordering::Relaxed))
    }

    fn count(&self, how: How) {
        let counter = match how {
            How::Drained => &self.drained,
            How::Cut => &self.cut,
            // The version has ended, not the stream: it is counted as the refusal that it is.
            How::Retired => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// A stream that is inside, until this is dropped.
#[derive(Debug)]
pub(crate) struct Stream {
    number: u64,
    slot: Arc<Slot>,
    gate: Gate,
}

impl Stream {
    /// A call that has come in through the gate; `resumable` when its caller can go on with it after it was drained,
    /// `said_all` where only its request streams, `whose` where its version can be retired.
    pub(crate) fn new(gate: Gate, resumable: bool, said_all: Option<SaidAll>, whose: Option<Whose>) -> Self {
        let mut known = lock(&gate.0.streams.known);
        let served = known.served.clone().filter(|_| whose.as_ref().is_some_and(Whose::is_retired));
        let asked = known.since_shut.max(served.as_ref().map(|_| How::Retired));
        let asked = asked.filter(|how| !is_spared(*how, resumable, said_all.as_ref()));
        let state = State { asked, waker: None, answer: None, ahead: VecDeque::new(), ended: false };
        let served = served.map_or_else(OnceLock::new, OnceLock::from);
        let slot = Arc::new(Slot { resumable, said_all, whose, served, state: Mutex::new(state) });
        let number = known.next;
        known.next += 1;
        known.streams.insert(number, slot.clone());
        drop(known);
        Self { number, slot, gate }
    }

    /// Before there is an answer: how the call ends now, if it does.
    pub(crate) fn is_asked(&self, waking: &Waking<'_>) -> Option<How> {
        let mut state = lock(&self.slot.state);
        state.wake_by(waking);
        let how = state.asked?;
        state.ended = true;
        self.gate.0.streams.count(how);
        Some(how)
    }

    /// What its caller is told then.
    pub(crate) fn status(&self, how: How) -> Status {
        self.slot.status(how)
    }

    /// The answer has begun; its call stays inside until it ends.
    pub(crate) fn answers(&self, body: Body, inside: Inside) {
        let answer = Answer { body, framing: Framing::new(u32::MAX), _inside: inside };
        let asked = {
            let mut state = lock(&self.slot.state);
            state.answer = Some(answer);
            state.asked
        };
        if let Some(how) = asked {
            self.slot.ask(how, &self.gate.0.streams);
        }
    }

    /// The answer's next frame.
    pub(crate) fn poll_frame(&self, waking: &mut Waking<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut answer = {
            let mut state = lock(&self.slot.state);
            if let Some(frame) = state.ahead.pop_front() {
                return Poll::Ready(Some(frame));
            }
            if state.ended {
                return Poll::Ready(None);
            }
            state.wake_by(waking);
            match state.answer.take() {
                Some(answer) => answer,
                // Whoever asks the stream to end has it, and wakes us.
                None => return Poll::Pending,
            }
        };
        let polled = answer.poll_frame(waking);
        let mut state = lock(&self.slot.state);
        match (polled, state.asked) {
            (Poll::Pending, Some(how)) if answer.is_between() || how != How::Drained => {
                state.end(Some((how, self.slot.trailers(how))), &self.gate.0.streams);
                let frame = state.ahead.pop_front();
                drop(state);
                drop(answer);
                Poll::Ready(frame)
            }
            (Poll::Pending, _) => {
                state.answer = Some(answer);
                Poll::Pending
            }
            (Poll::Ready(Piece::Data { mut data, message_end: Some(end) }), Some(how)) => {
                data.truncate(end);
                state.end(Some((how, self.slot.trailers(how))), &self.gate.0.streams);
                drop(state);
                drop(answer);
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            (Poll::Ready(Piece::Data { data, .. }), _) => {
                state.answer = Some(answer);
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            (Poll::Ready(Piece::Last(last)), _) => {
                state.end(None, &self.gate.0.streams);
                drop(state);
                drop(answer);
                Poll::Ready(last)
            }
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        let state = lock(&self.slot.state);
        let answered = state.answer.as_ref().is_some_and(|answer| answer.body.is_end_stream());
        state.ahead.is_empty() && (state.ended || answered)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let streams = &self.gate.0.streams;
        lock(&streams.known).streams.remove(&self.number);
        streams.gone.notify_waiters();
        let mut state = lock(&self.slot.state);
        state.ended = true;
        let answer = state.answer.take();
        drop(state);
        drop(answer);
    }
}

#[derive(Debug)]
struct Slot {
    resumable: bool,
    said_all: Option<SaidAll>,
    whose: Option<Whose>,
    /// What its caller can call in, once the version is retired.
    served: OnceLock<Arc<str>>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    asked: Option<How>,
    /// Who polls the call or its answer.
    waker: Option<Waker>,
    /// None before there is one, after it ended, and while somebody polls it.
    answer: Option<Answer>,
    /// What was read of the answer, or stands for its end, and is yet to be sent.
    ahead: VecDeque<Result<Frame<Bytes>, Status>>,
    ended: bool,
}

impl State {
    fn wake_by(&mut self, waking: &Waking<'_>) {
        match &mut self.waker {
            Some(waker) => waker.clone_from(waking.waker()),
            none => *none = Some(waking.waker().clone()),
        }
    }

    /// The stream ends: by itself, or as it was asked to.
    fn end(&mut self, how: Option<(How, Frame<Bytes>)>, streams: &Streams) {
        self.ended = true;
        if let Some((how, trailers)) = how {
            self.ahead.push_back(Ok(trailers));
            streams.count(how);
        }
    }
}

impl Slot {
    fn is_retired(&self) -> bool {
        self.whose.as_ref().is_some_and(Whose::is_retired)
    }

    fn status(&self, how: How) -> Status {
        match (how, &self.whose) {
            (How::Drained, _) => outcome::drained(),
            (How::Retired, Some(whose)) => {
                let served = self.served.get().map_or("", |served| served);
                let refusal = outcome::retired(&whose.stamp, served).with("method", &*whose.method);
                // What it has done nobody knows.
                if whose.changes { refusal.after_run() } else { refusal }.into()
            }
            (How::Cut | How::Retired, _) => outcome::cut(),
        }
    }

    fn trailers(&self, how: How) -> Frame<Bytes> {
        let mut trailers = HeaderMap::new();
        // The messages are our own: they can be written.
        let _ = self.status(how).add_header(&mut trailers);
        Frame::trailers(trailers)
    }

    fn ask(&self, how: How, streams: &Streams) {
        if is_spared(how, self.resumable, self.said_all.as_ref()) {
            return;
        }
        let answer = {
            let mut state = lock(&self.state);
            if state.ended {
                return;
            }
            state.asked = state.asked.max(Some(how));
            state.answer.take()
        };
        // Without an answer, whoever polls the stream sees that it was asked.
        if let Some(answer) = answer {
            self.finish(answer, how, streams);
        }
        let waker = lock(&self.state).waker.take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// Ends an answer that nobody polls, behind the message that is begun, where its rest is there.
    fn finish(&self, mut answer: Answer, how: How, streams: &Streams) {
        let mut read = VecDeque::new();
        let mut waking = Waking::from_waker(Waker::noop());
        let ended = loop {
            if answer.is_between() {
                break Some(Some(how));
            }
            // A panic of the object's part is no panic of who asks.
            let piece = catch_unwind(AssertUnwindSafe(|| answer.poll_frame(&mut waking)));
            match piece.unwrap_or_else(|_| Poll::Ready(Piece::Last(Some(Err(outcome::gave_way()))))) {
                Poll::Ready(Piece::Data { mut data, message_end }) => {
                    data.truncate(message_end.unwrap_or(data.len()));
                    read.push_back(Ok(Frame::data(data)));
                    if message_end.is_some() {
                        break Some(Some(how));
                    }
                }
                Poll::Ready(Piece::Last(last)) => {
                    read.extend(last);
                    break Some(None);
                }
                Poll::Pending => break (how != How::Drained).then_some(Some(how)),
            }
        };
        let mut state = lock(&self.state);
        state.ahead.append(&mut read);
        match ended {
            // The caller has gone away meanwhile.
            _ if state.ended => {
                drop(state);
                drop(answer);
            }
            Some(how) => {
                state.end(how.map(|how| (how, self.trailers(how))), streams);
                drop(state);
                drop(answer);
            }
            None => state.answer = Some(answer),
        }
    }
}

/// Whether a stream is none of those that end so.
fn is_spared(how: How, resumable: bool, said_all: Option<&SaidAll>) -> bool {
    match how {
        How::Drained => !resumable,
        How::Cut | How::Retired => said_all.is_some_and(SaidAll::is_so),
    }
}

/// An answer that is under way.
#[derive(Debug)]
struct Answer {
    body: Body,
    framing: Framing,
    _inside: Inside,
}

/// A piece of an answer.
enum Piece {
    /// Data, and where in it the last message ends that does.
    Data { data: Bytes, message_end: Option<usize> },
    /// Trailers, an error, or nothing: no more comes.
    Last(Option<Result<Frame<Bytes>, Status>>),
}

impl Answer {
    fn is_between(&self) -> bool {
        self.framing.is_between()
    }

    fn poll_frame(&mut self, waking: &mut Waking<'_>) -> Poll<Piece> {
        Pin::new(&mut self.body).poll_frame(waking).map(|frame| match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(data))) => {
                let message_end = self.framing.follow_to_end(&data);
                Piece::Data { data, message_end }
            }
            Some(Ok(Err(trailers))) => Piece::Last(Some(Ok(trailers))),
            Some(Err(status)) => Piece::Last(Some(Err(status))),
            None => Piece::Last(None),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
