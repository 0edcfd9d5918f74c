//! Values are made of others.

use super::base;

pub(crate) fn order(old: base::Order) -> base::Order {
    base::Order { note: format!("{} for {}", old.note, old.customer), ..old }
}

pub(crate) fn flat(old: base::Flat) -> base::Flat {
    base::Flat { count: old.count * 2, ..old }
}

pub(crate) fn blob(old: base::Blob) -> base::Blob {
    base::Blob { name: format!("{}.blob", old.name), ..old }
}

pub(crate) fn many(old: base::Many) -> base::Many {
    let entry = |old: base::Entry| base::Entry { kind: old.kind + 1, ..old };
    base::Many { entries: old.entries.into_iter().map(entry).collect(), ..old }
}
