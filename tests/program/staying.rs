//! Nodes that could not be handed over, and serve on.

use std::sync::Arc;
use std::time::Duration;

use straddle::inventory::clock::{Clock, SystemClock};
use straddle::inventory::inventory_node;
use straddle::node::{HandOver, MoveError, Node, Rollback};
use tokio::net::TcpListener;

use crate::load::{client, has, put};
use crate::raw::{End, REFUSED_STREAM, Raw};

async fn start(state: &tempfile::TempDir, limit: Duration) -> (Node, String) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let builder = inventory_node(state.path(), &clock).stream_grace(Duration::from_millis(1)).call_limit(limit);
    let node = builder.start().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(node.serve(listener, std::future::pending()).unwrap());
    (node, address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_does_not_end_keeps_the_node_which_serves_on() {
    for back in [false, true] {
        let state = tempfile::tempdir().unwrap();
        let (node, address) = start(&state, Duration::from_millis(200)).await;
        if back {
            node.upgrade(&"2.0.0".parse().unwrap()).await.unwrap();
        }
        let (sender, receiver) = std::sync::mpsc::channel();
        let (told, heard) = tokio::sync::oneshot::channel();
        let connecting = address.clone();
        let peer = std::thread::spawn(move || {
            let mut raw = Raw::connect(&connecting);
            raw.begin(1, "PutItem");
            told.send(()).unwrap();
            receiver.recv().unwrap();
            raw.told_to_go_away();
            // It waited for nothing, and is answered as ever.
            raw.finish(1, &prost::Message::encode_to_vec(&put("late")));
            raw.end_of(1)
        });
        heard.await.unwrap();
        while node.status().calls.0 == 0 {
            tokio::task::yield_now().await;
        }
        let error = node.hand_over(HandOver { back, accept_loss: None }).await.unwrap_err();
        assert!(matches!(&error, MoveError::Failed { why, .. } if why.contains("1 call did not end")), "{error}");
        sender.send(()).unwrap();
        assert_eq!(peer.join().unwrap(), End::Answered);

        let mut client = client(&address);
        client.put_item(put("anvil")).await.unwrap();
        assert!(has(&mut client, "late").await);
        assert_eq!(node.version(), if back { "2.0.0" } else { "1.1.0" }.parse().unwrap());
        // And it can still be moved, and handed over in the end.
        if back {
            node.rollback(Rollback::default()).await.unwrap();
        } else {
            node.upgrade(&"2.0.0".parse().unwrap()).await.unwrap();
        }
        assert!(has(&mut client, "anvil").await);
        node.hand_over(HandOver::default()).await.unwrap();
        node.handed_over().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_handed_over_leaves_its_state_to_others_and_begins_nothing_any_more() {
    let state = tempfile::tempdir().unwrap();
    let (node, address) = start(&state, Duration::from_secs(60)).await;
    let mut raw = tokio::task::spawn_blocking(move || {
        let mut raw = Raw::connect(&address);
        raw.begin(1, "GetItem");
        raw.finish(1, b"");
        raw.end_of(1);
        raw
    })
    .await
    .unwrap();
    node.hand_over(HandOver::default()).await.unwrap();
    assert!(matches!(node.hand_over(HandOver::default()).await, Err(MoveError::NoWay { .. })));
    assert!(node.upgrade(&"2.0.0".parse().unwrap()).await.is_err());
    let end = tokio::task::spawn_blocking(move || {
        raw.begin(3, "GetItem");
        raw.finish(3, b"");
        raw.end_of(3)
    });
    assert_eq!(end.await.unwrap(), REFUSED_STREAM);
    let (next, _) = start(&state, Duration::from_secs(60)).await;
    assert_eq!(next.version(), "1.1.0".parse().unwrap());
}
