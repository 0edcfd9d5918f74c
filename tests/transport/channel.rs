//! The channel: finding nodes, trying again, deadlines, streams.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use straddle::transport::{Backoff, Channel, ChannelBuilder, Idempotent, Limits, Server};
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::echo::{Client, Echo, soon, start, start_on, take};
use crate::scripted::{Closed, Frames};

const SHORT: Duration = Duration::from_millis(100);
/// Time in which even a busy machine has connected, and has heard the other side.
const ENOUGH: Duration = Duration::from_secs(2);

fn quick(builder: ChannelBuilder) -> Client<Channel> {
    let backoff = Backoff { base: Duration::from_millis(5), cap: Duration::from_millis(20), ..Backoff::default() };
    Client(builder.backoff(backoff).seed(1).build().unwrap())
}

fn owner(address: &str) -> Client<Channel> {
    quick(Channel::owner(address))
}

async fn idempotent(client: &Client<Channel>) -> Result<String, Status> {
    let mut request = Request::new("hello".to_owned());
    request.extensions_mut().insert(Idempotent);
    client.at("/test.Echo/Unary", request).await
}

/// A server that answers properly, from the next connection on.
fn answering(listener: TcpListener) -> crate::echo::Running {
    start_on(listener, Server::builder(), Echo::default())
}

#[tokio::test]
async fn a_call_waits_for_its_owner_to_come_up() {
    let closed = Closed::new();
    let client = owner(&closed.address);
    let mut call = tokio::spawn(async move { client.unary("hello").await });
    assert!(tokio::time::timeout(SHORT, &mut call).await.is_err(), "the owner is not up");
    let running = answering(closed.open());
    assert_eq!(soon(call).await.unwrap().unwrap(), "hello");
    assert_eq!(running.stop().await.connections, 1);
}

#[tokio::test]
async fn a_call_goes_to_another_node_when_one_is_down() {
    let closed = Closed::new();
    let echo = Echo::default();
    let [one, two] = [start(Limits::default(), &echo).await, start(Limits::default(), &echo).await];
    let client = quick(Channel::any([&closed.address, &one.address, &two.address]));
    assert_eq!(client.unary("hello").await.unwrap(), "hello");
    assert_eq!(one.stop().await.connections, 1);
    // The connection is gone; nothing of that is seen.
    assert_eq!(client.unary("again").await.unwrap(), "again");
    assert_eq!(two.stop().await.connections, 1);
}

#[tokio::test]
async fn a_channel_connects_once_and_again_when_its_node_restarted() {
    let echo = Echo::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let running = start_on(listener, Server::builder(), echo.clone());
    let client = owner(&running.address);
    let calls = (0..50).map(|number: i32| {
        let client = Client(client.0.clone());
        tokio::spawn(async move { client.unary(&number.to_string()).await })
    });
    for (number, call) in calls.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(soon(call).await.unwrap().unwrap(), number.to_string());
    }
    assert_eq!(running.stop().await.connections, 1);

    let running = start_on(listen_again(address), Server::builder(), echo);
    assert_eq!(client.unary("hello").await.unwrap(), "hello");
    assert_eq!(running.stop().await.connections, 1);
}

