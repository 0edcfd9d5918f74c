//! Peers that are told to go away by a server that goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use straddle::transport::{Backoff, Channel, Connections, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::echo::{Client, Echo, soon, start, take, tonic_channel};

fn owner(address: &str) -> Client<Channel> {
    let backoff = Backoff { base: Duration::from_millis(5), cap: Duration::from_millis(20), ..Backoff::default() };
    Client(Channel::owner(address).backoff(backoff).attempts_per_second(100_000).seed(1).build().unwrap())
}

async fn until_open(connections: &Connections, wanted: usize) {
    let reached = async {
        while connections.open() != wanted {
            tokio::task::yield_now().await;
        }
    };
    soon(reached).await;
}

#[tokio::test]
async fn running_calls_finish_and_new_ones_come_over_a_new_connection() {
    let echo = Echo::default();
    let running = start(Limits::default(), &echo).await;
    let client = owner(&running.address);
    let waiting = Client(client.0.clone());
    let call = tokio::spawn(async move { waiting.unary("wait").await });
    take(&echo.0.started).await;
    assert_eq!(running.connections.open(), 1);

    running.connections.go_away();
    // Whoever has not heard of it yet may still call over the connection before.
    while running.connections.open() == 1 {
        assert_eq!(soon(client.unary("hello")).await.unwrap(), "hello");
    }
    assert!(!call.is_finished());
    echo.0.release.add_permits(1);
    assert_eq!(soon(call).await.unwrap().unwrap(), "wait");
    until_open(&running.connections, 1).await;
    // The one that came after is not concerned.
    assert_eq!(soon(client.unary("hello")).await.unwrap(), "hello");
    assert_eq!(running.stop().await.connections, 2);
}

#[tokio::test]
async fn connections_without_a_call_are_closed_and_so_are_those_that_have_not_spoken() {
    let limits = Limits { handshake_timeout: Duration::from_millis(50), ..Limits::default() };
    let running = start(limits, &Echo::default()).await;
    let mut silent = TcpStream::connect(&running.address).await.unwrap();
    let idle = Client(tonic_channel(&running.address).await);
    idle.unary("hello").await.unwrap();
    until_open(&running.connections, 2).await;
    running.connections.go_away();
    until_open(&running.connections, 0).await;

    let mut rest = Vec::new();
    // That it was closed counts, and not how.
    let _ = soon(silent.write_all(b"PRI * HTTP/2.0\r\n")).await;
    let _ = soon(silent.read_to_end(&mut rest)).await;
    // tonic's own channel connects anew.
    idle.unary("hello").await.unwrap();
    assert_eq!(running.stop().await.connections, 3);
}

#[tokio::test]
async fn whom_nobody_told_before_may_be_told_when_its_protocol_is_known() {
    let running = start(Limits::default(), &Echo::default()).await;
    let mut late = TcpStream::connect(&running.address).await.unwrap();
    until_open(&running.connections, 1).await;
    running.connections.go_away();
    late.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut said = Vec::new();
    // Its GOAWAY asks for an acknowledgement, which never comes.
    let heard = async {
        while !said.windows(4).any(|frame| frame == [8, 7, 0, 0]) {
            assert_ne!(late.read_buf(&mut said).await.unwrap(), 0, "no GOAWAY in {said:?}");
        }
    };
    soon(heard).await;
    drop(late);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn under_load_no_call_is_lost_and_none_runs_twice() {
    let echo = Echo::default();
    let running = start(Limits::default(), &echo).await;
    let client = owner(&running.address);
    let over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..16)
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
    for _ in 0..30 {
        soon(echo.0.started.acquire_many(100)).await.unwrap().forget();
        running.connections.go_away();
    }
    over.store(true, Ordering::SeqCst);
    let mut answered = 0;
    for caller in callers {
        answered += soon(caller).await.unwrap();
    }
    assert_eq!(echo.0.ran.load(Ordering::SeqCst), answered);
    assert!(running.stop().await.connections > 10);
}

/// Headers as HPACK's literals, none of which is remembered (RFC 7541 §6.2.2).
fn headers(path: &str) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "test"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A call, as gRPC's C core begins it: the window comes between headers and message.
fn call(stream: u8, text: &[u8]) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    [
        frame(1, 4, stream, &headers("/test.Echo/Unary")),
        frame(8, 0, stream, &[0, 0, 0, 5]),
        frame(0, 1, stream, &[&[0, 0, 0, 0, length + 2, 0x0a, length], text].concat()),
    ]
    .concat()
}

#[tokio::test]
async fn a_call_that_came_too_late_costs_no_other_one() {
    let echo = Echo::default();
    let running = start(Limits::default(), &echo).await;
    let mut peer = TcpStream::connect(&running.address).await.unwrap();
    let said = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[]), call(1, b"wait")].concat();
    peer.write_all(&said).await.unwrap();
    take(&echo.0.started).await;
    running.connections.go_away();

    let (mut goes, mut statuses) = (Vec::new(), 0);
    while statuses == 0 {
        let mut head = [0; 9];
        soon(peer.read_exact(&mut head)).await.unwrap();
        let [_, a, b, kind, flags, _, _, _, stream] = head;
        let mut payload = vec![0; usize::from(a) << 8 | usize::from(b)];
        soon(peer.read_exact(&mut payload)).await.unwrap();
        match kind {
            // So the server knows which call was the last.
            6 if flags == 0 => peer.write_all(&frame(6, 1, 0, &payload)).await.unwrap(),
            7 => {
                goes.push([payload[3], payload[7]]);
                if goes.len() == 2 {
                    // Nobody has read that yet; and the call that runs is answered only when this came.
                    let late = [call(3, b"hello"), call(5, b"hello"), frame(6, 0, 0, b"question")].concat();
                    peer.write_all(&late).await.unwrap();
                }
            }
            6 => echo.0.release.add_permits(1),
            // Its trailers.
            1 if flags & 1 != 0 => {
                assert_eq!(stream, 1);
                statuses += 1;
            }
            _ => {}
        }
    }
    assert_eq!(goes, [[255, 0], [1, 0]], "the last stream, and the error, of each GOAWAY");
    assert_eq!(echo.0.ran.load(Ordering::SeqCst), 1);
    drop(peer);
    running.stop().await;
}
