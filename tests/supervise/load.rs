//! Callers that go on while programs are replaced, and somebody who connects all the time.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use straddle::inventory::generated::v1_1_0 as v1;
use straddle::transport::Channel;
use tokio::runtime::Runtime;
use tonic::Code;

/// How long callers may be kept waiting.
const PATIENCE: Duration = Duration::from_secs(60);

type Client = v1::inventory_client::InventoryClient<straddle::transport::Labelled<Channel>>;

pub(crate) struct Load {
    runtime: Runtime,
    address: String,
    writers: Vec<tokio::task::JoinHandle<(Vec<String>, Vec<String>)>>,
    connecting: JoinHandle<(usize, Vec<String>)>,
    shared: Arc<(AtomicBool, AtomicUsize)>,
}

/// What became of it.
pub(crate) struct Outcome {
    /// Items that were acknowledged.
    pub(crate) kept: Vec<String>,
    /// Calls that failed.
    pub(crate) failed: Vec<String>,
    /// Connections that were made, and that were not.
    pub(crate) connected: usize,
    pub(crate) refused: Vec<String>,
}

fn client(address: &str) -> Client {
    v1::inventory_client(Channel::owner(address).build().expect("a channel"))
}

impl Load {
    pub(crate) fn begin(address: &str) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let shared = Arc::new((AtomicBool::new(false), AtomicUsize::new(0)));
        let writers = (0..3).map(|task| runtime.spawn(write(task, address.to_owned(), shared.clone()))).collect();
        let (own, to) = (shared.clone(), address.to_owned());
        let connecting = std::thread::spawn(move || {
            let (mut connected, mut refused) = (0, Vec::new());
            while !own.0.load(Ordering::Relaxed) {
                match TcpStream::connect(&to) {
                    Ok(_) => connected += 1,
                    Err(error) => refused.push(error.to_string()),
                }
                // Each takes a port for a while, and there are only so many. Nobody waits for this.
                std::thread::sleep(Duration::from_millis(1));
            }
            (connected, refused)
        });
        Self { runtime, address: address.to_owned(), writers, connecting, shared }
    }

    /// Where its callers come to.
    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// Waits for so many more calls.
    pub(crate) fn goes_on(&self, calls: usize) {
        let until = self.shared.1.load(Ordering::Relaxed) + calls;
        let begun = Instant::now();
        while self.shared.1.load(Ordering::Relaxed) < until {
            assert!(begun.elapsed() < PATIENCE, "callers are not answered any more");
            std::thread::yield_now();
        }
    }

    pub(crate) fn end(self) -> Outcome {
        self.shared.0.store(true, Ordering::Relaxed);
        let (connected, refused) = self.connecting.join().expect("who connects");
        let (mut kept, mut failed) = (Vec::new(), Vec::new());
        self.runtime.block_on(async {
            for writer in self.writers {
                let (its_kept, its_failed) = writer.await.expect("a caller");
                kept.extend(its_kept);
                failed.extend(its_failed);
            }
            let mut reader = client(&self.address);
            for sku in &kept {
                let item = reader.get_item(v1::GetItemRequest { sku: sku.clone() }).await;
                assert!(item.is_ok(), "{sku} was acknowledged, and is gone: {item:?}");
            }
        });
        Outcome { kept, failed, connected, refused }
    }
}

/// Each item under an id of its own, tried until it is acknowledged.
async fn write(task: usize, address: String, shared: Arc<(AtomicBool, AtomicUsize)>) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut failed) = (Vec::new(), Vec::new());
    let mut writer = client(&address);
    for number in 0.. {
        if shared.0.load(Ordering::Relaxed) {
            break;
        }
        let sku = format!("item-{task}-{number}");
        let item = v1::Item { sku: sku.clone(), name: sku.clone(), price: 1.5, stock: 3, ..Default::default() };
        let request = v1::PutItemRequest { item: Some(item), request_id: format!("put {sku}") };
        match writer.put_item(request).await {
            Ok(_) => kept.push(sku),
            Err(status) if status.code() == Code::Unavailable => failed.push(format!("{sku}: {status:?}")),
            Err(status) => panic!("{sku}: {status:?}"),
        }
        shared.1.fetch_add(1, Ordering::Relaxed);
    }
    (kept, failed)
}