fn listen_again(address: SocketAddr) -> TcpListener {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    // Connections of the server before may still be waiting out their time.
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket.listen(64).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_node_that_restarts_gracefully_under_load_loses_no_call_and_runs_none_twice() {
    const CALLERS: usize = 16;
    let echo = Echo::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut running = start_on(listener, Server::builder(), echo.clone());
    let client = quick(Channel::owner(address.to_string()).attempts_per_second(10_000));
    let over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (client, over) = (Client(client.0.clone()), over.clone());
            tokio::spawn(async move {
                let mut answered = 0;
                while !over.load(Ordering::SeqCst) {
                    assert_eq!(soon(client.unary("hello")).await.unwrap(), "hello");
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    for _ in 0..20 {
        // So that each server has work to finish.
        soon(echo.0.started.acquire_many(200)).await.unwrap().forget();
        running.stop().await;
        running = start_on(listen_again(address), Server::builder(), echo.clone());
    }
    over.store(true, Ordering::SeqCst);
    let mut answered = 0;
    for caller in callers {
        answered += soon(caller).await.unwrap();
    }
    assert_eq!(echo.0.ran.load(Ordering::SeqCst), answered);
    running.stop().await;
}

#[tokio::test]
async fn calls_do_not_notice_that_their_node_closes_idle_connections() {
    let idle_timeout = Duration::from_millis(20);
    let echo = Echo::default();
    let running = start(Limits { idle_timeout: Some(idle_timeout), ..Limits::default() }, &echo).await;
    let client = owner(&running.address);
    for number in 0..40 {
        // Sometimes before, sometimes after, sometimes just as the connection is closed.
        tokio::time::sleep(idle_timeout + Duration::from_millis(number % 20)).await;
        assert_eq!(client.unary("hello").await.unwrap(), "hello");
    }
    assert_eq!(echo.0.calls.load(Ordering::SeqCst), 40, "each call ran once");
    assert!(running.stop().await.connections > 1);
}

#[tokio::test]
async fn a_peer_that_closes_each_connection_is_not_asked_without_pause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = quick(Channel::owner(listener.local_addr().unwrap().to_string()).wait_limit(ENOUGH));
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = accepted.clone();
    let closing = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let mut request = Request::new("hello".to_owned());
    request.extensions_mut().insert(Idempotent);
    let status = soon(client.at("/test.Echo/Unary", request)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    // At the least wait there would be 500 in that time, and at the cap of waits, less its jitter, 125.
    assert!((2..200).contains(&accepted.load(Ordering::SeqCst)), "{accepted:?} connections");
    closing.abort();
}

#[tokio::test]
async fn a_call_without_a_deadline_gives_up_at_the_wait_limit_and_says_why() {
    let closed = Closed::new();
    let client = quick(Channel::owner(&closed.address).wait_limit(ENOUGH));
    let status = soon(client.unary("hello")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    for part in [closed.address.as_str(), "refused", "tried", "has not run"] {
        assert!(status.message().contains(part), "no {part:?} in {:?}", status.message());
    }
}

#[tokio::test]
async fn the_deadline_bounds_waiting_for_a_node() {
    let closed = Closed::new();
    let client = owner(&closed.address);
    let status = soon(client.within(ENOUGH, "hello")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    for part in [closed.address.as_str(), "refused", "has not run"] {
        assert!(status.message().contains(part), "no {part:?} in {:?}", status.message());
    }
}

#[tokio::test]
async fn the_deadline_bounds_the_response_and_its_stream_and_reaches_the_node() {
    let echo = Echo::default();
    let running = start(Limits::default(), &echo).await;
    let client = owner(&running.address);
    let status = soon(client.within(ENOUGH, "hang")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("may have run"), "{status:?}");
    // The node's side was told: the stream was reset.
    take(&echo.0.dropped).await;

    let mut request = Request::new("3hang".to_owned());
    request.set_timeout(ENOUGH);
    let mut counted = soon(client.count(request)).await.unwrap();
    for number in 0..3 {
        assert_eq!(soon(counted.next()).await.unwrap().unwrap(), number.to_string());
    }
    assert_eq!(soon(counted.next()).await.unwrap().unwrap_err().code(), Code::DeadlineExceeded);

    let told = client.within(Duration::from_secs(1000), "timeout").await.unwrap();
    let left: u64 = told.strip_suffix('m').or(told.strip_suffix('u')).unwrap().parse().unwrap();
    assert!(left < 1_000_000, "{told} left of 1000 s, in ms");
}

#[tokio::test]
async fn a_refused_stream_is_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = owner(&listener.local_addr().unwrap().to_string());
    let call = tokio::spawn(async move { client.unary("hello").await });
    let mut frames = Frames::accept(&listener).await;
    let mut last = 0;
    for _ in 0..3 {
        let (stream, data) = frames.read_request().await;
        assert_eq!(data, 1, "a unary request is one frame, with END_STREAM");
        assert!(stream > last, "the request came on a stream of its own");
        frames.reset(stream, h2::Reason::REFUSED_STREAM).await;
        last = stream;
    }
    frames.go_away(last, h2::Reason::NO_ERROR).await;
    let running = answering(listener);
    assert_eq!(soon(call).await.unwrap().unwrap(), "hello");
    assert_eq!(running.stop().await.connections, 1);
}

#[tokio::test]
async fn a_stream_beyond_a_goaway_is_sent_again_over_a_new_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = owner(&listener.local_addr().unwrap().to_string());
    let call = tokio::spawn(async move { client.unary("hello").await });
    let mut frames = Frames::accept(&listener).await;
    frames.read_request().await;
    frames.go_away(0, h2::Reason::NO_ERROR).await;
    let running = answering(listener);
    assert_eq!(soon(call).await.unwrap().unwrap(), "hello");
    running.stop().await;
}

#[tokio::test]
async fn a_call_that_may_have_run_is_not_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = owner(&listener.local_addr().unwrap().to_string());
    let call = tokio::spawn(async move { client.unary("hello").await });
    let mut frames = Frames::accept(&listener).await;
    let (stream, _) = frames.read_request().await;
    // A GOAWAY that includes the stream promises nothing about it.
    frames.go_away(stream, h2::Reason::NO_ERROR).await;
    drop(frames);
    let running = answering(listener);
    let status = soon(call).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("may have run"), "{status:?}");
    assert_eq!(running.stop().await.connections, 0);
}

#[tokio::test]
async fn an_idempotent_call_that_may_have_run_is_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = owner(&listener.local_addr().unwrap().to_string());
    let call = tokio::spawn(async move { idempotent(&client).await });
    let mut frames = Frames::accept(&listener).await;
    frames.read_request().await;
    drop(frames);
    let running = answering(listener);
    assert_eq!(soon(call).await.unwrap().unwrap(), "hello");
    running.stop().await;
}

#[tokio::test]
async fn a_call_that_the_node_ended_is_not_sent_again_even_if_idempotent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = owner(&listener.local_addr().unwrap().to_string());
    let call = tokio::spawn(async move { idempotent(&client).await });
    let mut frames = Frames::accept(&listener).await;
    let (stream, _) = frames.read_request().await;
    frames.reset(stream, h2::Reason::ENHANCE_YOUR_CALM).await;
    let status = soon(call).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn a_call_waits_for_a_node_that_is_learning_its_version() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let learning =
        Learning { echo: Echo::default(), refusals: Arc::new(AtomicUsize::new(3)), reason: "UNKNOWN_VERSION" };
    let running = start_on(listener, Server::builder(), learning.clone());
    assert_eq!(owner(&running.address).unary("hello").await.unwrap(), "hello");
    assert_eq!(learning.refusals.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn another_unavailable_is_passed_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = Learning { echo: Echo::default(), refusals: Arc::new(AtomicUsize::new(3)), reason: "OTHER" };
    let running = start_on(listener, Server::builder(), other.clone());
    let status = owner(&running.address).unary("hello").await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "not yet"));
    assert_eq!(other.refusals.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_dropped_call_is_cancelled_at_the_node() {
    let echo = Echo::default();
    let running = start(Limits::default(), &echo).await;
    let client = owner(&running.address);
    let call = tokio::spawn(async move { client.unary("hang").await });
    take(&echo.0.started).await;
    assert_eq!(echo.0.dropped.available_permits(), 0);
    call.abort();
    take(&echo.0.dropped).await;
}

#[tokio::test]
async fn a_streamed_request_moves_no_faster_than_the_node_reads_it() {
    const SIZE: usize = 64 * 1024;
    const COUNT: usize = 200;
    let echo = Echo::default();
    let running = start(Limits::default(), &echo).await;
    let client = owner(&running.address);
    let produced = Arc::new(AtomicUsize::new(0));
    let counter = produced.clone();
    let messages = tokio_stream::iter(0..COUNT).map(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        "x".repeat(SIZE)
    });
    let mut call = tokio::spawn(async move { client.sum(messages).await });
    take(&echo.0.started).await;
    assert!(tokio::time::timeout(SHORT, &mut call).await.is_err(), "nobody reads");
    let before = produced.load(Ordering::SeqCst);
    assert!(before < COUNT / 2, "{before} messages were made though none was read");
    echo.0.release.add_permits(1);
    assert_eq!(soon(call).await.unwrap().unwrap(), (SIZE * COUNT).to_string());
}

