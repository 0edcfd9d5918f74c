//! The peer: a transform function as one writes it without Straddle. Same store, same batches, same durability; its
//! messages have no envelopes.

use std::path::Path;

use prost::Message;
use redb::{Builder, Durability, ReadableDatabase, TableDefinition};
use straddle::inventory::generated::{v1_1_0, v2_0_0};

use super::{items, text};

const ITEMS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("items");
/// As `Records` has them.
const CACHE: usize = 64 << 20;
const READ_CACHE: usize = 16 << 20;
const BATCH: usize = 16 << 10;
const BATCH_BYTES: usize = 8 << 20;

pub(super) fn fill(file: &Path, count: usize) -> Result<(), String> {
    let database = Builder::new().set_cache_size(CACHE).create(file).map_err(text)?;
    let numbers: Vec<usize> = (0..count).collect();
    for numbers in numbers.chunks(10_000) {
        let transaction = database.begin_write().map_err(text)?;
        let mut table = transaction.open_table(ITEMS).map_err(text)?;
        for number in numbers {
            let item = items::item(*number);
            table.insert(item.sku.as_bytes(), &*item.encode_to_vec()).map_err(text)?;
        }
        drop(table);
        transaction.commit().map_err(text)?;
    }
    Ok(())
}

pub(super) fn transform(from: &Path, into: &Path) -> Result<(), String> {
    let source = Builder::new().set_cache_size(READ_CACHE).open_read_only(from).map_err(text)?;
    let items = source.begin_read().map_err(text)?.open_table(ITEMS).map_err(text)?;
    let target = Builder::new().set_cache_size(CACHE).create(into).map_err(text)?;
    let mut range = items.range::<&[u8]>(..).map_err(text)?;
    let (mut ended, mut buffer) = (false, Vec::new());
    while !ended {
        let mut transaction = target.begin_write().map_err(text)?;
        transaction.set_durability(Durability::None).map_err(text)?;
        let mut table = transaction.open_table(ITEMS).map_err(text)?;
        let (mut count, mut bytes) = (0, 0);
        while count < BATCH && bytes < BATCH_BYTES {
            let Some(pair) = range.next() else {
                ended = true;
                break;
            };
            let (key, value) = pair.map_err(text)?;
            let old = v1_1_0::Item::decode(value.value()).map_err(text)?;
            let new = items::convert(old);
            buffer.clear();
            new.encode(&mut buffer).map_err(text)?;
            table.insert(key.value(), &*buffer).map_err(text)?;
            count += 1;
            bytes += key.value().len() + value.value().len();
        }
        drop(table);
        transaction.commit().map_err(text)?;
    }
    // All of it is on disk at the end.
    target.begin_write().map_err(text)?.commit().map_err(text)
}

type Pair = Result<(Vec<u8>, v2_0_0::Item), String>;

pub(super) fn items(file: &Path) -> Result<impl Iterator<Item = Pair>, String> {
    let database = Builder::new().set_cache_size(READ_CACHE).open_read_only(file).map_err(text)?;
    let items = database.begin_read().map_err(text)?.open_table(ITEMS).map_err(text)?;
    let range = items.range::<&[u8]>(..).map_err(text)?;
    Ok(range.map(move |pair| {
        let _open = &database;
        let (key, value) = pair.map_err(text)?;
        Ok((key.value().to_vec(), v2_0_0::Item::decode(value.value()).map_err(text)?))
    }))
}
