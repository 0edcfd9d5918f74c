use std::sync::atomic::AtomicBool;

use super::*;

/// What an object says of its answer: one frame at each poll, or nothing yet.
struct Told {
    frames: VecDeque<Poll<Option<Frame<Bytes>>>>,
    dropped: Arc<AtomicBool>,
}

impl HttpBody for Told {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Waking<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.frames.pop_front().unwrap_or(Poll::Pending).map(|frame| frame.map(Ok))
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::SeqCst);
    }
}

/// A message of `length` bytes, and its prefix.
fn message(length: u8) -> Vec<u8> {
    [&[0, 0, 0, 0, length][..], &vec![length; length.into()]].concat()
}

fn data(bytes: &[u8]) -> Poll<Option<Frame<Bytes>>> {
    Poll::Ready(Some(Frame::data(Bytes::copy_from_slice(bytes))))
}

fn trailers() -> Poll<Option<Frame<Bytes>>> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    Poll::Ready(Some(Frame::trailers(trailers)))
}

/// A stream of a gate whose answer says these frames; and whether the object's part of it is gone.
fn answering(
    gate: &Gate,
    resumable: bool,
    frames: impl IntoIterator<Item = Poll<Option<Frame<Bytes>>>>,
) -> (Stream, Arc<AtomicBool>) {
    let inside = gate.enter().expect("the gate is open");
    let stream = inside.stream(resumable, None, None);
    let dropped = Arc::new(AtomicBool::new(false));
    let told = Told { frames: frames.into_iter().collect(), dropped: dropped.clone() };
    stream.answers(Body::new(told), inside);
    (stream, dropped)
}

/// What is read until nothing is ready: data as they are, trailers as their status and what they say of going on.
#[derive(Debug, PartialEq)]
enum Read {
    Data(Vec<u8>),
    End(String, Option<String>),
}

fn read(stream: &Stream) -> Vec<Read> {
    let mut read = Vec::new();
    let mut waking = Waking::from_waker(Waker::noop());
    while let Poll::Ready(Some(frame)) = stream.poll_frame(&mut waking) {
        let frame = frame.expect("no error");
        read.push(match frame.into_data() {
            Ok(data) => Read::Data(data.to_vec()),
            Err(frame) => {
                let trailers = frame.into_trailers().expect("trailers");
                let text = |name| trailers.get(name).map(|value| value.to_str().expect("a text").to_owned());
                Read::End(text("grpc-status").expect("a status"), text("straddle-resume"))
            }
        });
    }
    read
}

fn drained() -> Read {
    Read::End("14".into(), Some("drain".into()))
}

fn cut() -> Read {
    Read::End("14".into(), None)
}

#[test]
fn a_stream_that_waits_ends_as_soon_as_it_is_drained_though_nobody_polls_it() {
    let gate = Gate::default();
    let (stream, dropped) = answering(&gate, true, [data(&message(3))]);
    assert_eq!(read(&stream), [Read::Data(message(3))]);
    gate.shut();
    gate.drain_streams();
    assert!(dropped.load(Ordering::SeqCst), "the object's part is gone");
    assert_eq!(gate.inside(), 0);
    assert_eq!(read(&stream), [drained()]);
    assert!(stream.is_end_stream());
    assert_eq!(gate.ended_streams(), super::super::EndedStreams { drained: 1, cut: 0 });
}

#[test]
fn a_stream_whose_caller_does_not_go_on_runs_until_it_is_cut() {
    let gate = Gate::default();
    let (stream, dropped) = answering(&gate, false, [data(&message(3)), Poll::Pending, data(&message(4))]);
    assert_eq!(read(&stream), [Read::Data(message(3))]);
    gate.shut();
    gate.drain_streams();
    assert_eq!(read(&stream), [Read::Data(message(4))]);
    assert_eq!(gate.inside(), 1);
    gate.cut_streams();
    assert!(dropped.load(Ordering::SeqCst));
    assert_eq!((read(&stream), gate.inside()), (vec![cut()], 0));
    assert_eq!(gate.ended_streams(), super::super::EndedStreams { drained: 0, cut: 1 });
}

#[test]
fn no_message_is_cut_whose_rest_is_there() {
    let whole = [message(9), message(8), message(7)].concat();
    for (how, end) in [(How::Drained, drained as fn() -> Read), (How::Cut, cut)] {
        for at in 1..14 {
            let gate = Gate::default();
            // The first frame ends in the first message, the second one in the third.
            let (stream, _) = answering(&gate, true, [data(&whole[..at]), Poll::Pending, data(&whole[at..30])]);
            assert_eq!(read(&stream), [Read::Data(whole[..at].to_vec())]);
            gate.0.end_streams(how);
            assert_eq!(gate.inside(), 0);
            assert_eq!(read(&stream), [Read::Data(whole[at..27].to_vec()), end()], "{how:?} at {at}");
        }
    }
}

