//! A call that may have run is never made again, in whatever version.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use straddle::dispatch::Object;
use straddle::inventory::generated::{v1_1_0, v2_0_0};
use straddle::transport::Channel;
use tokio::sync::Notify;
use tonic::{Code, Status};

use crate::nodes::{OLD, channel, get, item, node, serve_seen, upsert};
use crate::relay::Relay;
use crate::serving::{quick, soon};

/// An object of 1.1.0 whose calls begin, and do not end.
struct Endless {
    begun: Arc<Notify>,
    count: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl v1_1_0::inventory_server::Inventory for Endless {
    async fn put_item(
        &self,
        _: tonic::Request<v1_1_0::PutItemRequest>,
    ) -> Result<tonic::Response<v1_1_0::PutItemResponse>, Status> {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.begun.notify_one();
        std::future::pending().await
    }

    async fn get_item(
        &self,
        request: tonic::Request<v1_1_0::GetItemRequest>,
    ) -> Result<tonic::Response<v1_1_0::Item>, Status> {
        if self.count.fetch_add(1, Ordering::SeqCst) < 2 {
            self.begun.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(tonic::Response::new(v1_1_0::Item { sku: request.into_inner().sku, ..Default::default() }))
    }
}

fn endless() -> (Object, Arc<Notify>, Arc<AtomicUsize>) {
    let (begun, count) = (Arc::new(Notify::new()), Arc::<AtomicUsize>::default());
    let object = Endless { begun: begun.clone(), count: count.clone() };
    (Object::of(v1_1_0::inventory_server::InventoryServer::new(object)), begun, count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_connection_is_lost_is_made_again_only_where_the_method_says_so() {
    let (object, begun, count) = endless();
    let (served, seen) = serve_seen(&node(OLD, object)).await;
    let relay = Relay::to(served.address.clone()).await;
    let mut client = v2_0_0::inventory_client(quick(Channel::owner(&relay.address)));
    let call = tokio::spawn({
        let mut client = client.clone();
        async move { client.upsert_item(upsert(item("anvil"), "1")).await }
    });
    soon(begun.notified()).await;
    relay.kill();
    let status = soon(call).await.expect("no panic").expect_err("it is lost");
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("may have run"), "{status:?}");
    assert_eq!((count.load(Ordering::SeqCst), seen.labels()), (1, vec!["2.0.0".to_owned(), "1.1.0".to_owned()]));

    let call = tokio::spawn(async move { client.get_item(get("anvil")).await });
    soon(begun.notified()).await;
    relay.kill();
    assert_eq!(soon(call).await.expect("no panic").expect("an item").into_inner().sku, "anvil");
    assert_eq!(seen.labels(), ["2.0.0", "1.1.0", "2.0.0", "1.1.0"], "nothing is known over a new connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_and_the_metadata_of_a_call_go_with_it() {
    let (object, _, count) = endless();
    let (served, seen) = serve_seen(&node(OLD, object)).await;
    let mut client = v2_0_0::inventory_client(channel(&served));
    let mut request = tonic::Request::new(upsert(item("anvil"), "1"));
    request.set_timeout(Duration::from_secs(3));
    request.metadata_mut().insert("x-who", "me".parse().expect("a value"));
    let status = soon(client.upsert_item(request)).await.expect_err("it is over");
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let seen = seen.take();
    assert_eq!(seen.len(), 2);
    for (path, said) in seen {
        assert!(said.contains_key("grpc-timeout") && said["x-who"] == "me", "{path}: {said:?}");
    }
}
