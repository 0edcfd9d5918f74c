//! Callers that go on while programs are replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use straddle::inventory::generated::v1_1_0 as v1;
use straddle::transport::Channel;
use tokio::task::JoinSet;

pub(crate) type Client = v1::inventory_client::InventoryClient<straddle::transport::Labelled<Channel>>;

pub(crate) fn client(address: &str) -> Client {
    v1::inventory_client(Channel::owner(address).build().expect("a channel"))
}

pub(crate) fn put(sku: &str) -> v1::PutItemRequest {
    let item = v1::Item { sku: sku.to_owned(), name: sku.to_owned(), price: 1.5, stock: 3, ..Default::default() };
    v1::PutItemRequest { item: Some(item), request_id: format!("put {sku}") }
}

/// Whether an item is there.
pub(crate) async fn has(client: &mut Client, sku: &str) -> bool {
    match client.get_item(v1::GetItemRequest { sku: sku.to_owned() }).await {
        Ok(item) => item.into_inner().stock == 3,
        Err(status) if status.code() == tonic::Code::NotFound => false,
        Err(status) => panic!("{status:?}"),
    }
}

/// Writers on connections that they keep, and readers that connect anew for each call.
pub(crate) struct Load {
    tasks: JoinSet<(Vec<String>, Vec<String>)>,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
}

impl Load {
    pub(crate) fn begin(address: &str) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for task in 0..4 {
            let (address, stop, done) = (address.to_owned(), stop.clone(), done.clone());
            tasks.spawn(async move {
                let (mut kept, mut failed) = (Vec::new(), Vec::new());
                let mut writer = client(&address);
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let sku = format!("item-{task}-{number}");
                    match writer.put_item(put(&sku)).await {
                        Ok(_) => kept.push(sku),
                        Err(status) => failed.push(format!("{sku}: {status:?}")),
                    }
                    if let Some(sku) = kept.last() {
                        let read = client(&address).get_item(v1::GetItemRequest { sku: sku.clone() }).await;
                        failed.extend(read.err().map(|status| format!("reading {sku}: {status:?}")));
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
                (kept, failed)
            });
        }
        Self { tasks, stop, done }
    }

    /// Waits for so many more rounds.
    pub(crate) async fn goes_on(&self, rounds: usize) {
        let until = self.done.load(Ordering::Relaxed) + rounds;
        while self.done.load(Ordering::Relaxed) < until {
            tokio::task::yield_now().await;
        }
    }

    /// What was acknowledged, and what failed.
    pub(crate) async fn end(mut self) -> (Vec<String>, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let (mut kept, mut failed) = (Vec::new(), Vec::new());
        while let Some(task) = self.tasks.join_next().await {
            let (its_kept, its_failed) = task.expect("a caller");
            kept.extend(its_kept);
            failed.extend(its_failed);
        }
        (kept, failed)
    }
}
