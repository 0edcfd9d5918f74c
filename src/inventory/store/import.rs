//! An import: items that are put all together, or not at all.

use std::collections::HashSet;

use tonic::Status;

use super::{Answer, Fingerprint, RequestKey, Store, StoredItem};
use crate::inventory::validate;

/// The most items of one import.
const ITEMS: usize = 10_000;
/// The most bytes of one import.
const BYTES: usize = 16 * 1024 * 1024;

/// What an import has brought so far. Nothing is written before its end.
pub(crate) struct Import<I> {
    request_id: Option<String>,
    items: Vec<I>,
    skus: HashSet<String>,
    bytes: usize,
}

/// What an import did.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Imported {
    #[prost(uint64, tag = "1")]
    pub(crate) count: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) revision: u64,
}

impl Answer for Imported {}

impl<I: StoredItem> Import<I> {
    pub(crate) fn new() -> Self {
        Self { request_id: None, items: Vec::new(), skus: HashSet::new(), bytes: 0 }
    }

    /// Takes the next message.
    pub(crate) fn push(&mut self, request_id: String, item: Option<I>) -> Result<(), Status> {
        match (&self.request_id, item) {
            (Some(_), _) if !request_id.is_empty() => {
                Err(validate::invalid("request_id", "must be in the first message only"))
            }
            (Some(_), None) => Err(validate::invalid("item", "must be set in every message but the first")),
            (Some(_), Some(item)) => self.push_item(item),
            (None, item) => {
                validate::request_id(&request_id)?;
                self.request_id = Some(request_id);
                item.map_or(Ok(()), |item| self.push_item(item))
            }
        }
    }

    /// Puts everything.
    pub(crate) async fn finish(self, store: &Store<I>) -> Result<Imported, Status> {
        let request_id = self.request_id.ok_or_else(|| validate::invalid("request_id", "must be sent"))?;
        let fingerprint = Fingerprint::of_items("import", &self.items, store.database().across());
        let key = RequestKey::new(request_id, fingerprint)?;
        let items = self.items;
        store
            .write_once(key, move |writing| {
                let count = items.len() as u64;
                for item in items {
                    writing.put(item)?;
                }
                Ok(Imported { count, revision: writing.revision()? })
            })
            .await
    }

    fn push_item(&mut self, item: I) -> Result<(), Status> {
        item.check()?;
        self.bytes += item.encoded_len();
        if self.items.len() == ITEMS || self.bytes > BYTES {
            return Err(Status::resource_exhausted(format!(
                "an import takes at most {ITEMS} items and {BYTES} bytes: split it"
            )));
        }
        if !self.skus.insert(item.sku().to_owned()) {
            return Err(validate::invalid("item.sku", format!("{:?} comes twice in this import", item.sku())));
        }
        self.items.push(item);
        Ok(())
    }
}
