//! A shop of the first two versions, with each kind of state.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use straddle::dispatch::Object;
use straddle::node::{Builder, Node, Opening, Transforming, Upgrade};
use straddle::state::{Files, Layout, Mode, RecordsError};

use crate::shop::{Entries, Entry, answering, append, bring_3, lines, plain, protocol, to_2};

/// How the state gets from version to version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Records(Mode),
    Transform,
    Checkpoints,
}

pub(crate) const KINDS: [Kind; 5] = [
    Kind::Records(Mode::Eager),
    Kind::Records(Mode::Online),
    Kind::Records(Mode::Lazy),
    Kind::Transform,
    Kind::Checkpoints,
];

/// A node that can run 1.0.0 and 2.0.0.
pub(crate) fn builder(kind: Kind, folder: &Path, files: Arc<dyn Files>) -> Builder {
    let node = Node::builder(protocol()).state(folder).files(files);
    match kind {
        Kind::Records(mode) => node
            .object("1.0.0", |opening: &Opening| kept("shop.v1.Shop", "shop.v1.Entry", opening))
            .records(layout("shop.v1.Entry"))
            .upgrade(
                Upgrade::to("2.0.0")
                    .object(|opening: &Opening| kept("shop.v2.Shop", "shop.v2.Entry", opening))
                    .records(layout("shop.v2.Entry"), mode),
            ),
        Kind::Transform => node.object("1.0.0", |opening: &Opening| plain("shop.v1.Shop", opening)).upgrade(to_2()),
        Kind::Checkpoints => node
            .object("1.0.0", |opening: &Opening| plain("shop.v1.Shop", opening))
            .upgrade(to_2().transform(in_parts).reverse(in_parts)),
    }
    .upgrade(bring_3())
}

/// Copies line by line, and remembers how far it has come.
fn in_parts(transforming: &Transforming) -> Result<(), std::io::Error> {
    let (from, to) = (transforming.from().object().join("entries"), transforming.to().object().join("entries"));
    let done = transforming.resumed().map_or(0, |done| usize::from(done[0]));
    // What came after the checkpoint is made again.
    let made: Vec<String> = lines(&to).into_iter().take(done).collect();
    let _ = std::fs::remove_file(&to);
    for line in &made {
        append(&to, line);
    }
    for (number, line) in lines(&from).iter().enumerate().skip(done) {
        append(&to, line);
        if number % 3 == 1 {
            transforming.checkpoint(&[u8::try_from(number + 1).expect("few lines")])?;
        }
    }
    Ok(())
}

fn layout(message: &str) -> Layout {
    Layout::new().messages("entries", message)
}

/// The object of 1.0.0 and of 2.0.0 alike, with its entries in records.
fn kept(service: &'static str, message: &str, opening: &Opening) -> Result<Object, RecordsError> {
    let records = opening.records(&layout(message))?;
    Ok(answering(service, move |method, entry| {
        let records = records.clone();
        async move {
            let internal = |error: RecordsError| tonic::Status::internal(error.to_string());
            if method == "Add" {
                let written = records.write(|writing| {
                    let last = writing.last("entries")?.map_or(0, |(key, _)| key[0]);
                    writing.insert("entries", &[last + 1], &entry.encode_to_vec())
                });
                written.map_err(internal)?;
                return Ok(Entries::default());
            }
            let reading = records.read().map_err(internal)?;
            let all = reading.range("entries", std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
            let entries = all.map_err(internal)?.map(|entry| {
                let (_, value): (Bytes, Bytes) = entry.map_err(internal)?;
                Entry::decode(value).map_err(|error| tonic::Status::internal(error.to_string()))
            });
            Ok(Entries { entries: entries.collect::<Result<_, _>>()? })
        }
    }))
}
