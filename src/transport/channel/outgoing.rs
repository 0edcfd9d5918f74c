//! A request's body, so kept that it can be sent again.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tonic::Status;

use crate::wire::Body;

/// The body of a request, for as many attempts as are needed.
pub(super) enum Outgoing {
    /// Was complete at once, as that of a unary call is: sent with `END_STREAM`, and again for free.
    Whole(Bytes),
    Streamed(Arc<Mutex<Recording>>),
}

/// What a streamed body has said so far, and what it has yet to say.
pub(super) struct Recording {
    source: Body,
    /// What the source has said; as long as `keep`, from its beginning.
    frames: VecDeque<Bytes>,
    /// How many of `frames` the current attempt was given.
    given: usize,
    bytes: usize,
    limit: usize,
    keep: bool,
    /// Something was given that is not kept.
    lost: bool,
    /// Whether the current attempt asked for anything.
    asked: bool,
    end: Option<Result<(), Status>>,
    attempt: u32,
}

impl Outgoing {
    /// Takes what is ready of `body`, without waiting for more.
    pub(super) async fn collect(body: Body, limit: usize) -> Self {
        let mut recording = Recording::new(
            match body.try_into_bytes() {
                Ok(bytes) => return Self::Whole(bytes),
                Err(body) => body,
            },
            limit,
        );
        poll_fn(|context| {
            // One frame is in memory whether it is kept or not; what follows is taken up to the limit.
            while recording.end.is_none() && (recording.frames.len() < 2 || recording.bytes < limit) {
                match recording.poll_source(context) {
                    Poll::Ready(Some(frame)) => {
                        recording.bytes += frame.len();
                        recording.frames.push_back(frame);
                    }
                    Poll::Ready(None) | Poll::Pending => break,
                }
            }
            Poll::Ready(())
        })
        .await;
        match (&recording.end, recording.frames.len()) {
            (Some(Ok(())), 0) => Self::Whole(Bytes::new()),
            (Some(Ok(())), 1) => Self::Whole(recording.frames.pop_front().unwrap_or_default()),
            _ => {
                recording.keep = recording.bytes <= limit;
                Self::Streamed(Arc::new(Mutex::new(recording)))
            }
        }
    }

    /// The body for one more attempt, from its beginning; those of earlier attempts say nothing any more.
    pub(super) fn attempt(&self) -> Body {
        match self {
            Self::Whole(bytes) => Body::full(bytes.clone()),
            Self::Streamed(recording) => {
                let attempt = {
                    let mut recording = lock(recording);
                    recording.attempt += 1;
                    recording.given = 0;
                    recording.asked = false;
                    recording.attempt
                };
                Body::new(Replay { recording: recording.clone(), attempt })
            }
        }
    }

    /// Whether another attempt would say all that the ones before did.
    pub(super) fn is_replayable(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Streamed(recording) => {
                let recording = lock(recording);
                !recording.lost && !matches!(recording.end, Some(Err(_)))
            }
        }
    }

    /// Whether all of it is here.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }

    /// Why the caller's own stream failed, if it did.
    pub(super) fn failed(&self) -> Option<Status> {
        match self {
            Self::Whole(_) => None,
            Self::Streamed(recording) => lock(recording).end.as_ref().and_then(|end| end.as_ref().err().cloned()),
        }
    }

    /// Whether the current attempt was asked for its body, or has so little of one that nobody would ask. Before that,
    /// none of it was sent.
    pub(super) fn was_asked(&self) -> bool {
        match self {
            // Sent apart from the headers, and not before the stream was opened.
            Self::Whole(bytes) => !bytes.is_empty(),
            Self::Streamed(recording) => lock(recording).asked,
        }
    }

    /// There will be no further attempt: what was sent need not be kept.
    pub(super) fn settle(&self) {
        if let Self::Streamed(recording) = self {
            lock(recording).forget();
        }
    }
}

impl Recording {
    fn new(source: Body, limit: usize) -> Self {
        Self {
            source,
            frames: VecDeque::new(),
            given: 0,
            bytes: 0,
            limit,
            keep: true,
            lost: false,
            asked: false,
            end: None,
            attempt: 0,
        }
    }

    fn poll_given(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        if self.keep {
            if let Some(frame) = self.frames.get(self.given) {
                self.given += 1;
                return Poll::Ready(Some(Ok(frame.clone())));
            }
        } else if let Some(frame) = self.frames.pop_front() {
            self.lost = true;
            return Poll::Ready(Some(Ok(frame)));
        }
        let Some(frame) = ready!(self.poll_source(context)) else {
            return Poll::Ready(self.end.as_ref().and_then(|end| end.as_ref().err().cloned()).map(Err));
        };
        if self.keep && self.bytes + frame.len() > self.limit {
            self.forget();
        }
        if self.keep {
            self.bytes += frame.len();
            self.frames.push_back(frame.clone());
            self.given += 1;
        } else {
            self.lost = true;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while self.end.is_none() {
            match ready!(Pin::new(&mut self.source).poll_frame(context)) {
                // Requests of gRPC have no trailers.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(data));
                    }
                }
                Some(Err(status)) => self.end = Some(Err(status)),
                None => self.end = Some(Ok(())),
            }
        }
        Poll::Ready(None)
    }

    fn forget(&mut self) {
        if self.keep {
            self.keep = false;
            self.lost |= self.given > 0;
            self.frames.drain(..self.given);
            self.given = 0;
        }
    }
}

