//! The inventory over real connections: 1.0.0 retired on a node that runs 3.0.0.

use std::sync::Arc;

use straddle::inventory::clock::{Clock, SystemClock};
use straddle::inventory::generated::{v1_0_0 as v1_0, v1_1_0 as v1, v3_0_0 as v3};
use straddle::inventory::inventory_node;
use straddle::retiring::{Notice, Retiring};
use straddle::transport::Channel;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::{assert_retired, up_to, version};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_version_is_retired_on_a_node_that_runs_the_third() {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let start =
        || async { inventory_node(folder.path(), &clock).start().await.unwrap_or_else(|error| panic!("{error}")) };
    let node = start().await;
    for to in ["2.0.0", "3.0.0"] {
        node.upgrade(&version(to)).await.unwrap();
        node.finalize().await.unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = node.serve(listener, async move { drop(stopped.await) }).unwrap();
    let channel = Channel::owner(serving.local_addr().to_string()).build().unwrap();
    let served = tokio::spawn(serving);

    let put = |request_id: &str| v1_0::PutItemRequest {
        request_id: request_id.to_owned(),
        item: Some(v1_0::Item { sku: "anvil".into(), name: "Anvil".into(), stock: 3, ..Default::default() }),
    };
    let mut oldest = v1_0::inventory_client(channel.clone());
    oldest.put_item(put("0")).await.expect("it is served");
    // What comes next is announced first.
    let notice = Notice::of(version("1.1.0")).deprecated_since(1_790_000_000);
    node.retire(up_to("1.0.0").notice(notice)).await.unwrap();
    assert_retired(&oldest.put_item(put("1")).await.unwrap_err(), "1.1.0..=3.0.0");
    let get = || v1::GetItemRequest { sku: "anvil".into() };
    let answer = v1::inventory_client(channel.clone()).get_item(get()).await.expect("1.1.0 is served");
    assert_eq!(answer.metadata().get("deprecation").expect("a header"), "@1790000000");
    let newest = v3::inventory_client(channel.clone())
        .get_item(v3::GetItemRequest { sku: "anvil".into() })
        .await
        .expect("3.0.0 is served");
    assert!(newest.metadata().get("deprecation").is_none());

    node.retire(up_to("2.0.0")).await.unwrap();
    assert_retired(&v1::inventory_client(channel.clone()).get_item(get()).await.unwrap_err(), "3.0.0..=3.0.0");
    node.retire(Retiring::default()).await.unwrap();
    oldest.put_item(put("2")).await.expect("it is served again");
    stop.send(()).unwrap();
    served.await.unwrap();
    assert_eq!(start().await.status().retired.expect("it was told").in_force, Retiring::default());
}
