//! A node of ours that goes on in its own program.

use bytes::{BufMut, BytesMut};
use prost::Message;
use straddle::inventory::generated::v1_1_0 as v1;

use super::probe::{Call, Felt, watch};
use crate::options::Options;
use crate::pause::{Node, state};
use crate::records::{items, scratch, text};

/// Items of a node; how many hardly matters for what callers feel, since none is transformed while they wait.
pub(super) const ITEMS: usize = 1000;

/// What callers felt.
pub(super) async fn soft(options: &Options) -> Result<Felt, String> {
    let folder = scratch(options)?;
    let path = folder.path().join("state");
    state::make(&path, ITEMS).await?;
    let mut node = Node::start("online", &path)?;
    let [address] = node.hear("ready").await?;
    let felt = watch(read_item(&address)?, async {
        node.tell("upgrade").await?;
        let [_, _, _] = node.hear("moved").await?;
        Ok(())
    })
    .await?;
    node.stop().await?;
    Ok(felt)
}

/// A caller of 1.1.0 that reads an item.
pub(super) fn read_item(address: &str) -> Result<Call, String> {
    let message = v1::GetItemRequest { sku: items::sku(1) };
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.encoded_len()).map_err(text)?);
    message.encode(&mut frame).map_err(text)?;
    Ok(Call {
        address: address.parse().map_err(text)?,
        path: "/inventory.v1.Inventory/GetItem",
        message: Some(frame.freeze()),
    })
}
