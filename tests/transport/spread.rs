//! Channels over several nodes: which of them a call goes to.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use straddle::transport::{Backoff, Balance, Channel, ChannelBuilder, Limits, Server};
use straddle::wire::Body;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tonic::Code;

use crate::echo::{Client, Echo, soon, start, start_on, take};
use crate::fleet::{Node, Ran, addresses, fleet, quick, until_all_are_called, until_it_is_left_alone};
use crate::scripted::Closed;

const SHORT: Duration = Duration::from_millis(100);

/// Whoever waits for it is never done.
const NEVER: Duration = Duration::from_secs(10_000);

#[tokio::test]
async fn calls_go_to_all_nodes_in_turn() {
    let nodes = fleet::<3>(&Ran::default()).await;
    let client = quick(Channel::spread(addresses(&nodes)), 1);
    until_all_are_called(&client, &nodes.each_ref()).await;
    let before = nodes.each_ref().map(Node::calls);
    for number in 0..30 {
        client.unary(&number.to_string()).await.unwrap();
    }
    assert_eq!(nodes.each_ref().map(Node::calls), before.map(|calls| calls + 10));
    assert_eq!(nodes.each_ref().map(|node| node.connections().open()), [1, 1, 1]);
}

#[tokio::test]
async fn the_idle_node_is_preferred() {
    let nodes = fleet::<3>(&Ran::default()).await;
    let client = quick(Channel::spread(addresses(&nodes)).balance(Balance::LeastLoaded), 1);
    // Any of those that are idle: all of them, in the end.
    until_all_are_called(&client, &nodes.each_ref()).await;
    let before = nodes.each_ref().map(Node::calls);
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let client = Client(client.0.clone());
        let begun = nodes.each_ref().map(Node::calls);
        waiting.push(tokio::spawn(async move { client.unary("wait").await }));
        soon(async {
            while nodes.each_ref().map(Node::calls) == begun {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    assert_eq!(nodes.each_ref().map(Node::calls), before.map(|calls| calls + 1), "one for each");

    nodes[1].echo.0.release.add_permits(1);
    soon(async {
        while waiting.iter().all(|call| !call.is_finished()) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let before = nodes.each_ref().map(Node::calls);
    for number in 0..20 {
        client.unary(&number.to_string()).await.unwrap();
    }
    assert_eq!(nodes.each_ref().map(Node::calls), [before[0], before[1] + 20, before[2]]);
    for node in &nodes {
        node.echo.0.release.add_permits(1);
    }
    for call in waiting {
        assert_eq!(soon(call).await.unwrap().unwrap(), "wait");
    }
}

#[tokio::test]
async fn who_does_not_serve_keeps_its_calls_and_gets_no_more_until_it_serves_again() {
    for builder in [Channel::spread, Channel::any::<String>] as [fn(Vec<String>) -> ChannelBuilder; 2] {
        let nodes = fleet::<2>(&Ran::default()).await;
        let client = quick(builder(addresses(&nodes)), 1);
        let calling = Client(client.0.clone());
        let waiting = tokio::spawn(async move { calling.unary("wait").await });
        let busy = soon(async {
            loop {
                match nodes.iter().position(|node| node.calls() > 0) {
                    Some(busy) => return busy,
                    None => tokio::task::yield_now().await,
                }
            }
        })
        .await;
        nodes[busy].health.set_not_serving();
        until_it_is_left_alone(&client, &nodes[busy]).await;
        let before = nodes[busy].calls();
        for number in 0..50 {
            client.unary(&number.to_string()).await.unwrap();
        }
        assert_eq!(nodes[busy].calls(), before);
        assert!(!waiting.is_finished());
        nodes[busy].echo.0.release.add_permits(1);
        assert_eq!(soon(waiting).await.unwrap().unwrap(), "wait");

        nodes[busy].health.set_serving();
        nodes[1 - busy].health.set_not_serving();
        until_all_are_called(&client, &[&nodes[busy]]).await;
        until_it_is_left_alone(&client, &nodes[1 - busy]).await;
    }
}

#[tokio::test]
async fn the_health_of_a_named_service_is_watched_where_that_is_said() {
    let nodes = fleet::<2>(&Ran::default()).await;
    nodes[0].health.set_service("test.Echo", true);
    // Nobody knows of it there, which counts as not serving; the node as a whole does serve.
    let client = quick(Channel::spread(addresses(&nodes)).health_service("test.Echo"), 1);
    until_it_is_left_alone(&client, &nodes[1]).await;
    nodes[1].health.set_service("test.Echo", true);
    until_all_are_called(&client, &[&nodes[1]]).await;
}

#[tokio::test]
async fn health_is_not_watched_where_that_is_said_or_where_there_is_one_address() {
    let node = Node::start(&Ran::default()).await;
    node.health.set_not_serving();
    let closed = Closed::new();
    let several = [node.address.clone(), closed.address.clone()];
    for builder in [Channel::owner(&node.address), Channel::spread(several).watch_health(false)] {
        let client = quick(builder, 1);
        assert_eq!(soon(client.unary("hello")).await.unwrap(), "hello");
    }
}

#[tokio::test]
async fn when_nobody_else_is_up_who_does_not_serve_is_called_all_the_same() {
    let node = Node::start(&Ran::default()).await;
    node.health.set_not_serving();
    let closed = Closed::new();
    for builder in [Channel::spread, Channel::any] {
        let client = quick(builder([&closed.address, &node.address]), 1);
        assert_eq!(soon(client.unary("hello")).await.unwrap(), "hello");
    }
}

#[tokio::test]
async fn who_tells_nothing_of_its_health_counts_as_serving() {
    let (one, two) = (Echo::default(), Echo::default());
    let running = [start(Limits::default(), &one).await, start(Limits::default(), &two).await];
    let client = quick(Channel::spread(running.each_ref().map(|running| running.address.clone())), 1);
    let called = |echo: &Echo| echo.0.ran.load(std::sync::atomic::Ordering::SeqCst);
    soon(async {
        while called(&one) == 0 || called(&two) == 0 {
            client.unary("hello").await.unwrap();
        }
    })
    .await;
    let before = [called(&one), called(&two)];
    for _ in 0..10 {
        client.unary("hello").await.unwrap();
    }
    assert_eq!([called(&one), called(&two)], before.map(|calls| calls + 5));
}

/// Answers all but questions after its health, which it takes and keeps.
#[derive(Clone)]
struct Silent(Echo);

impl tower_service::Service<http::Request<Body>> for Silent {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() == "/grpc.health.v1.Health/Watch" {
            return Box::pin(std::future::pending());
        }
        self.0.call(request)
    }
}

#[tokio::test]
async fn who_never_answers_for_its_health_is_called_when_nobody_else_is_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let echo = Echo::default();
    let silent = start_on(listener, Server::builder(), Silent(echo.clone()));
    let mut node = Node::start(&Ran::default()).await;
    let builder = Channel::spread([&silent.address, &node.address]).connect_timeout(SHORT);
    let client = quick(builder, 1);
    for number in 0..50 {
        client.unary(&number.to_string()).await.unwrap();
    }
    assert_eq!((node.calls(), echo.0.ran.load(std::sync::atomic::Ordering::SeqCst)), (50, 0));
    node.stop().await;
    assert_eq!(soon(client.unary("hello")).await.unwrap(), "hello");
    assert_eq!(echo.0.ran.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn when_all_are_down_a_call_waits_and_the_first_that_comes_up_is_called() {
    let (one, two) = (Closed::new(), Closed::new());
    let client = quick(Channel::spread([&one.address, &two.address]), 1);
    let mut call = tokio::spawn(async move { client.unary("hello").await });
    assert!(tokio::time::timeout(SHORT, &mut call).await.is_err(), "nobody is up");
    let running = start_on(two.open(), Server::builder(), Echo::default());
    assert_eq!(soon(call).await.unwrap().unwrap(), "hello");
    drop(running);
}

#[tokio::test]
async fn when_all_are_down_the_status_says_of_each_address_what_was_wrong_with_it_last() {
    let closed = [Closed::new(), Closed::new()];
    let closing = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hung_up = closing.local_addr().unwrap().to_string();
    tokio::spawn(async move { while closing.accept().await.is_ok() {} });
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let never_heard = silent.local_addr().unwrap().to_string();
    let all = [&closed[0].address, &closed[1].address, &hung_up, &never_heard];
    for builder in [Channel::spread, Channel::any] {
        let client = quick(builder(all).connect_timeout(SHORT * 5).wait_limit(SHORT * 30), 1);
        let status = soon(client.unary("hello")).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        let says = |address: &str, why: &str| {
            let said = status.message().split(&format!("{address}: ")).nth(1);
            assert!(
                said.is_some_and(|said| said.split(", and ").next().unwrap().contains(why)),
                "{address}: {status:?}"
            );
        };
        for closed in &closed {
            says(&closed.address, "refused");
        }
        says(&hung_up, "closed");
        says(&never_heard, "no connection within 500ms");
        assert!(status.message().contains("the call has not run"), "{status:?}");
    }
}

#[tokio::test]
async fn what_certainly_did_not_run_goes_to_another_node_without_a_wait() {
    let refusing = crate::not_begun::HandingOver::new(usize::MAX);
    let refusing_at = refusing.start().await;
    let node = Node::start(&Ran::default()).await;
    let backoff = Backoff { base: NEVER, cap: NEVER, ..Backoff::default() };
    for builder in [Channel::spread, Channel::any] {
        let builder = builder([&refusing_at.address, &node.address]);
        let client = Client(builder.backoff(backoff).seed(1).build().unwrap());
        for number in 0..20 {
            assert_eq!(soon(client.unary(&number.to_string())).await.unwrap(), number.to_string());
        }
    }
    assert!(refusing.refused() >= 2, "{}", refusing.refused());
    assert_eq!(node.calls(), 40);
}

#[tokio::test]
async fn who_is_refused_everywhere_backs_off() {
    let refusing = crate::not_begun::HandingOver::new(usize::MAX);
    let running = [refusing.start().await, refusing.start().await];
    for builder in [Channel::spread, Channel::any] {
        let before = refusing.refused();
        let addresses = running.each_ref().map(|running| running.address.clone());
        let client = quick(builder(addresses).wait_limit(SHORT * 10), 1);
        let status = soon(client.unary("hello")).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        // Twice as many as of one node, whose waits are 2, 3, 5, 8, 13, 20 ms and so on, less their jitter.
        let asked = refusing.refused() - before;
        assert!((4..=180).contains(&asked), "{asked} attempts");
    }
}

#[tokio::test]
async fn a_connection_that_is_told_to_go_away_is_closed_though_its_health_is_watched() {
    let nodes = fleet::<2>(&Ran::default()).await;
    let client = quick(Channel::spread(addresses(&nodes)), 1);
    until_all_are_called(&client, &nodes.each_ref()).await;
    nodes[0].connections().go_away();
    soon(async {
        while nodes[0].connections().open() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Nobody has called in between; who calls now connects anew.
    until_all_are_called(&client, &nodes.each_ref()).await;
}

#[tokio::test]
async fn a_watch_of_health_keeps_no_shutdown_up_even_where_health_is_not_told_to_end() {
    let health = straddle::transport::HealthHandle::new();
    health.set_serving();
    let other = Closed::new();
    let service = straddle::transport::Beside::new(Echo::default()).health(&health);
    let running = start_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), Server::builder(), service);
    let client = quick(Channel::spread([&running.address, &other.address]), 1);
    assert_eq!(client.unary("hello").await.unwrap(), "hello");
    // Far less than `Limits::shutdown`.
    assert_eq!(running.stop().await.cut, 0);
    drop(client);
}

#[tokio::test]
async fn nothing_is_left_of_a_channel_that_is_dropped() {
    let nodes = fleet::<3>(&Ran::default()).await;
    let closed = Closed::new();
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let all: Vec<String> = addresses(&nodes).into_iter().chain([closed.address.clone()]).collect();
    for builder in [Channel::spread, Channel::any::<String>] as [fn(Vec<String>) -> ChannelBuilder; 2] {
        let client = quick(builder(all.clone()), 1);
        for number in 0..20 {
            client.unary(&number.to_string()).await.unwrap();
        }
        assert!(tasks() > before);
        drop(client);
        soon(async {
            while tasks() > before || nodes.iter().any(|node| node.connections().open() > 0) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_counts_as_load_no_longer() {
    let nodes = fleet::<2>(&Ran::default()).await;
    let client = quick(Channel::spread(addresses(&nodes)).balance(Balance::LeastLoaded), 1);
    nodes[1].health.set_not_serving();
    until_it_is_left_alone(&client, &nodes[1]).await;
    let begun = nodes[0].calls();
    let hanging: Vec<_> = (0..5)
        .map(|_| {
            let client = Client(client.0.clone());
            tokio::spawn(async move { client.unary("hang").await })
        })
        .collect();
    soon(async {
        while nodes[0].calls() < begun + 5 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for call in hanging {
        call.abort();
        assert!(call.await.expect_err("it hung").is_cancelled());
        take(&nodes[0].echo.0.dropped).await;
    }
    nodes[1].health.set_serving();
    until_all_are_called(&client, &[&nodes[1]]).await;
    // Did the dropped ones still count, all of these would go to the other node.
    let begun = nodes.each_ref().map(Node::calls);
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let client = Client(client.0.clone());
            tokio::spawn(async move { client.unary("wait").await })
        })
        .collect();
    soon(async {
        while nodes.each_ref().map(Node::calls) != begun.map(|calls| calls + 2) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for node in &nodes {
        node.echo.0.release.add_permits(2);
    }
    for call in waiting {
        assert_eq!(soon(call).await.unwrap().unwrap(), "wait");
    }
}