#[tokio::test]
async fn a_response_that_breaks_off_is_asked_for_again_where_the_call_may_run_twice() {
    const WHOLE: &[u8] = b"\0\0\0\0\x02no";
    let beginnings: [&[&[u8]]; 5] = [&[], &[b"\0\0"], &[WHOLE], &[&WHOLE[..6], b"o"], &[WHOLE, WHOLE]];
    for began in beginnings {
        for may_run_twice in [true, false] {
            // What was handed on is not taken back: of two messages the first one was.
            let again = may_run_twice && began != [WHOLE, WHOLE];
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = owner(&listener.local_addr().unwrap().to_string());
            let call = tokio::spawn(async move {
                if may_run_twice { idempotent(&client).await } else { client.unary("hello").await }
            });
            for _ in 0..=usize::from(again) {
                let mut frames = Frames::accept(&listener).await;
                let (stream, _) = frames.read_request().await;
                frames.answer_begins(stream).await;
                for data in began {
                    frames.write(crate::scripted::DATA, stream, data).await;
                }
                frames.closes().await;
            }
            let running = answering(listener);
            match soon(call).await.unwrap() {
                Ok(text) => assert!(again && text == "hello", "{text}, after {began:?}"),
                Err(status) => assert!(!again, "{status:?}, after {began:?}"),
            }
            running.shutdown.send(()).unwrap();
        }
    }
}

