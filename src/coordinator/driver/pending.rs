//! What no transaction holds, all or nothing all the same.
//!
//! ```text
//!   its parts are written ──> `Pending` is written ──> each write ──> `Pending` goes ──> the parts go
//!   └─ as if nothing had been ─────────────────────┘└── all of it is done, by whoever leads next ────┘
//! ```
//!
//! A coordinator that begins to lead does what is left, before it reads anything else; ARCHITECTURE.md has the proof.

use std::ops::Bound;

use bytes::Bytes;
use prost::Message;

use super::batch::split;
use super::load::{after, read};
use crate::control::v1_0_0 as wire;
use crate::coordinator::database::{Database, DatabaseError, Keys, LARGEST_VALUE, Write};
use crate::coordinator::record::{self, keys};

/// Bytes of a part: with what is around it, it is a value.
const PART: usize = LARGEST_VALUE - 4096;

/// The transactions that come to these writes, in their order: all of them, or none. Nothing of it may be under a lease.
pub(super) fn transactions(writes: Vec<Write>) -> Vec<Vec<Write>> {
    let pending = |write: &Write| match write {
        Write::Put { key, value, .. } => wire::PendingWrite { key: key.clone(), value: Some(value.clone()) },
        Write::Delete(key) => wire::PendingWrite { key: key.clone(), value: None },
    };
    let bytes = wire::PendingWrites { writes: writes.iter().map(pending).collect() }.encode_to_vec();
    let mut transactions = Vec::new();
    let mut parts = Vec::new();
    for (number, part) in (0_u32..).zip(bytes.chunks(PART)) {
        let key = keys::pending_part(number);
        let value = record::seal(&wire::PendingPart { part: Bytes::copy_from_slice(part) });
        parts.push(Write::Delete(key.clone()));
        transactions.push(vec![Write::Put { key, value, lease: None }]);
    }
    let value = record::seal(&wire::Pending { parts: parts.len() as u64 });
    transactions.push(vec![Write::Put { key: keys::PENDING.into(), value, lease: None }]);
    transactions.extend(split(writes));
    transactions.push(vec![Write::Delete(keys::PENDING.into())]);
    transactions.extend(split(parts));
    transactions
}

