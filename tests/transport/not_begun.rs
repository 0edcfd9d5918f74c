//! Calls that a node did not begin: their peers are told so, and send them again.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use straddle::transport::{Backoff, Channel, ChannelBuilder, Server};
use straddle::wire::{Body, NotBegun};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::StreamExt;
use tonic::Code;

use crate::echo::{Client, Echo, Running, soon, start_on, take};

const SHORT: Duration = Duration::from_millis(100);

/// Begins no call while there are refusals left.
#[derive(Clone)]
pub(crate) struct HandingOver {
    echo: Echo,
    refusals: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

impl HandingOver {
    pub(crate) fn new(refusals: usize) -> Self {
        Self { echo: Echo::default(), refusals: Arc::new(AtomicUsize::new(refusals)), refused: Arc::default() }
    }

    pub(crate) async fn start(&self) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        start_on(listener, Server::builder(), self.clone())
    }

    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

impl tower_service::Service<http::Request<Body>> for HandingOver {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        // Whoever asks for it is told that there is none.
        if request.uri().path().starts_with("/grpc.health") {
            return self.echo.call(request);
        }
        let left = self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            return self.echo.call(request);
        }
        self.refused.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(NotBegun::answer(request, "the node hands over").await) })
    }
}

fn quick(builder: ChannelBuilder) -> Client<Channel> {
    let backoff = Backoff { base: Duration::from_millis(2), cap: Duration::from_millis(10), ..Backoff::default() };
    Client(builder.backoff(backoff).attempts_per_second(100_000).seed(1).build().unwrap())
}

fn post(address: &str) -> http::Request<()> {
    let uri = format!("http://{address}/test.Echo/Unary");
    http::Request::post(uri).header("content-type", "application/grpc").header("te", "trailers").body(()).unwrap()
}

#[tokio::test]
async fn a_peer_sees_the_stream_refused_and_its_connection_goes_on() {
    let node = HandingOver::new(2);
    let running = node.start().await;
    let stream = TcpStream::connect(&running.address).await.unwrap();
    let (sender, connection) = soon(h2::client::handshake(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..2 {
        let mut sender = soon(sender.clone().ready()).await.unwrap();
        let (answer, mut body) = sender.send_request(post(&running.address), false).unwrap();
        body.send_data(Bytes::from_static(b"\0\0\0\0\x00"), true).unwrap();
        let error = soon(answer).await.expect_err("the stream was refused");
        assert!(error.is_reset() && error.is_remote(), "{error:?}");
        assert_eq!(error.reason(), Some(h2::Reason::REFUSED_STREAM));
    }
    let mut sender = soon(sender.ready()).await.unwrap();
    let (answer, mut body) = sender.send_request(post(&running.address), false).unwrap();
    body.send_data(Bytes::from_static(b"\0\0\0\0\x00"), true).unwrap();
    let mut answer = soon(answer).await.unwrap().into_body();
    assert_eq!(soon(answer.data()).await.unwrap().unwrap(), b"\0\0\0\0\x00".as_slice());
    drop((answer, sender));
    assert_eq!(node.refused(), 2);
    assert_eq!(running.stop().await.connections, 1);
    soon(connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_channel_sends_it_again_until_it_is_begun_and_it_runs_once() {
    let node = HandingOver::new(5);
    let running = node.start().await;
    let client = quick(Channel::owner(&running.address));
    assert_eq!(soon(client.unary("hello")).await.unwrap(), "hello");
    assert_eq!((node.refused(), node.echo.0.ran.load(Ordering::SeqCst)), (5, 1));
    assert_eq!(running.stop().await.connections, 1);
}

#[tokio::test]
async fn a_streamed_request_is_sent_again_from_its_beginning() {
    let node = HandingOver::new(3);
    let running = node.start().await;
    let client = quick(Channel::owner(&running.address));
    let (ask, asked) = tokio::sync::mpsc::channel(1);
    ask.send("one".to_owned()).await.unwrap();
    let mut answers = soon(client.both(tokio_stream::wrappers::ReceiverStream::new(asked))).await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap().unwrap(), "one");
    ask.send("two".to_owned()).await.unwrap();
    assert_eq!(soon(answers.next()).await.unwrap().unwrap(), "two");
    drop(ask);
    assert!(soon(answers.next()).await.is_none());
    assert_eq!((node.refused(), node.echo.0.calls.load(Ordering::SeqCst)), (3, 1));
}

#[tokio::test]
async fn who_never_begins_a_call_is_not_asked_for_ever() {
    let node = HandingOver::new(usize::MAX);
    let running = node.start().await;
    let client = quick(Channel::owner(&running.address).wait_limit(10 * SHORT));
    let status = soon(client.unary("hello")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("has not run") && status.message().contains(&running.address), "{status:?}");
    assert!(status.message().contains("takes no calls yet"), "what to look at is said: {status:?}");
    // Backed off as after other failures: the cap of 10 ms, less its jitter, within 1 s.
    assert!((2..=200).contains(&node.refused()), "{} attempts", node.refused());

    let status = soon(client.within(SHORT, "hello")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(node.echo.0.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusing_many_calls_whose_requests_are_on_their_way_costs_no_other_call() {
    const CALLS: usize = 2_000;
    let node = HandingOver::new(0);
    let running = node.start().await;
    let client = quick(Channel::owner(&running.address));
    let waiting = Client(client.0.clone());
    let waiting = tokio::spawn(async move { waiting.unary("wait").await });
    take(&node.echo.0.started).await;

    node.refusals.store(CALLS, Ordering::SeqCst);
    let large = "x".repeat(300 * 1024);
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let (client, large) = (Client(client.0.clone()), large.clone());
            tokio::spawn(async move { client.unary(&large).await.map(|answer| answer.len()) })
        })
        .collect();
    for call in calls {
        assert_eq!(soon(call).await.unwrap().unwrap(), large.len());
    }
    assert_eq!(node.refused(), CALLS);
    node.echo.0.release.add_permits(1);
    assert_eq!(soon(waiting).await.unwrap().unwrap(), "wait");
    assert_eq!(running.stop().await.connections, 1, "no connection was lost");
}
