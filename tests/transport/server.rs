//! The server: limits, health over HTTP/1.1, panics, and its end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use straddle::transport::{Channel, HealthHandle, Limits, Server};
use straddle::wire::Body;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::StreamExt;
use tonic::{Code, Request};

use crate::echo::{Client, Echo, Running, soon, start, start_on, take, tonic_channel};

const SHORT: Duration = Duration::from_millis(50);

async fn client(running: &Running) -> Client<tonic::transport::Channel> {
    Client(tonic_channel(&running.address).await)
}

/// What the server says to `request` until it closes the connection.
async fn raw(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn get(address: &str, line: &str) -> String {
    raw(address, format!("{line} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").as_bytes()).await
}

#[tokio::test]
async fn a_graceful_shutdown_finishes_running_calls_and_refuses_new_connections() {
    let echo = Echo::default();
    let running = start(Limits::default(), &echo).await;
    let client = client(&running).await;
    let call = tokio::spawn(async move { client.unary("wait").await });
    take(&echo.0.started).await;

    running.shutdown.send(()).unwrap();
    // The listener is closed before anything else happens.
    while TcpStream::connect(&running.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!call.is_finished() && !running.served.is_finished());
    echo.0.release.add_permits(1);
    assert_eq!(soon(call).await.unwrap().unwrap(), "wait");
    let served = soon(running.served).await.unwrap();
    assert_eq!(served.cut, 0);
    assert!(served.connections >= 1);
}

#[tokio::test]
async fn calls_that_outlast_the_shutdown_limit_are_cut() {
    let echo = Echo::default();
    let running = start(Limits { shutdown: SHORT, ..Limits::default() }, &echo).await;
    let client = client(&running).await;
    let call = tokio::spawn(async move { client.unary("hang").await });
    take(&echo.0.started).await;
    assert_eq!(running.stop().await.cut, 1);
    soon(call).await.unwrap().expect_err("the call was cut");
    take(&echo.0.dropped).await;
}

#[tokio::test]
async fn a_dropped_server_cuts_all_of_its_calls() {
    let echo = Echo::default();
    let running = start(Limits::default(), &echo).await;
    let client = client(&running).await;
    let call = tokio::spawn(async move { client.unary("hang").await });
    take(&echo.0.started).await;
    running.served.abort();
    soon(call).await.unwrap().expect_err("the call was cut");
    take(&echo.0.dropped).await;
    TcpStream::connect(&running.address).await.expect_err("nobody listens");
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_peers_that_only_hold_a_connection() {
    let echo = Echo::default();
    let running = start(Limits::default(), &echo).await;
    let silent = TcpStream::connect(&running.address).await.unwrap();
    let idle = client(&running).await;
    idle.unary("hello").await.unwrap();
    assert_eq!(running.stop().await.cut, 0);
    drop((silent, idle));
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_one_with_a_call_is_not() {
    let echo = Echo::default();
    let limits = Limits { idle_timeout: Some(SHORT), handshake_timeout: SHORT, ..Limits::default() };
    let running = start(limits, &echo).await;
    let busy = client(&running).await;
    let waiting = Client(busy.0.clone());
    let call = tokio::spawn(async move { waiting.unary("wait").await });
    take(&echo.0.started).await;

    // The others come later and are idle: once they are closed, the first has outlived the timeout.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for _ in 0..2 {
        let mut idle = TcpStream::connect(&running.address).await.unwrap();
        idle.write_all(preface).await.unwrap();
        let mut said = Vec::new();
        soon(idle.read_to_end(&mut said)).await.unwrap();
        // A frame of 8 bytes and of type 7: GOAWAY, before the connection was closed.
        assert!(said.windows(4).any(|frame| frame == [8, 7, 0, 0]), "no GOAWAY in {said:?}");
    }

    assert!(!call.is_finished());
    echo.0.release.add_permits(1);
    assert_eq!(soon(call).await.unwrap().unwrap(), "wait");
    assert_eq!(busy.unary("hello").await.unwrap(), "hello");
    assert_eq!(running.stop().await.connections, 3);
}

#[tokio::test]
async fn a_connection_that_does_not_show_its_protocol_in_time_is_closed() {
    let limits = Limits { handshake_timeout: SHORT, header_read_timeout: SHORT, ..Limits::default() };
    let running = start(limits, &Echo::default()).await;
    assert_eq!(raw(&running.address, b"").await, "");
    assert_eq!(raw(&running.address, b"PRI * HT").await, "");
    // Slow heads of HTTP/1.1 have a limit of their own.
    assert_eq!(raw(&running.address, b"GET /healthz HTTP/1.1\r\nhost: te").await, "");
}

#[tokio::test]
async fn a_header_list_over_the_limit_fails_its_call_alone() {
    let running = start(Limits { max_header_list_size: 4096, ..Limits::default() }, &Echo::default()).await;
    let client = client(&running).await;
    let mut request = Request::new("hello".to_owned());
    request.metadata_mut().insert("large", "x".repeat(5000).parse().unwrap());
    client.at("/test.Echo/Unary", request).await.expect_err("the header is too large");
    assert_eq!(client.unary("hello").await.unwrap(), "hello");
    assert_eq!(running.stop().await.connections, 1);
}

#[tokio::test]
async fn a_message_over_the_limit_is_resource_exhausted() {
    let running = start(Limits { max_message_size: 1000, ..Limits::default() }, &Echo::default()).await;
    let client = client(&running).await;
    let status = client.unary(&"x".repeat(2 << 20)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert!(status.message().contains("1000"), "{status:?}");
    let ours = Client(Channel::owner(&running.address).build().unwrap());
    let status = ours.unary(&"x".repeat(2 << 20)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    // In a stream, each message has the limit for itself.
    let messages = tokio_stream::iter((0..10).map(|_| "x".repeat(900)));
    let mut echoed = client.both(messages).await.unwrap();
    for _ in 0..10 {
        assert_eq!(echoed.message().await.unwrap().unwrap().len(), 900);
    }
}

#[tokio::test]
async fn a_peer_that_sends_a_frame_for_each_small_message_may_wait_for_a_slow_call() {
    const COUNT: usize = 12_000;
    let echo = Echo::default();
    let running = start(Limits::default(), &echo).await;
    let stream = TcpStream::connect(&running.address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::post(format!("http://{}/test.Echo/Sum", running.address)).body(()).unwrap();
    let (response, mut body) = client.ready().await.unwrap().send_request(request, false).unwrap();
    let message = bytes::Bytes::from_static(b"\0\0\0\0\x22\x0a\x2012345678901234567890123456789012");
    for number in 0..COUNT {
        body.reserve_capacity(message.len());
        while body.capacity() < message.len() {
            soon(std::future::poll_fn(|context| body.poll_capacity(context))).await.unwrap().unwrap();
        }
        body.send_data(message.clone(), number + 1 == COUNT).unwrap();
        // Sent before the next one, so that no two share a frame.
        tokio::task::yield_now().await;
    }
    echo.0.release.add_permits(1);
    let mut answer = soon(response).await.unwrap().into_body();
    let mut data = soon(answer.data()).await.unwrap().unwrap();
    assert_eq!(data.split_off(7), (COUNT * 32).to_string().as_bytes());
    connection.abort();
}

/// What is taken back in the middle must not look whole: whoever reads it may act upon it.
#[tokio::test]
async fn a_request_that_is_taken_back_in_the_middle_never_ends_well() {
    for reason in [h2::Reason::CANCEL, h2::Reason::NO_ERROR] {
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let told = told.clone();
            // Read apart from the call, which is dropped when it is taken back.
            tokio::spawn(async move {
                let mut body = request.into_body();
                while let Some(frame) = body.frame().await {
                    let ended = frame.is_err();
                    told.send(Some(frame)).unwrap();
                    if ended {
                        return;
                    }
                }
                told.send(None).unwrap();
            });
            std::future::pending()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let running = start_on(listener, Server::builder(), service);

        let stream = TcpStream::connect(&running.address).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = http::Request::post(format!("http://{}/test.Echo/Sum", running.address)).body(()).unwrap();
        let (_response, mut body) = client.ready().await.unwrap().send_request(request, false).unwrap();
        body.send_data(bytes::Bytes::from_static(b"\0\0\0\0\x03\x0a\x01a"), false).unwrap();
        let first = soon(heard.recv()).await.unwrap().expect("a frame").expect("data");
        assert!(first.is_data(), "{reason}");

        body.send_reset(reason);
        match soon(heard.recv()).await.unwrap() {
            Some(Err(status)) => assert_eq!(status.code(), Code::Aborted, "{reason}: {status}"),
            other => panic!("{reason}: {other:?}"),
        }
        connection.abort();
    }
}

#[tokio::test]
async fn streams_over_the_limit_wait_for_their_turn() {
    let echo = Echo::default();
    let running = start(Limits { max_concurrent_streams: 1, ..Limits::default() }, &echo).await;
    let client = Client(Channel::owner(&running.address).build().unwrap());
    // Afterwards the peer's settings are known.
    client.unary("hello").await.unwrap();
    take(&echo.0.started).await;
    let [first, second] = [(), ()].map(|()| {
        let client = Client(client.0.clone());
        tokio::spawn(async move { client.unary("wait").await })
    });
    take(&echo.0.started).await;
    assert_eq!(echo.0.calls.load(Ordering::SeqCst), 2);
    echo.0.release.add_permits(1);
    take(&echo.0.started).await;
    echo.0.release.add_permits(1);
    for call in [first, second] {
        assert_eq!(soon(call).await.unwrap().unwrap(), "wait");
    }
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_a_place() {
    let echo = Echo::default();
    let running = start(Limits { max_connections: 1, ..Limits::default() }, &echo).await;
    let first = client(&running).await;
    first.unary("hello").await.unwrap();
    let second = Client(Channel::owner(&running.address).build().unwrap());
    let call = tokio::spawn(async move { second.unary("hello").await });
    first.unary("again").await.unwrap();
    assert_eq!(echo.0.calls.load(Ordering::SeqCst), 2);
    drop(first);
    assert_eq!(soon(call).await.unwrap().unwrap(), "hello");
}

#[tokio::test]
async fn a_panic_fails_its_own_call_only() {
    let echo = Echo::default();
    let running = start(Limits::default(), &echo).await;
    let client = client(&running).await;
    let waiting = Client(client.0.clone());
    let call = tokio::spawn(async move { waiting.unary("wait").await });
    take(&echo.0.started).await;

    assert_eq!(client.unary("panic").await.unwrap_err().code(), Code::Internal);
    let at_once = client.at("/test.Echo/PanicAtOnce", Request::new(String::new())).await;
    assert_eq!(at_once.unwrap_err().code(), Code::Internal);
    let mut panics_midway = client.count(Request::new("5001".to_owned())).await.unwrap();
    while let Some(counted) = soon(panics_midway.next()).await {
        let Ok(number) = counted else { break };
        assert_ne!(number, "5000");
    }

    echo.0.release.add_permits(1);
    assert_eq!(soon(call).await.unwrap().unwrap(), "wait");
    assert_eq!(running.stop().await.connections, 1);
}

#[tokio::test]
async fn a_request_knows_where_it_came_from_where_that_is_wanted() {
    let echo = Echo::default();
    let without = start(Limits::default(), &echo).await;
    client(&without).await.unary("hello").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = start_on(listener, Server::builder().peer_addresses(true), echo.clone());
    client(&running).await.unary("hello").await.unwrap();
    let peers = echo.0.peers.lock().unwrap();
    assert!(matches!(peers[..], [peer] if peer.ip().is_loopback() && peer.to_string() != running.address));
}

#[tokio::test]
async fn health_is_told_over_http1_on_the_same_port() {
    let health = HealthHandle::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = start_on(listener, Server::builder().health(&health), Echo::default());
    let address = &running.address;
    let answer = get(address, "GET /healthz").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("not serving\n"), "{answer}");
    health.set_serving();
    let answer = get(address, "GET /healthz").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\nserving\n"), "{answer}");
    assert!(get(address, "HEAD /healthz").await.ends_with("\r\n\r\n"));
    assert!(get(address, "GET /").await.contains("gRPC over HTTP/2"));
    assert!(get(address, "POST /healthz").await.starts_with("HTTP/1.1 405 "));
    assert!(get(address, "GET /elsewhere").await.starts_with("HTTP/1.1 404 "));
    let grpc =
        raw(address, b"POST /p.S/M HTTP/1.1\r\nhost: h\r\ncontent-type: application/grpc\r\nconnection: close\r\n\r\n");
    assert!(grpc.await.starts_with("HTTP/1.1 426 "));
    running.stop().await;
    assert!(!health.is_serving());
}
