//! What is rewritten on the spot, and what is left as it is.
#![allow(clippy::unnecessary_wraps, reason = "tests and peers say things plainly")]

use std::collections::VecDeque;
use std::task::{Context as Waking, Poll, Waker};

use http_body::Body as _;

use super::super::at_once::{self, Looked};
use super::*;

type Polled = Result<Frame<Bytes>, Status>;

/// A body that gives these, and then waits or ends.
fn body_of(polled: VecDeque<Polled>, ends: bool) -> Body {
    Body::new(http_body_util::StreamBody::new(Frames { polled, ends }))
}

struct Frames {
    polled: VecDeque<Polled>,
    ends: bool,
}

impl Stream for Frames {
    type Item = Polled;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Waking<'_>) -> Poll<Option<Polled>> {
        match self.polled.pop_front() {
            None if !self.ends => Poll::Pending,
            next => Poll::Ready(next),
        }
    }
}

fn unmetered() -> Metered {
    Metered::new(None, Way::Response)
}

fn look(body: &mut Body) -> Looked {
    at_once::request(body, &Visible::Request, &mut unmetered(), 1000, &mut Waking::from_waker(Waker::noop()))
}

/// All that a body gives before it waits, told in words.
fn told(mut body: Body) -> Vec<String> {
    let mut told = Vec::new();
    for _ in 0..10 {
        match Pin::new(&mut body).poll_frame(&mut Waking::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(frame))) => told.push(match frame.into_data() {
                Ok(data) => format!("{data:?}"),
                Err(frame) => format!("{:?}", frame.into_trailers().unwrap()),
            }),
            Poll::Ready(Some(Err(status))) => told.push(status.message().to_owned()),
            Poll::Ready(None) => {
                told.push("end".to_owned());
                break;
            }
            Poll::Pending => {
                told.push("waits".to_owned());
                break;
            }
        }
    }
    told
}

#[test]
fn a_request_that_is_all_there_is_rewritten_into_one_buffer() {
    let mut body = body_of([Ok(Frame::data(framed("one").into()))].into(), true);
    assert!(matches!(look(&mut body), Looked::Rewritten));
    assert_eq!(body.try_into_bytes().unwrap(), framed("one>"));
}

#[test]
fn any_other_request_is_as_before_after_it_was_looked_at() {
    fn data(text: &str) -> Polled {
        Ok(Frame::data(framed(text).into()))
    }
    let trailers = || -> Polled { Ok(Frame::trailers(HeaderMap::new())) };
    let broken = || -> Polled { Err(Status::cancelled("it went away")) };
    let half =
        |number: usize| -> Polled { Ok(Frame::data(Bytes::from(framed("half")).slice(number * 5..number * 5 + 5))) };
    let long = "long".repeat(300);
    let requests: Vec<Box<dyn Fn() -> Vec<Polled>>> = vec![
        Box::new(Vec::new),
        Box::new(move || vec![broken()]),
        Box::new(move || vec![trailers()]),
        Box::new(move || vec![half(0)]),
        Box::new(move || vec![half(0), half(1)]),
        Box::new(move || vec![data("one"), data("two")]),
        Box::new(move || vec![data("one"), data("two"), data("three")]),
        Box::new(move || vec![data("one"), trailers()]),
        Box::new(move || vec![data("one"), broken()]),
        Box::new(move || vec![data("refuse request")]),
        Box::new(move || vec![data(&long)]),
    ];
    for (number, request) in requests.iter().enumerate() {
        for ends in [true, false] {
            let mut body = body_of(request().into(), ends);
            let looked = look(&mut body);
            assert!(matches!(looked, Looked::Same(_)), "request {number}");
            let mut expected = told(body_of(request().into(), ends));
            // Behind an error there is nothing.
            if let Some(error) = expected.iter().position(|told| told == "it went away") {
                expected.truncate(error + 1);
                expected.push("end".to_owned());
            }
            assert_eq!(told(body), expected, "request {number}, which ends: {ends}");
        }
    }
    let mut waits = body_of([data("one")].into(), false);
    assert!(matches!(look(&mut waits), Looked::Same(Some(_))), "what comes of it is known");
    assert_eq!(told(waits), [format!("{:?}", Bytes::from(framed("one"))), "waits".to_owned()]);
}

#[test]
fn an_answer_that_is_all_there_keeps_its_trailers() {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("7"));
    let large = "large".repeat(2000);
    for text in ["one", &large] {
        let mut body = Body::with_trailers(framed(text).into(), trailers.clone());
        assert!(matches!(
            at_once::response(&mut body, &Visible::Response, &mut unmetered(), LIMIT, None),
            Looked::Rewritten
        ));
        assert!(body.is_whole(), "nothing is left to guard");
        assert_eq!(body.whole_length(), Some(framed(&format!("<{text}")).len()));
        assert_eq!(body.trailers_mut().unwrap()["grpc-status"], "7");
        let mut told = told(body);
        assert_eq!(told.pop().unwrap(), "end");
        assert_eq!(told.pop().unwrap(), format!("{trailers:?}"));
    }
}

#[test]
fn an_answer_of_several_messages_or_none_is_left() {
    for data in [Vec::new(), [framed("one"), framed("two")].concat(), framed("refuse response"), vec![0, 0, 0]] {
        let mut body = Body::with_trailers(data.clone().into(), HeaderMap::new());
        assert!(matches!(
            at_once::response(&mut body, &Visible::Response, &mut unmetered(), LIMIT, None),
            Looked::Same(_)
        ));
        assert_eq!(body.data_ref().map(|data| data.to_vec()).unwrap_or_default(), data);
    }
}
