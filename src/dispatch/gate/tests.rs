use std::task::{Context, Waker};
use std::time::Duration;

use futures_like::poll_once;

use super::*;

/// Polls a future once, without a waker.
mod futures_like {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    pub(super) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }
}

#[tokio::test]
async fn a_gate_that_is_shut_lets_nobody_in_until_it_opens() {
    let gate = Gate::default();
    drop(gate.enter().expect("it is open"));
    gate.shut();
    assert!(gate.enter().is_none());
    assert_eq!(gate.inside(), 0, "who was turned away is not inside");
    let mut waiting = gate.wait().unwrap();
    assert!(poll_once(&mut waiting).is_pending());
    assert_eq!(gate.waiting(), 1);
    gate.open();
    let inside = waiting.await;
    assert_eq!((gate.inside(), gate.waiting()), (1, 0));
    drop(inside);
    assert_eq!(gate.inside(), 0);
}

#[tokio::test]
async fn an_opening_before_the_first_poll_is_not_missed() {
    let gate = Gate::default();
    gate.shut();
    let waiting = gate.wait().unwrap();
    gate.open();
    drop(tokio::time::timeout(Duration::from_secs(5), waiting).await.expect("the gate is open"));
}

#[tokio::test]
async fn who_is_told_of_an_opening_and_comes_too_late_waits_for_the_next() {
    let gate = Gate::default();
    gate.shut();
    let mut waiting = gate.wait().unwrap();
    assert!(poll_once(&mut waiting).is_pending());
    gate.open();
    gate.shut();
    assert!(poll_once(&mut waiting).is_pending());
    gate.open();
    drop(tokio::time::timeout(Duration::from_secs(5), waiting).await.expect("the gate is open"));
}

#[test]
fn no_more_wait_than_may() {
    let gate = Gate::with_most_waiting(2);
    gate.shut();
    let (one, _other) = (gate.wait().unwrap(), gate.wait().unwrap());
    assert!(gate.wait().err().expect("two wait").to_string().starts_with("2 calls wait"));
    drop(one);
    assert!(gate.wait().is_ok());
}

#[test]
fn a_cut_ends_the_streams_that_are_inside_and_none_that_come_later() {
    let gate = Gate::default();
    let inside = gate.enter().unwrap();
    let before = gate.ended_streams();
    let stream = inside.stream(false, None, None);
    gate.cut_streams();
    let later = inside.stream(false, None, None);
    let waking = Context::from_waker(Waker::noop());
    assert_eq!((stream.is_asked(&waking), later.is_asked(&waking)), (Some(How::Cut), None));
    assert_eq!(gate.ended_streams().since(before), EndedStreams { drained: 0, cut: 1 });
}

/// Calls go in and out on many threads while the gate is shut and opened; whenever it is empty, nobody is inside.
#[test]
fn whoever_waits_for_the_gate_to_be_empty_meets_nobody_inside() {
    const CALLS: usize = 5_000;
    const TASKS: usize = 8;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    runtime.block_on(async {
        let gate = Gate::default();
        let within = Arc::new(AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..TASKS {
            let (gate, within) = (gate.clone(), within.clone());
            tasks.spawn(async move {
                for _ in 0..CALLS {
                    let inside = match gate.enter() {
                        Some(inside) => inside,
                        None => gate.wait().expect("few wait").await,
                    };
                    within.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    within.fetch_sub(1, Ordering::SeqCst);
                    drop(inside);
                }
            });
        }
        let mut empty = 0;
        while !tasks.is_empty() {
            gate.shut();
            gate.is_empty().await;
            for _ in 0..10 {
                assert_eq!(within.load(Ordering::SeqCst), 0, "somebody is inside an empty gate");
                tokio::task::yield_now().await;
            }
            empty += 1;
            gate.open();
            tokio::task::yield_now().await;
            while let Some(done) = tasks.try_join_next() {
                done.expect("no panic");
            }
        }
        assert!(empty > 1, "it was shut {empty} times");
        assert_eq!((gate.inside(), gate.waiting()), (0, 0));
    });
}
