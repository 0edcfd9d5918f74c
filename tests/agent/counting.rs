//! Calls as they are reported.

use std::collections::BTreeMap;

use straddle::control::v1_0_0 as wire;
use straddle::inventory::generated::{v1_1_0, v2_0_0};

use crate::coordinator::Coordinator;
use crate::nodes::{ServedNode, inventory};

/// Version, whether unlabelled, method: answered, failed, refused, how many latencies.
type Counts = BTreeMap<(String, bool, String), [u64; 4]>;

async fn counted(coordinator: &mut Coordinator, calls: u64) -> Counts {
    let mut counts = Counts::new();
    while counts.values().map(|[answered, failed, refused, _]| answered + failed + refused).sum::<u64>() < calls {
        let report = coordinator.report(|report| !report.calls.is_empty()).await;
        for wire::Calls { version, unlabelled, method, answered, failed, refused, latency, node_version } in
            report.calls
        {
            assert_eq!(node_version, "1.1.0");
            let method = method.rsplit('.').next().unwrap().to_owned();
            let sum = counts.entry((version, unlabelled, method)).or_default();
            let more = [answered, failed, refused, latency.iter().sum()];
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
    }
    counts
}

#[tokio::test]
async fn calls_are_told_by_version_method_and_outcome_and_refusals_apart_from_failures() {
    let mut coordinator = Coordinator::start().await;
    let state = tempfile::tempdir().unwrap();
    let node = ServedNode::serve(inventory(&coordinator, state.path()).await).await;
    coordinator.hello().await;
    coordinator.welcome(true);
    let mut old = v1_1_0::inventory_client(node.channel());
    let mut new = v2_0_0::inventory_client(node.channel());
    // Of no label: it is taken for 1.0.0.
    let mut plain = v1_1_0::inventory_client::InventoryClient::new(node.channel());
    let item = v1_1_0::Item { sku: "anvil".into(), name: "Anvil".into(), price: 1.0, ..Default::default() };
    let put = |id: &str| v1_1_0::PutItemRequest { item: Some(item.clone()), request_id: id.into() };
    for id in ["1", "2", "3"] {
        old.put_item(put(id)).await.expect("it is put");
    }
    old.get_item(v1_1_0::GetItemRequest { sku: "none".into() }).await.unwrap_err();
    plain.get_item(v1_1_0::GetItemRequest { sku: "anvil".into() }).await.expect("an item");
    new.get_item(v2_0_0::GetItemRequest { sku: "anvil".into() }).await.expect("an item");
    let yen = v2_0_0::Item {
        sku: "anvil".into(),
        name: "Anvil".into(),
        price: Some(v2_0_0::Money { currency_code: "JPY".into(), units: 100, nanos: 0 }),
        ..Default::default()
    };
    new.upsert_item(v2_0_0::UpsertItemRequest { item: Some(yen), request_id: "4".into() }).await.unwrap_err();
    let mut items = old.list_items(v1_1_0::ListItemsRequest::default()).await.expect("a stream").into_inner();
    while items.message().await.expect("an item").is_some() {}

    let counts = counted(&mut coordinator, 8).await;
    let expected: [(&str, bool, &str, [u64; 4]); 6] = [
        ("1.0.0", true, "GetItem", [1, 0, 0, 1]),
        ("1.1.0", false, "GetItem", [0, 1, 0, 1]),
        ("1.1.0", false, "ListItems", [1, 0, 0, 0]),
        ("1.1.0", false, "PutItem", [3, 0, 0, 3]),
        ("2.0.0", false, "GetItem", [1, 0, 0, 1]),
        ("2.0.0", false, "UpsertItem", [0, 0, 1, 0]),
    ];
    let expected = expected
        .map(|(version, unlabelled, method, counts)| ((version.to_owned(), unlabelled, method.to_owned()), counts));
    assert_eq!(counts, expected.into());
    node.stop().await;
}
