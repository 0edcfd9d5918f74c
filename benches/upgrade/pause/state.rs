//! The state that nodes begin with, written as the inventory writes it, but in few transactions.

use std::io;
use std::path::Path;

use prost::Message;
use straddle::inventory::generated::{protocol, v1_1_0 as v1};
use straddle::inventory::objects;
use straddle::state::{Mode, Records, RecordsError};

use super::node::open;
use crate::records::{items, text, version};

/// Makes the state of a node of 1.1.0 with so many items. Each is two records: itself, and the revision that it has.
pub(crate) async fn make(folder: &Path, count: usize) -> Result<(), String> {
    open(Mode::Eager, folder).await?.stop().await;
    let mut epochs = std::fs::read_dir(folder).map_err(text)?.filter_map(|entry| Some(entry.ok()?.path()));
    let epoch = epochs.find(|path| path.is_dir() && path.to_string_lossy().ends_with("-1.1.0"));
    let object = epoch.ok_or("the node has made no state")?.join("object");
    let layout = objects::v1_1_0::Object::layout();
    let records = Records::open(&object, &protocol(), &version("1.1.0"), &layout).map_err(text)?;
    let numbers: Vec<usize> = (0..count).collect();
    for numbers in numbers.chunks(10_000) {
        let written: Result<(), RecordsError> = records.write(|writing| {
            for number in numbers {
                let item: v1::Item = items::item(*number);
                let revision = item.revision.to_be_bytes();
                writing.insert("items", item.sku.as_bytes(), &item.encode_to_vec())?;
                writing.insert("revisions", &revision, item.sku.as_bytes())?;
                writing.insert("counters", b"revision", &revision)?;
            }
            Ok(())
        });
        written.map_err(text)?;
    }
    records.close();
    Ok(())
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), &to)?;
            // What the system would write later, it would write while we measure.
            std::fs::File::open(&to)?.sync_all()?;
        }
    }
    Ok(())
}