/// The transactions that are left of what another coordinator has begun.
pub(super) async fn left(database: &dyn Database) -> Result<Vec<Vec<Write>>, DatabaseError> {
    let all = Keys { from: Bound::Included(keys::PENDING.into()), to: Bound::Excluded(after(keys::PENDING_PARTS)) };
    let found = read(database, all, &mut None).await?;
    let unreadable =
        |error: &dyn std::fmt::Display| DatabaseError::damaged(format!("what is pending cannot be read: {error}"));
    let (mut number, mut parts, mut bytes) = (None, Vec::new(), Vec::new());
    for entry in found {
        if entry.key == keys::PENDING {
            let pending: wire::Pending = record::open(entry.value).map_err(|error| unreadable(&error))?;
            number = Some(pending.parts);
            continue;
        }
        // Keys are in the order of their numbers. What is behind the last one was left by somebody before.
        if number.is_some_and(|number| (parts.len() as u64) < number) {
            if entry.key != keys::pending_part(u32::try_from(parts.len()).unwrap_or(u32::MAX)) {
                return Err(unreadable(&"a part is missing"));
            }
            let part: wire::PendingPart = record::open(entry.value).map_err(|error| unreadable(&error))?;
            bytes.extend(part.part);
        }
        parts.push(Write::Delete(entry.key));
    }
    let mut transactions = Vec::new();
    if let Some(number) = number {
        if (parts.len() as u64) < number {
            return Err(unreadable(&"a part is missing"));
        }
        let pending = wire::PendingWrites::decode(Bytes::from(bytes)).map_err(|error| unreadable(&error))?;
        let write = |write: wire::PendingWrite| match write.value {
            Some(value) => Write::Put { key: write.key, value, lease: None },
            None => Write::Delete(write.key),
        };
        transactions.extend(split(pending.writes.into_iter().map(write)));
        transactions.push(vec![Write::Delete(keys::PENDING.into())]);
    }
    transactions.extend(split(parts));
    Ok(transactions)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::batch::Batch;
    use super::super::load;
    use super::*;
    use crate::bundle::Bundle;
    use crate::control::v1_0_0::from_agent;
    use crate::coordinator::core::{Ask, Core, Effects, Input, Now, Publication, Request, Session, Settings};
    use crate::coordinator::database::{Committed, Embedded, Transaction};
    use crate::protocol::Protocol;

    const SECOND: u64 = 1_000_000;
    /// More than a transaction has writes.
    const SERVICES: usize = 300;
    /// Nodes, each of which tells its part of them: no batch is of so many.
    const NODES: usize = 3;

    /// A coordinator's database, and what has crashed.
    struct Kept {
        database: Embedded,
        _folder: tempfile::TempDir,
        runtime: tokio::runtime::Runtime,
    }

    impl Kept {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let database = Embedded::open(folder.path()).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            Self { database, _folder: folder, runtime }
        }

        fn commit(&self, transactions: &[Vec<Write>]) {
            for write in transactions {
                let transaction = Transaction { compare: Vec::new(), write: write.clone() };
                let committed = self.runtime.block_on(self.database.commit(transaction)).unwrap();
                assert!(matches!(committed, Committed::Yes(_)));
            }
        }

        fn left(&self) -> Vec<Vec<Write>> {
            self.runtime.block_on(left(&self.database)).unwrap()
        }

        fn entries(&self) -> BTreeMap<Bytes, Bytes> {
            self.runtime.block_on(load::all(&self.database)).unwrap().entries.into_iter().collect()
        }
    }

    fn put(key: String, value: impl Into<Bytes>) -> Write {
        Write::Put { key: key.into(), value: value.into(), lease: None }
    }

    #[test]
    fn whatever_is_cut_between_two_transactions_is_done_wholly_or_not_at_all() {
        let before: Vec<Write> = (0..200).map(|number| put(format!("straddle/nodes/{number:03}"), "before")).collect();
        let large = |number: usize| vec![u8::try_from(number % 251).unwrap(); 20_000];
        let mut writes: Vec<Write> =
            (100..300).map(|number| put(format!("straddle/nodes/{number:03}"), large(number))).collect();
        writes.extend((0..50).map(|number| Write::Delete(format!("straddle/nodes/{number:03}").into())));
        let transactions = transactions(writes.clone());
        let decided = transactions.iter().position(|writes| writes[0].key() == keys::PENDING).unwrap();
        assert!(decided > 2, "there are several parts");
        for first in 0..=transactions.len() {
            let (kept, whole) = (Kept::new(), Kept::new());
            kept.commit(&split(before.clone()));
            whole.commit(&split(before.clone()));
            if first > decided {
                whole.commit(&split(writes.clone()));
            }
            kept.commit(&transactions[..first]);
            // Whoever goes on with it is cut, too, ever later, until it is done.
            for second in 0.. {
                let left = kept.left();
                kept.commit(&left[..second.min(left.len())]);
                if second >= left.len() {
                    break;
                }
            }
            assert!(kept.left().is_empty());
            assert_eq!(kept.entries(), whole.entries(), "cut before {first} of {}", transactions.len());
        }
    }

    #[test]
    fn parts_of_somebody_before_are_not_taken_for_those_of_now() {
        let kept = Kept::new();
        let write = |value: u8| vec![put("straddle/nodes/a".to_owned(), vec![value; PART + 5])];
        // The first one has decided nothing, and has two parts.
        kept.commit(&transactions(write(1))[..2]);
        let now = transactions(vec![put("straddle/nodes/a".to_owned(), "now")]);
        kept.commit(&now[..2]);
        kept.commit(&kept.left());
        assert_eq!(kept.entries().into_values().collect::<Vec<_>>(), ["now"]);
    }

    fn protocol() -> Protocol {
        let services = (0..SERVICES).map(|number| format!("service S{number} {{ rpc Get(M) returns (M); }}\n"));
        let proto = format!("syntax = \"proto3\";\npackage shop.v1;\nmessage M {{}}\n{}", services.collect::<String>());
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("1.0.0")).unwrap();
        std::fs::write(folder.path().join("protocol.toml"), "name = \"shop\"\n").unwrap();
        std::fs::write(folder.path().join("1.0.0/shop.proto"), proto).unwrap();
        Protocol::load(folder.path()).unwrap()
    }

    fn now(seconds: u64) -> Now {
        Now::new(seconds * SECOND, (1_800_000_000 + seconds) * SECOND)
    }

    fn effects(core: &mut Core, inputs: impl IntoIterator<Item = Input>, seconds: u64) -> Effects {
        inputs.into_iter().for_each(|input| core.handle(input, now(seconds)));
        core.tick(now(seconds));
        core.take()
    }

    fn of(effects: Effects) -> Vec<Vec<Write>> {
        let mut batch = Batch::default();
        batch.add(effects);
        batch.into_parts().0
    }

    fn said(node: usize, message: from_agent::Message) -> Input {
        Input::Said(Session(node as u64), wire::FromAgent { message: Some(message) })
    }

    fn hellos() -> impl Iterator<Item = Input> {
        (0..NODES).map(hello)
    }

    fn hello(node: usize) -> Input {
        let runs = vec!["1.0.0".to_owned()];
        let report = wire::Report { version: "1.0.0".to_owned(), serving: true, phase: 1, ..wire::Report::default() };
        said(
            node,
            from_agent::Message::Hello(wire::Hello {
                node: format!("node-{node}"),
                protocol: "shop".to_owned(),
                instance: "one".to_owned(),
                runs,
                report: Some(report),
                ..wire::Hello::default()
            }),
        )
    }

    /// They are handled together, though there is no room for that.
    fn batches() -> impl Iterator<Item = Input> {
        (0..NODES).map(batch)
    }

    fn batch(node: usize) -> Input {
        let method = |number| wire::CalledMethod {
            version: "1.0.0".to_owned(),
            method: format!("shop.v1.S{number}.Get"),
            begun: 7,
            answered: 7,
            ..wire::CalledMethod::default()
        };
        let methods = (0..SERVICES).skip(node).step_by(NODES).map(method).collect();
        said(node, from_agent::Message::Census(wire::Census { number: 1, methods, ..wire::Census::default() }))
    }

    /// A coordinator that begins, as the driver does it.
    fn begins(kept: &Kept) -> Core {
        kept.commit(&kept.left());
        Core::load(kept.entries(), now(20), Settings::default()).unwrap()
    }

    /// What is counted in the end when another coordinator begins, and the node tells again what nobody has told it is taken.
    fn counted_again(kept: &Kept) -> Vec<u64> {
        let mut core = begins(kept);
        kept.commit(&of(effects(&mut core, hellos(), 30)));
        kept.commit(&of(effects(&mut core, batches(), 31)));
        let core = begins(kept);
        let request = wire::ListCallersRequest { protocol: "shop".to_owned(), ..wire::ListCallersRequest::default() };
        let listed = core.callers(&request, now(40)).unwrap();
        listed.services.iter().flat_map(|one| &one.rows).map(|row| row.begun).collect()
    }

    /// A database with a published version and its node, and what its batch comes to.
    fn told(bundle: &Bundle) -> (Kept, Effects) {
        let kept = Kept::new();
        let mut core = begins(&kept);
        let publish = Ask::Publish(Publication::new(bundle.clone(), None).unwrap());
        let published = effects(&mut core, [Input::Asked(Request(1), "me".to_owned(), Box::new(publish))], 21);
        kept.commit(&of(published));
        kept.commit(&of(effects(&mut core, hellos(), 22)));
        let effects = effects(&mut core, batches(), 23);
        (kept, effects)
    }

    #[test]
    fn what_is_told_of_many_services_counts_once_wherever_the_coordinator_crashes() {
        let bundle = Bundle::of_protocol(&protocol()).unwrap();
        let count = of(told(&bundle).1).len();
        assert!(count > 5, "no transaction holds it");
        for cut in 0..=count {
            let (kept, effects) = told(&bundle);
            kept.commit(&of(effects)[..cut]);
            assert_eq!(counted_again(&kept), [7; SERVICES], "cut before transaction {cut}");
        }
        // That is not so by itself.
        let (kept, effects) = told(&bundle);
        kept.commit(&split(effects.writes)[..1]);
        assert!(counted_again(&kept).contains(&14));
    }
}
