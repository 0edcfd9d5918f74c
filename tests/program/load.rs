//! Callers that go on while programs are replaced.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use straddle::inventory::generated::v1_1_0 as v1;
use straddle::transport::Channel;
use tokio::task::{JoinHandle, JoinSet};

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

/// What is written when all else was.
const LAST: &str = "last";

/// All that a watcher sees, on one stream as far as it can tell.
async fn watch(mut client: Client) -> Result<HashSet<String>, String> {
    let told = |status: tonic::Status| format!("watching: {status:?}");
    let mut events = client.watch_items(v1::WatchItemsRequest { after_revision: 0 }).await.map_err(told)?.into_inner();
    let (mut seen, mut revision) = (HashSet::new(), 0);
    while !seen.contains(LAST) {
        let event = events.message().await.map_err(told)?.ok_or("the stream has ended")?;
        if event.revision <= revision {
            return Err(format!("{} came after {revision}", event.revision));
        }
        revision = event.revision;
        seen.extend(event.item.map(|item| item.sku));
    }
    Ok(seen)
}

/// Writers on connections that they keep, readers that connect anew for each call, and a watcher.
pub(crate) struct Load {
    tasks: JoinSet<(Vec<String>, Vec<String>)>,
    watcher: JoinHandle<Result<HashSet<String>, String>>,
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
                    // No library is between, which would try again.
                    let connected = tokio::net::TcpStream::connect(&address).await;
                    failed.extend(connected.err().map(|error| format!("connecting: {error}")));
                    if let Some(sku) = kept.last() {
                        let read = client(&address).get_item(v1::GetItemRequest { sku: sku.clone() }).await;
                        failed.extend(read.err().map(|status| format!("reading {sku}: {status:?}")));
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
                (kept, failed)
            });
        }
        let watcher = tokio::spawn(watch(client(address)));
        Self { tasks, watcher, stop, done }
    }

    /// Waits for so many more rounds.
    pub(crate) async fn goes_on(&self, rounds: usize) {
        let until = self.done.load(Ordering::Relaxed) + rounds;
        while self.done.load(Ordering::Relaxed) < until {
            tokio::task::yield_now().await;
        }
    }

    /// What was acknowledged, and what failed.
    pub(crate) async fn end(mut self, address: &str) -> (Vec<String>, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let (mut kept, mut failed) = (Vec::new(), Vec::new());
        while let Some(task) = self.tasks.join_next().await {
            let (its_kept, its_failed) = task.expect("a caller");
            kept.extend(its_kept);
            failed.extend(its_failed);
        }
        let mut last = client(address);
        last.put_item(put(LAST)).await.expect("the last item");
        match self.watcher.await.expect("the watcher") {
            Ok(seen) => {
                let missed = kept.iter().filter(|sku| !seen.contains(*sku));
                failed.extend(missed.map(|sku| format!("{sku} was not seen by the watcher")));
            }
            Err(why) => failed.push(why),
        }
        (kept, failed)
    }
}