/// The body of one attempt.
struct Replay {
    recording: Arc<Mutex<Recording>>,
    attempt: u32,
}

impl HttpBody for Replay {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut recording = lock(&self.recording);
        if self.attempt != recording.attempt {
            return Poll::Ready(Some(Err(Status::cancelled("another attempt took this one's place"))));
        }
        recording.asked = true;
        recording.poll_given(context).map(|frame| frame.map(|frame| frame.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        let recording = lock(&self.recording);
        let given = if recording.keep { recording.given } else { 0 };
        matches!(recording.end, Some(Ok(()))) && given == recording.frames.len()
    }
}

fn lock(recording: &Mutex<Recording>) -> MutexGuard<'_, Recording> {
    recording.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tokio::sync::mpsc;

    use super::*;

    /// A body that says what is sent to it.
    struct Told(mpsc::UnboundedReceiver<Bytes>);

    impl HttpBody for Told {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            self.0.poll_recv(context).map(|data| data.map(|data| Ok(Frame::data(data))))
        }
    }

    fn told() -> (mpsc::UnboundedSender<Bytes>, Body) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Body::new(Told(receiver)))
    }

    async fn next(body: &mut Body) -> Option<Bytes> {
        body.frame().await.map(|frame| frame.expect("no error").into_data().expect("data"))
    }

    #[tokio::test]
    async fn a_body_that_is_complete_at_once_is_whole_whatever_its_size() {
        let (sender, body) = told();
        sender.send(Bytes::from_static(b"message")).expect("the body waits");
        drop(sender);
        let outgoing = Outgoing::collect(body, 1).await;
        assert!(matches!(&outgoing, Outgoing::Whole(data) if data == "message"));
    }

    #[tokio::test]
    async fn each_attempt_says_what_the_ones_before_said_and_then_goes_on() {
        let (sender, body) = told();
        sender.send(Bytes::from_static(b"one")).expect("the body waits");
        let outgoing = Outgoing::collect(body, 100).await;
        let mut first = outgoing.attempt();
        assert!(!outgoing.was_asked());
        assert_eq!(next(&mut first).await.as_deref(), Some(b"one".as_slice()));
        sender.send(Bytes::from_static(b"two")).expect("the body waits");
        assert_eq!(next(&mut first).await.as_deref(), Some(b"two".as_slice()));
        assert!(outgoing.is_replayable());

        let mut second = outgoing.attempt();
        sender.send(Bytes::from_static(b"three")).expect("the body waits");
        drop(sender);
        assert_eq!(next(&mut second).await.as_deref(), Some(b"one".as_slice()));
        outgoing.settle();
        assert!(first.frame().await.is_some_and(|frame| frame.is_err()), "the first attempt is over");
        assert_eq!(next(&mut second).await.as_deref(), Some(b"two".as_slice()));
        assert_eq!(next(&mut second).await.as_deref(), Some(b"three".as_slice()));
        assert_eq!(next(&mut second).await, None);
        assert!(!outgoing.is_replayable());
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_sent_once_and_not_kept() {
        let (sender, body) = told();
        let outgoing = Outgoing::collect(body, 5).await;
        let mut attempt = outgoing.attempt();
        for text in ["abc", "def", "ghi"] {
            assert_eq!(outgoing.is_replayable(), text != "ghi");
            sender.send(Bytes::from_static(text.as_bytes())).expect("the body waits");
            assert_eq!(next(&mut attempt).await.as_deref(), Some(text.as_bytes()));
        }
        let Outgoing::Streamed(recording) = &outgoing else { panic!("the body was not complete") };
        assert!(lock(recording).frames.is_empty());
    }

    #[tokio::test]
    async fn a_failure_of_the_caller_s_stream_ends_all_attempts() {
        let stream = http_body_util::StreamBody::new(tokio_stream::iter([
            Ok(Frame::data(Bytes::from_static(b"one"))),
            Err(Status::aborted("the caller's own")),
        ]));
        let outgoing = Outgoing::collect(Body::new(stream), 100).await;
        assert!(!outgoing.is_replayable());
        assert_eq!(outgoing.failed().map(|status| status.code()), Some(tonic::Code::Aborted));
        let mut attempt = outgoing.attempt();
        assert_eq!(next(&mut attempt).await.as_deref(), Some(b"one".as_slice()));
        assert!(attempt.frame().await.is_some_and(|frame| frame.is_err()));
    }
}
