//! Which tables there are, and what their values are.

use serde::{Deserialize, Serialize};

/// The tables of a [`Records`](super::Records), and what their values are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// In the order in which they were named.
    tables: Vec<Table>,
    cache: Option<usize>,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) kind: Kind,
}

/// What the values of a table are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "values", content = "message", rename_all = "lowercase")]
pub(super) enum Kind {
    /// Messages of the type of this name.
    Messages(String),
    /// Bytes that every version understands.
    Carried,
    /// Bytes that the next version does not get.
    Left,
}

/// What names of our own tables begin with.
pub(super) const OWN: &str = "straddle.";
/// Most bytes of a table's name.
const LONGEST: usize = 128;
/// Bytes of memory that an open file takes for what it has read and is to write.
const CACHE: usize = 64 << 20;

impl Layout {
    /// No tables.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A table of messages of `message_type`, a full name in the version that the records are opened for.
    #[must_use]
    pub fn messages(self, table: &str, message_type: &str) -> Self {
        self.table(table, Kind::Messages(message_type.to_owned()))
    }

    /// A table of bytes that mean the same in every version.
    #[must_use]
    pub fn carried(self, table: &str) -> Self {
        self.table(table, Kind::Carried)
    }

    /// A table of bytes that is not carried over into this version: it begins empty, and the transform function sees to it.
    #[must_use]
    pub fn left(self, table: &str) -> Self {
        self.table(table, Kind::Left)
    }

    /// How many bytes of memory an open file may take for what it has read and is to write; 64 MiB unless said otherwise.
    /// Not part of what the file is: it may change.
    #[must_use]
    pub fn cache(mut self, bytes: usize) -> Self {
        self.cache = Some(bytes);
        self
    }

    fn table(mut self, name: &str, kind: Kind) -> Self {
        self.tables.push(Table { name: name.to_owned(), kind });
        self
    }

    pub(super) fn tables(&self) -> &[Table] {
        &self.tables
    }

    pub(super) fn cache_size(&self) -> usize {
        self.cache.unwrap_or(CACHE)
    }

    /// What is wrong with it, whatever the protocol.
    pub(super) fn fault(&self) -> Option<String> {
        self.tables.iter().enumerate().find_map(|(index, Table { name, .. })| {
            if name.is_empty() || name.len() > LONGEST || name.chars().any(char::is_control) {
                return Some(format!("{name:?} is no name of a table: 1 to {LONGEST} bytes, no control characters"));
            }
            if name.starts_with(OWN) {
                return Some(format!("the name {name:?} is taken: those with `{OWN}` are not for authors"));
            }
            let twice = self.tables[..index].iter().any(|other| other.name == *name);
            twice.then(|| format!("the table {name:?} is there twice"))
        })
    }
}

pub(super) fn find<'t>(tables: &'t [Table], name: &str) -> Option<&'t Table> {
    tables.iter().find(|table| table.name == name)
}

impl Kind {
    /// In words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Messages(message) => format!("messages {message}"),
            Self::Carried | Self::Left => "bytes".to_owned(),
        }
    }

    /// Whether one file can be read for the other: what is carried and what is left does not show in the file.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.words() == other.words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cannot_be_tables_are_told() {
        let long = "x".repeat(LONGEST + 1);
        for (layout, word) in [
            (Layout::new().carried(""), "no name"),
            (Layout::new().carried(&long), "no name"),
            (Layout::new().left("a\0b"), "no name"),
            (Layout::new().messages("straddle.meta", "p.M"), "taken"),
            (Layout::new().carried("a").carried("b").left("a"), "twice"),
        ] {
            let fault = layout.fault().expect("a fault");
            assert!(fault.contains(word), "{fault}");
        }
        assert_eq!(Layout::new().carried("a").left("b").messages("c", "p.M").fault(), None);
    }
}
