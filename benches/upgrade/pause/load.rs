//! Calls at a fixed rate.

use std::time::{Duration, Instant};

use straddle::inventory::generated::v1_1_0 as v1;
use straddle::transport::Channel;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use crate::records::{items, text};

/// One call in so many writes.
const WRITES: usize = 20;

/// A call that has ended.
#[derive(Clone)]
pub(crate) struct Call {
    /// When it should have begun.
    pub(crate) intended: Instant,
    /// From then to its end.
    pub(crate) latency: Duration,
    pub(crate) writes: bool,
    pub(crate) failure: Option<String>,
}

/// Calls under way.
pub(crate) struct Load {
    end: oneshot::Sender<()>,
    calls: JoinHandle<Result<Vec<Call>, String>>,
}

impl Load {
    /// Calls `rate` times a second, whether those before have ended or not, about one of so many items.
    pub(crate) async fn begin(address: &str, rate: u32, items: usize) -> Result<Self, String> {
        let channel = Channel::owner(address).build().map_err(text)?;
        channel.connect().await.map_err(text)?;
        let (end, ended) = oneshot::channel();
        Ok(Self { end, calls: tokio::spawn(drive(channel, rate, items, ended)) })
    }

    /// Waits for the calls that are under way.
    pub(crate) async fn end(self) -> Result<Vec<Call>, String> {
        // It goes on until it hears this.
        let _ = self.end.send(());
        self.calls.await.map_err(text)?
    }
}

async fn drive(
    channel: Channel,
    rate: u32,
    items: usize,
    mut ended: oneshot::Receiver<()>,
) -> Result<Vec<Call>, String> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut tick = interval(Duration::from_secs(1) / rate);
    // A late call is a slow one, not one that is left out.
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut under_way, mut calls) = (JoinSet::new(), Vec::new());
    for number in 0_usize.. {
        let intended = tokio::select! {
            biased;
            intended = tick.tick() => intended.into_std(),
            _ = &mut ended => break,
        };
        under_way.spawn(call(channel.clone(), number, random.usize(..items), intended));
        while let Some(call) = under_way.try_join_next() {
            calls.push(call.map_err(text)?);
        }
    }
    while let Some(call) = under_way.join_next().await {
        calls.push(call.map_err(text)?);
    }
    Ok(calls)
}

async fn call(channel: Channel, number: usize, item: usize, intended: Instant) -> Call {
    let mut client = v1::inventory_client(channel);
    let (sku, writes) = (items::sku(item), number % WRITES == WRITES - 1);
    let answer = if writes {
        client.adjust_stock(v1::AdjustStockRequest { sku, delta: 1, request_id: format!("call-{number}") }).await
    } else {
        client.get_item(v1::GetItemRequest { sku }).await
    };
    Call { intended, latency: intended.elapsed(), writes, failure: answer.err().map(text) }
}
