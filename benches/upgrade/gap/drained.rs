//! Nodes of ours that are drained and upgraded one after the other, while their callers spread over all of them.

use std::time::Instant;

use straddle::inventory::generated::v1_1_0 as v1;
use straddle::transport::Channel;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

use super::node::ITEMS;
use super::probe::{Felt, PAUSE, Seen, among};
use super::restarted::straddle;
use crate::barrier::cluster::Cluster;
use crate::options::Options;
use crate::pause::state;
use crate::records::{items, scratch, text};

const NODES: usize = 2;

/// What callers felt.
pub(super) async fn upgraded(options: &Options) -> Result<Felt, String> {
    let folder = scratch(options)?;
    let first = folder.path().join("first");
    state::make(&first, ITEMS).await?;
    for number in 0..NODES {
        state::copy(&first, &folder.path().join(number.to_string())).map_err(text)?;
    }
    let mut cluster = Cluster::start(NODES, folder.path())?;
    let (mut callers, mut admins) = (Vec::new(), Vec::new());
    for _ in 0..NODES {
        let [address, admin] = cluster.next().await?;
        callers.push(address);
        admins.push(admin);
    }
    let (end, ended) = watch::channel(false);
    let refused = tokio::spawn(connect(callers.clone(), ended));
    let mut felt = among(|ended| call(callers.clone(), ended), async {
        for admin in &admins {
            straddle(&["node", "upgrade", admin, "2.0.0", "--drain"]).await?;
        }
        Ok(())
    })
    .await?;
    end.send_replace(true);
    felt.refused = refused.await.map_err(text)?;
    cluster.stop().await?;
    Ok(felt)
}

/// A caller of 1.1.0 that reads an item of any of the nodes.
async fn call(addresses: Vec<String>, ended: watch::Receiver<bool>) -> Seen {
    let mut seen = Seen::default();
    let channel = match Channel::spread(addresses).build() {
        Ok(channel) => channel,
        Err(error) => {
            seen.felt.fails(error);
            return seen;
        }
    };
    let mut client = v1::inventory_client(channel);
    while !*ended.borrow() {
        match client.get_item(v1::GetItemRequest { sku: items::sku(1) }).await {
            Ok(_) => seen.answers.push(Instant::now()),
            Err(status) => seen.felt.fails(status),
        }
        sleep(PAUSE).await;
    }
    seen
}

/// Connects to each address all the time, since callers do so only when they have to: how often nobody accepted.
async fn connect(addresses: Vec<String>, ended: watch::Receiver<bool>) -> usize {
    let mut refused = 0;
    while !*ended.borrow() {
        for address in &addresses {
            refused += usize::from(TcpStream::connect(address).await.is_err());
        }
        sleep(PAUSE).await;
    }
    refused
}
