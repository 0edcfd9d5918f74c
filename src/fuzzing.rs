//! What fuzz targets see of the inside; here only when they are built (`cfg(fuzzing)`).
#![allow(missing_docs, reason = "nobody reads its documentation")]

use bytes::Bytes;

use crate::wire::{Framing, Messages, TooLarge};

/// What [`split`] found up to the first fault.
#[derive(Debug)]
pub struct Found {
    /// Whether each is compressed, and its bytes.
    pub messages: Vec<(bool, Bytes)>,
    pub fault: Option<String>,
    /// The most memory that was held at once for a message that was not whole yet.
    pub held: usize,
}

/// The messages in these frames.
#[must_use]
pub fn split(frames: &[Bytes], limit: usize) -> Found {
    let mut splitting = Messages::new(limit);
    let mut found = Found { messages: Vec::new(), fault: None, held: 0 };
    for frame in frames {
        let pushed = splitting.push(frame.clone(), |message| found.messages.push((message.compressed, message.bytes)));
        found.held = found.held.max(splitting.held());
        if let Err(error) = pushed {
            found.fault = Some(error.to_string());
            break;
        }
    }
    found
}

/// The size of the first message in these frames that is over the limit.
#[must_use]
pub fn follow(frames: &[Bytes], limit: u32) -> Option<u32> {
    let mut framing = Framing::new(limit);
    frames.iter().find_map(|frame| framing.follow(frame).err().map(|TooLarge(size)| size))
}

/// What an import from git unpacks where git printed this listing and these objects; links are not followed.
#[cfg(feature = "fuzz")]
pub fn import(listing: &[u8], objects: &[u8]) -> Result<std::collections::BTreeMap<String, Vec<u8>>, String> {
    use crate::tree::{import, listing, selection::Selection};

    let entries = listing::parse(listing).map_err(|error| error.to_string())?;
    let mut selection = Selection::default();
    selection.add("", &entries).map_err(|error| error.to_string())?;
    import::gather(&selection, objects).map_err(|error| error.to_string())
}