#[test]
fn a_message_whose_rest_is_not_there_is_waited_for_when_drained_and_broken_off_when_cut() {
    let gate = Gate::default();
    let whole = message(9);
    let (stream, _) = answering(&gate, true, [data(&whole[..7]), Poll::Pending, Poll::Pending, data(&whole[7..])]);
    assert_eq!(read(&stream), [Read::Data(whole[..7].to_vec())]);
    gate.drain_streams();
    assert_eq!(gate.inside(), 1);
    assert_eq!(read(&stream), [Read::Data(whole[7..].to_vec()), drained()]);
    let (stream, dropped) = answering(&gate, true, [data(&whole[..7]), Poll::Pending]);
    assert_eq!(read(&stream), [Read::Data(whole[..7].to_vec())]);
    gate.cut_streams();
    assert!(dropped.load(Ordering::SeqCst));
    assert_eq!(read(&stream), [cut()]);
    assert_eq!(gate.ended_streams(), super::super::EndedStreams { drained: 1, cut: 1 });
}

#[test]
fn an_answer_that_ends_while_its_last_message_is_finished_was_not_drained() {
    let gate = Gate::default();
    let whole = message(9);
    let (stream, _) = answering(&gate, true, [data(&whole[..7]), Poll::Pending, trailers()]);
    read(&stream);
    gate.drain_streams();
    assert_eq!(read(&stream), [Read::End("0".into(), None)]);
    assert_eq!((gate.inside(), gate.ended_streams().drained), (0, 0));
}

#[test]
fn a_call_that_becomes_a_stream_while_the_gate_is_shut_is_asked_as_the_others_were() {
    let gate = Gate::default();
    let came_in = [gate.enter().expect("open"), gate.enter().expect("open")];
    gate.shut();
    gate.drain_streams();
    let mut streams = came_in.iter().zip([true, false]).map(|(inside, resumable)| inside.stream(resumable, None, None));
    let (resumable, other) = (streams.next().expect("two"), streams.next().expect("two"));
    let waking = Waking::from_waker(Waker::noop());
    assert_eq!((resumable.is_asked(&waking), other.is_asked(&waking)), (Some(How::Drained), None));
    gate.cut_streams();
    assert_eq!(other.is_asked(&waking), Some(How::Cut));
    gate.open();
    assert_eq!(gate.enter().expect("open").stream(true, None, None).is_asked(&waking), None);
}

#[test]
fn whoever_waits_for_a_stream_is_woken_when_it_is_asked_to_end() {
    struct Count(AtomicU64);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let gate = Gate::default();
    let (stream, _) = answering(&gate, true, []);
    let woken = Arc::new(Count(AtomicU64::new(0)));
    let waker = Waker::from(woken.clone());
    assert!(stream.poll_frame(&mut Waking::from_waker(&waker)).is_pending());
    gate.drain_streams();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
}

#[test]
fn a_caller_that_goes_away_leaves_nothing_behind() {
    let gate = Gate::default();
    let (stream, dropped) = answering(&gate, true, []);
    drop(stream);
    assert!(dropped.load(Ordering::SeqCst));
    assert_eq!((gate.inside(), lock(&gate.0.streams.known).streams.len()), (0, 0));
    gate.cut_streams();
    assert_eq!(gate.ended_streams().cut, 0);
}

#[test]
fn a_panic_of_an_object_whose_message_is_to_be_finished_is_none_of_who_drains() {
    struct Panics(bool);
    impl HttpBody for Panics {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Waking<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            assert!(!std::mem::replace(&mut self.0, true), "as asked to");
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0, 0])))))
        }
    }
    let gate = Gate::default();
    let inside = gate.enter().expect("open");
    let stream = inside.stream(true, None, None);
    stream.answers(Body::new(Panics(false)), inside);
    let mut waking = Waking::from_waker(Waker::noop());
    assert!(stream.poll_frame(&mut waking).is_ready());
    gate.drain_streams();
    let Poll::Ready(Some(Err(status))) = stream.poll_frame(&mut waking) else { panic!("an error") };
    assert_eq!((status.code(), gate.inside()), (tonic::Code::Internal, 0));
}