#[tokio::test]
async fn the_first_message_of_a_stream_that_may_run_twice_comes_though_nothing_follows_it() {
    let running = start(Limits::default(), &Echo::default()).await;
    let mut request = Request::new("1hang".to_owned());
    request.extensions_mut().insert(Idempotent);
    let mut counted = soon(owner(&running.address).count(request)).await.unwrap();
    assert_eq!(soon(counted.next()).await.unwrap().unwrap(), "0");
    drop(counted);
    running.shutdown.send(()).unwrap();
}

#[tokio::test]
async fn a_streamed_request_is_sent_again_while_all_of_it_is_kept() {
    for (limit, again) in [(100, true), (10, false)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = quick(Channel::owner(listener.local_addr().unwrap().to_string()).replay_limit(limit));
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let messages = tokio_stream::wrappers::UnboundedReceiverStream::new(receiver);
        let call = tokio::spawn(async move { client.both(messages).await });
        sender.send("x".repeat(40)).unwrap();
        let mut frames = Frames::accept(&listener).await;
        let stream = loop {
            let frame = frames.read().await.unwrap();
            if frame.kind == crate::scripted::DATA {
                break frame.stream;
            }
        };
        frames.reset(stream, h2::Reason::REFUSED_STREAM).await;
        frames.go_away(stream, h2::Reason::NO_ERROR).await;
        let running = answering(listener);
        match soon(call).await.unwrap() {
            Ok(mut echoed) if again => {
                assert_eq!(soon(echoed.next()).await.unwrap().unwrap().len(), 40);
                sender.send("more".to_owned()).unwrap();
                assert_eq!(soon(echoed.next()).await.unwrap().unwrap(), "more");
            }
            Err(status) if !again => assert!(status.message().contains("kept"), "{status:?}"),
            other => panic!("{other:?} with a limit of {limit} bytes"),
        }
        running.shutdown.send(()).unwrap();
    }
}

#[tokio::test]
async fn attempts_are_paced_over_all_calls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let learning =
        Learning { echo: Echo::default(), refusals: Arc::new(AtomicUsize::new(12)), reason: "UNKNOWN_VERSION" };
    let running = start_on(listener, Server::builder(), learning);
    let client = quick(Channel::owner(&running.address).attempts_per_second(10));
    let began = Instant::now();
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let client = Client(client.0.clone());
            tokio::spawn(async move { client.unary("hello").await })
        })
        .collect();
    for call in calls {
        assert_eq!(soon(call).await.unwrap().unwrap(), "hello");
    }
    // 12 attempts more: 10 at once, 2 spaced.
    assert!(began.elapsed() >= Duration::from_millis(190), "{:?}", began.elapsed());
}

#[test]
fn what_is_no_address_is_told_when_the_channel_is_made() {
    for address in ["", "localhost", "https://localhost:7000", "a b:1", "http://", "host:port"] {
        let error = Channel::owner(address).build().unwrap_err();
        assert!(error.is_address(), "{address}: {error}");
    }
    assert!(Channel::any::<String>([]).build().unwrap_err().is_address());
    assert!(!Channel::owner("localhost:1").user_agent("\n").build().unwrap_err().is_address());
    for address in ["localhost:7000", "http://localhost:7000/", "[::1]:7000", "10.0.0.1:1"] {
        Channel::owner(address).build().unwrap();
    }
}

/// Refuses some calls as a node does that is learning a version, or for another reason.
#[derive(Clone)]
struct Learning {
    echo: Echo,
    refusals: Arc<AtomicUsize>,
    reason: &'static str,
}

impl tower_service::Service<http::Request<straddle::wire::Body>> for Learning {
    type Response = http::Response<straddle::wire::Body>;
    type Error = std::convert::Infallible;
    type Future = <Echo as tower_service::Service<http::Request<straddle::wire::Body>>>::Future;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<straddle::wire::Body>) -> Self::Future {
        let left = self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            return self.echo.call(request);
        }
        let details = ErrorDetails::with_error_info(self.reason, "straddle", std::collections::HashMap::new());
        let status = Status::with_error_details(Code::Unavailable, "not yet", details);
        Box::pin(async { Ok(status.into_http()) })
    }
}
