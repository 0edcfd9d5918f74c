//! Nodes that go, die and come back while they are called: no caller notices what it need not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use straddle::transport::{Balance, Channel, ChannelBuilder, Idempotent};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tonic::{Code, Request};

use crate::echo::{Client, soon};
use crate::fleet::{Node, Ran, addresses, fleet, quick};
use crate::seed::{rounds, seed_or};

/// Calls with texts that no other call has, until it is over.
struct Load {
    over: Arc<AtomicBool>,
    answered: Arc<Semaphore>,
    callers: Vec<JoinHandle<Called>>,
}

/// What became of one caller's calls.
#[derive(Default)]
struct Called {
    answered: Vec<String>,
    failed: Vec<(String, tonic::Status)>,
}

impl Load {
    fn new(client: &Client<Channel>, callers: usize, idempotent: impl Fn(usize) -> bool) -> Self {
        let (over, answered) = (Arc::<AtomicBool>::default(), Arc::new(Semaphore::new(0)));
        let callers = (0..callers).map(|caller| {
            let (client, over, answered) = (Client(client.0.clone()), over.clone(), answered.clone());
            let idempotent = idempotent(caller);
            tokio::spawn(async move {
                let mut called = Called::default();
                for number in 0.. {
                    if over.load(Ordering::SeqCst) {
                        break;
                    }
                    let kind = if idempotent { "idempotent" } else { "once" };
                    let text = format!("{kind} {caller} {number}");
                    let mut request = Request::new(text.clone());
                    if idempotent {
                        request.extensions_mut().insert(Idempotent);
                    }
                    match soon(client.at("/test.Echo/Unary", request)).await {
                        Ok(answer) => {
                            assert_eq!(answer, text);
                            answered.add_permits(1);
                            called.answered.push(text);
                        }
                        Err(status) => called.failed.push((text, status)),
                    }
                }
                called
            })
        });
        let callers = callers.collect();
        Self { over, answered, callers }
    }

    /// Waits until so many more calls were answered.
    async fn goes_on(&self, count: u32) {
        more(&self.answered, count).await;
    }

    async fn end(self) -> Called {
        self.over.store(true, Ordering::SeqCst);
        let mut all = Called::default();
        for caller in self.callers {
            let called = soon(caller).await.unwrap();
            all.answered.extend(called.answered);
            all.failed.extend(called.failed);
        }
        all
    }
}

/// Waits for so many permits from now on.
async fn more(semaphore: &Semaphore, count: u32) {
    semaphore.forget_permits(usize::MAX);
    soon(semaphore.acquire_many(count)).await.expect("never closed").forget();
}

/// A node takes calls again, while others do.
async fn takes_calls(node: &Node) {
    more(&node.echo.0.started, 1).await;
}

type Build = fn(Vec<String>) -> ChannelBuilder;

fn channels() -> [(&'static str, Build); 3] {
    [
        ("in turn", |addresses| Channel::spread(addresses).balance(Balance::RoundRobin)),
        ("least loaded", |addresses| Channel::spread(addresses).balance(Balance::LeastLoaded)),
        ("one at a time", Channel::any::<String>),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_nodes_do_in_good_order_fails_no_call_and_runs_none_twice() {
    let mut random = fastrand::Rng::with_seed(seed_or(21));
    for (name, channel) in channels() {
        let ran = Ran::default();
        let mut nodes = fleet::<3>(&ran).await;
        let client = quick(channel(addresses(&nodes)), random.u64(..));
        let load = Load::new(&client, 12, |caller| caller % 2 == 0);
        let mut done = [0; 3];
        for _ in 0..rounds(15) {
            load.goes_on(60).await;
            let node = random.usize(..nodes.len());
            let what = random.usize(..done.len());
            done[what] += 1;
            match what {
                0 => {
                    nodes[node].health.set_not_serving();
                    load.goes_on(60).await;
                    nodes[node].health.set_serving();
                }
                1 => nodes[node].connections().go_away(),
                _ => {
                    nodes[node].stop().await;
                    load.goes_on(60).await;
                    nodes[node].start_again();
                }
            }
            if name != "one at a time" {
                takes_calls(&nodes[node]).await;
            }
        }
        let called = load.end().await;
        let ran = ran.lock().unwrap();
        println!("{name}: {} calls; not serving, told to go, stopped: {done:?}", called.answered.len());
        assert!(called.failed.is_empty(), "{name}: {:?}", called.failed);
        for text in &called.answered {
            assert_eq!(ran[text], 1, "{name}: {text}");
        }
        assert_eq!(ran.len(), called.answered.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn nodes_that_are_killed_fail_no_idempotent_call_and_run_no_other_twice() {
    let mut random = fastrand::Rng::with_seed(seed_or(22));
    for (name, channel) in channels() {
        let ran = Ran::default();
        let mut nodes = fleet::<3>(&ran).await;
        let client = quick(channel(addresses(&nodes)), random.u64(..));
        let load = Load::new(&client, 12, |caller| caller % 2 == 0);
        for _ in 0..rounds(15) {
            load.goes_on(60).await;
            let node = random.usize(..nodes.len());
            nodes[node].kill().await;
            load.goes_on(60).await;
            nodes[node].start_again();
            if name != "one at a time" {
                takes_calls(&nodes[node]).await;
            }
        }
        let called = load.end().await;
        let ran = ran.lock().unwrap();
        println!("{name}: {} calls, of which {} may have run", called.answered.len(), called.failed.len());
        for (text, status) in &called.failed {
            assert!(text.starts_with("once"), "{name}: {text}: {status:?}");
            assert_eq!(status.code(), Code::Unavailable, "{name}: {text}: {status:?}");
            assert!(ran.get(text).is_none_or(|ran| *ran == 1), "{name}: {text} ran {} times", ran[text]);
        }
        for text in &called.answered {
            assert!(ran[text] == 1 || text.starts_with("idempotent"), "{name}: {text} ran {} times", ran[text]);
        }
    }
}
