//! What several inputs come to, as few transactions as there can be.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::pending;
use crate::coordinator::core::{Effects, Output};
use crate::coordinator::database::{LARGEST_TRANSACTION, MOST_OPERATIONS, Write};
use crate::coordinator::record::keys;

/// One comparison, that of the leader's key, stands in each transaction.
const WRITES: usize = MOST_OPERATIONS - 1;
/// The comparison, and whatever a store counts beside keys and values.
const BYTES: usize = LARGEST_TRANSACTION - 4096;

/// Writes and what is to be said when they are acknowledged.
#[derive(Debug, Default)]
pub(super) struct Batch {
    writes: BTreeMap<Bytes, Write>,
    bytes: usize,
    outputs: Vec<Output>,
    /// More than one transaction holds; then it is all that there is.
    large: Vec<Write>,
}

impl Batch {
    /// Whether these can be written together with what there is, all or nothing.
    pub(super) fn takes(&self, effects: &Effects) -> bool {
        if effects.writes.is_empty() || self.is_empty() {
            return true;
        }
        self.large.is_empty()
            && self.writes.len() + effects.writes.len() <= WRITES
            && self.bytes + effects.writes.iter().map(Write::size).sum::<usize>() <= BYTES
    }

    /// Adds what [`takes`](Self::takes) said that there is room for. What is written twice has its last value.
    pub(super) fn add(&mut self, effects: Effects) {
        let bytes: usize = effects.writes.iter().map(Write::size).sum();
        self.outputs.extend(effects.outputs);
        if effects.writes.len() > WRITES || bytes > BYTES {
            self.large = effects.writes;
            return;
        }
        for write in effects.writes {
            self.bytes += write.size();
            if let Some(before) = self.writes.insert(write.key().clone(), write) {
                self.bytes -= before.size();
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.large.is_empty()
    }

    /// The transactions, in their order, and what is to be said after the last of them.
    pub(super) fn into_parts(self) -> (Vec<Vec<Write>>, Vec<Output>) {
        if self.large.is_empty() {
            let all: Vec<Write> = self.writes.into_values().collect();
            return (if all.is_empty() { Vec::new() } else { vec![all] }, self.outputs);
        }
        // What nobody refers to yet comes first, and all else is one change.
        let (parts, others): (Vec<Write>, Vec<Write>) =
            self.large.into_iter().partition(|write| write.key().starts_with(keys::PARTS.as_bytes()));
        let (mut transactions, rest) = (split(parts), split(others));
        if rest.len() > 1 {
            transactions.extend(pending::transactions(rest.into_iter().flatten().collect()));
        } else {
            transactions.extend(rest);
        }
        (transactions, self.outputs)
    }
}

/// As few transactions as there can be, in this order.
pub(super) fn split(writes: impl IntoIterator<Item = Write>) -> Vec<Vec<Write>> {
    let (mut transactions, mut now, mut bytes) = (Vec::new(), Vec::new(), 0);
    for write in writes {
        let more = write.size();
        if !now.is_empty() && (now.len() == WRITES || bytes + more > BYTES) {
            transactions.push(std::mem::take(&mut now));
            bytes = 0;
        }
        bytes += more;
        now.push(write);
    }
    if !now.is_empty() {
        transactions.push(now);
    }
    transactions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, bytes: usize) -> Write {
        Write::Put { key: Bytes::copy_from_slice(key.as_bytes()), value: vec![7; bytes].into(), lease: None }
    }

    fn effects(writes: Vec<Write>) -> Effects {
        Effects { writes, outputs: Vec::new() }
    }

    fn keys(transactions: &[Vec<Write>]) -> Vec<Vec<String>> {
        let text = |write: &Write| String::from_utf8(write.key().to_vec()).unwrap();
        transactions.iter().map(|writes| writes.iter().map(text).collect()).collect()
    }

    #[test]
    fn what_is_written_twice_is_written_once_with_its_last_value() {
        let mut batch = Batch::default();
        batch.add(effects(vec![put("b", 1), put("a", 1)]));
        batch.add(effects(vec![put("b", 5)]));
        assert_eq!(batch.bytes, 2 + 6);
        let (transactions, _) = batch.into_parts();
        assert_eq!(keys(&transactions), [["a", "b"]]);
        assert_eq!(transactions[0][1].size(), 6);
    }

    #[test]
    fn a_batch_takes_no_more_than_a_transaction_may_hold() {
        let mut batch = Batch::default();
        batch.add(effects((0..100).map(|index| put(&index.to_string(), 1)).collect()));
        assert!(batch.takes(&effects((0..27).map(|index| put(&index.to_string(), 1)).collect())));
        assert!(!batch.takes(&effects((0..28).map(|index| put(&index.to_string(), 1)).collect())));
        assert!(!batch.takes(&effects(vec![put("large", LARGEST_TRANSACTION - 4096)])));
        assert!(batch.takes(&effects(Vec::new())), "what is only said has room always");
    }

    #[test]
    fn what_no_transaction_holds_is_one_change_but_for_the_parts_of_bundles_which_come_first() {
        let mut batch = Batch::default();
        let mebibyte = 1024 * 1024 - 100;
        let writes = vec![
            put("straddle/counters", 5),
            put("straddle/parts/x/0000", mebibyte),
            put("straddle/parts/x/0001", mebibyte),
            put("straddle/versions/a", 5),
        ];
        assert!(batch.takes(&effects(writes.clone())), "an empty one takes anything");
        batch.add(effects(writes));
        assert!(!batch.takes(&effects(vec![put("more", 1)])));
        let (transactions, _) = batch.into_parts();
        assert_eq!(
            keys(&transactions),
            [
                vec!["straddle/parts/x/0000"],
                vec!["straddle/parts/x/0001"],
                vec!["straddle/counters", "straddle/versions/a"]
            ]
        );
        let mut many = Batch::default();
        many.add(effects((0..300).map(|index| put(&format!("{index:03}"), 1)).collect()));
        let (transactions, _) = many.into_parts();
        // What is to be done is written, and decided on, before anything of it is done.
        assert_eq!(transactions.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 127, 127, 46, 1, 1]);
    }
}
