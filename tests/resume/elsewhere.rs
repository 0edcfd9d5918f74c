//! Streams of channels over several addresses: every revision once and in order, wherever each part of it comes from.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use straddle::inventory::generated::v2_0_0;
use straddle::transport::{Balance, Beside, Channel, HealthHandle};
use straddle::wire::Body;
use tokio_stream::StreamExt;
use tower::ServiceExt;

use crate::relay::Relay;
use crate::seed::{rounds, seed_or};
use crate::serving::{quick, serve, soon};
use crate::watch::{drain, node, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_revision_is_seen_once_and_in_order_across_two_addresses() {
    let mut random = fastrand::Rng::with_seed(seed_or(12));
    let folder = tempfile::tempdir().expect("a folder");
    // One node under two addresses: two that count alike.
    let node = node("2.0.0", &folder);
    let gate = node.service().gate().clone();
    let mut sides = Vec::new();
    for _ in 0..2 {
        let health = HealthHandle::new();
        health.set_serving();
        let begun = Arc::new(AtomicUsize::new(0));
        let tally = begun.clone();
        let counted = node.service().map_request(move |request: http::Request<Body>| {
            tally.fetch_add(usize::from(request.uri().path().ends_with("/WatchItems")), Ordering::SeqCst);
            request
        });
        let served = serve(Beside::new(counted).health(&health)).await;
        let relay = Relay::to(served.address.clone()).await;
        sides.push((health, served, begun, relay));
    }
    let addresses = || sides.iter().map(|(.., relay)| relay.address.clone());
    let mut writer = v2_0_0::inventory_client(quick(Channel::owner(&sides[0].1.address)));
    let mut revisions = vec![write(&mut writer, 0).await];
    let (tell, last) = tokio::sync::watch::channel(None);
    let watching: Vec<_> = [Balance::RoundRobin, Balance::LeastLoaded, Balance::RoundRobin, Balance::LeastLoaded]
        .into_iter()
        .map(|balance| {
            let mut client = v2_0_0::inventory_client(quick(Channel::spread(addresses()).balance(balance)));
            let mut last: tokio::sync::watch::Receiver<Option<u64>> = last.clone();
            tokio::spawn(async move {
                let request = v2_0_0::WatchItemsRequest::default();
                let mut events = client.watch_items(request).await.expect("a stream").into_inner();
                let mut seen = Vec::new();
                loop {
                    seen.push(events.next().await.expect("it never ends").expect("it goes on").revision);
                    if last.borrow_and_update().is_some_and(|last| seen.last() >= Some(&last)) {
                        return seen;
                    }
                }
            })
        })
        .collect();
    let mut done = [0; 4];
    for number in 1..=rounds(400) as u64 {
        revisions.push(write(&mut writer, number).await);
        let (health, served, _, relay) = &sides[random.usize(..sides.len())];
        let what = random.usize(..32);
        match what {
            0 => drain(&gate).await,
            1 => relay.kill(),
            2 => served.connections.go_away(),
            3 if health.is_serving() => health.set_not_serving(),
            3 => health.set_serving(),
            _ => continue,
        }
        done[what] += 1;
    }
    // All watchers are there by now, or still on their way back; the last writes are for them.
    drain(&gate).await;
    revisions.push(write(&mut writer, 1_000_000).await);
    tell.send(revisions.last().copied()).expect("watchers");
    revisions.push(write(&mut writer, 1_000_001).await);
    let begun: Vec<_> = sides.iter().map(|(.., begun, _)| begun.load(Ordering::SeqCst)).collect();
    println!("drained, killed, told to go, health changed: {done:?}; streams begun at each: {begun:?}");
    assert!(begun.iter().all(|begun| *begun > 4), "{begun:?}");
    for watching in watching {
        let seen = soon(watching).await.expect("no panic");
        assert_eq!(seen, revisions[..seen.len()]);
        assert!(seen.len() >= revisions.len() - 1, "{} of {}", seen.len(), revisions.len());
    }
    assert!(done.iter().all(|count| *count > 0) && gate.ended_streams().drained > 0, "{done:?}");
    assert_eq!(gate.ended_streams().cut, 0);
}
