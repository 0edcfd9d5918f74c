//! How the messages of an answer become frames.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use http_body::Body as _;
use straddle::wire::{Body, Codec, Grpc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::server::ServerStreamingService;
use tonic::{Code, Request, Response, Status};

use crate::service::{Call, Config, Kind, Seen, message, ours, tonics};

async fn both(text: &str, config: Config) -> Seen {
    let call = Call::of([message(text)]);
    let seen = ours(Kind::ServerStreaming, config, call.clone()).await;
    assert_eq!(seen, tonics(Kind::ServerStreaming, config, call).await);
    seen
}

#[tokio::test]
async fn a_stream_s_messages_come_in_their_order_however_large_they_are() {
    for sizes in ["0", "0 0 0", "100000", "1 40000 1 32763 32762 1", "30000 30000 30000", "32767 1 32768 1 1000000 2"] {
        let seen = both(&format!("grow {sizes}"), Config::default()).await;
        let whole: Vec<u8> = sizes.split(' ').flat_map(|size| message(&"x".repeat(size.parse().unwrap()))).collect();
        assert!(seen.data == whole, "{sizes}");
        assert_eq!(seen.status().code(), Code::Ok);
    }
    let seen = both("count 10000", Config::default()).await;
    assert_eq!(seen.data, (0..10_000).flat_map(|number: usize| message(&number.to_string())).collect::<Vec<_>>());
    assert!(both("count 0", Config::default()).await.data.is_empty());
}

#[tokio::test]
async fn an_error_within_a_stream_follows_the_messages_before_it() {
    let seen = both("count-and-fail 3", Config::default()).await;
    assert_eq!(seen.data, [message("0"), message("1"), message("2")].concat());
    assert_eq!(seen.status().code(), Code::DataLoss);
    assert_eq!(both("count-and-fail 0", Config::default()).await.status().message(), "that was all");
}

#[tokio::test]
async fn a_message_over_the_limit_ends_a_stream_after_the_messages_before_it() {
    let config = Config { max_encoding: Some(10), ..Config::default() };
    let call = Call::of([message("grow 1 2 9 3")]);
    let seen = ours(Kind::ServerStreaming, config, call.clone()).await;
    // tonic drops what it had not sent yet.
    assert_eq!(seen.data, [message("x"), message("xx")].concat());
    assert_eq!(seen.status().code(), Code::OutOfRange);
    assert_eq!(tonics(Kind::ServerStreaming, config, call).await.status().message(), seen.status().message());
}

/// Answers with what is sent through a channel.
struct Fed(Option<UnboundedReceiver<Result<String, Status>>>);

impl ServerStreamingService<String> for Fed {
    type Response = String;
    type ResponseStream = UnboundedReceiverStream<Result<String, Status>>;
    type Future = std::future::Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, _: Request<String>) -> Self::Future {
        std::future::ready(Ok(Response::new(UnboundedReceiverStream::new(self.0.take().unwrap()))))
    }
}

async fn fed() -> (UnboundedSender<Result<String, Status>>, Body) {
    let (sender, receiver) = unbounded_channel();
    let request = http::Request::new(Body::full(message("go").into()));
    let mut grpc = Grpc::new(Codec::<String, String>::default());
    (sender, grpc.server_streaming(Fed(Some(receiver)), request).await.into_body())
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn poll(body: &mut Body, woken: &Arc<Woken>) -> Option<Vec<u8>> {
    let waker = Waker::from(woken.clone());
    match Pin::new(body).poll_frame(&mut Context::from_waker(&waker)) {
        Poll::Ready(Some(Ok(frame))) => Some(frame.into_data().expect("data").to_vec()),
        Poll::Ready(other) => panic!("{other:?}"),
        Poll::Pending => None,
    }
}

#[tokio::test]
async fn a_message_by_itself_is_sent_at_once() {
    let (sender, mut body) = fed().await;
    let woken = Arc::<Woken>::default();
    assert_eq!(poll(&mut body, &woken), None);
    for text in ["one", "two"] {
        sender.send(Ok(text.to_owned())).unwrap();
        assert_eq!(poll(&mut body, &woken), Some(message(text)));
        assert_eq!(poll(&mut body, &woken), None);
    }
}

#[tokio::test]
async fn a_busy_stream_s_pause_is_waited_out_once() {
    let (sender, mut body) = fed().await;
    let woken = Arc::<Woken>::default();
    let send = |count: usize| (0..count).for_each(|_| sender.send(Ok("x".to_owned())).unwrap());
    send(10);
    assert_eq!(poll(&mut body, &woken), None);
    assert_eq!(woken.0.load(Ordering::Relaxed), 1, "it looks again by itself");
    assert_eq!(poll(&mut body, &woken), Some(message("x").repeat(10)), "nothing came meanwhile");

    send(10);
    assert_eq!(poll(&mut body, &woken), None);
    send(2);
    assert_eq!(poll(&mut body, &woken), Some(message("x").repeat(12)), "what came meanwhile goes with it");
}

#[tokio::test]
async fn a_stream_s_source_is_dropped_with_its_body() {
    let (sender, body) = fed().await;
    drop(body);
    let mut closed = pin!(sender.closed());
    assert!(closed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}
