//! How far a copy has come, as it is noted in the file that is being made.

use super::error::RecordsError;
use super::layout::Table;

/// How far a copy has come. Tables are copied in the order of the layout, records in the order of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// How many records it has gone over.
    pub(super) done: u64,
    pub(super) at: At,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum At {
    #[default]
    Begin,
    /// The table of this index, behind this key.
    Within(usize, Vec<u8>),
    End,
}

impl Cursor {
    /// As it is noted.
    pub(super) fn encode(&self, tables: &[Table]) -> Vec<u8> {
        let mut bytes = self.done.to_be_bytes().to_vec();
        match &self.at {
            At::Begin => bytes.push(0),
            At::Within(table, key) => {
                let name = tables[*table].name.as_bytes();
                bytes.push(1);
                bytes.extend_from_slice(name);
                // No name has one.
                bytes.push(0);
                bytes.extend_from_slice(key);
            }
            At::End => bytes.push(2),
        }
        bytes
    }

    /// As it was noted; without a note it is at the beginning.
    pub(super) fn decode(
        file: &std::path::Path,
        note: Option<Vec<u8>>,
        tables: &[Table],
    ) -> Result<Self, RecordsError> {
        let Some(note) = note else { return Ok(Self::default()) };
        read(&note, tables).ok_or_else(|| RecordsError::damaged(file, "how far the copy has come is not readable"))
    }

    /// The tables that are still to be copied, each with the key that it goes on behind.
    pub(super) fn rest(&self, tables: usize) -> impl Iterator<Item = (usize, Option<Vec<u8>>)> {
        let (first, mut key) = match &self.at {
            At::Begin => (0, None),
            At::Within(table, key) => (*table, Some(key.clone())),
            At::End => (tables, None),
        };
        (first..tables).map(move |table| (table, key.take()))
    }
}

fn read(note: &[u8], tables: &[Table]) -> Option<Cursor> {
    let (done, rest) = note.split_first_chunk()?;
    let at = match rest.split_first()? {
        (0, []) => At::Begin,
        (1, rest) => {
            let end = rest.iter().position(|byte| *byte == 0)?;
            let table = tables.iter().position(|table| table.name.as_bytes() == &rest[..end])?;
            At::Within(table, rest[end + 1..].to_vec())
        }
        (2, []) => At::End,
        _ => return None,
    };
    Some(Cursor { done: u64::from_be_bytes(*done), at })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::state::records::layout::Layout;

    #[test]
    fn it_is_read_as_it_was_noted() {
        let layout = Layout::new().carried("a").carried("ab").carried("b");
        let tables = layout.tables();
        for (at, rest) in [
            (At::Begin, vec![(0, None), (1, None), (2, None)]),
            (At::Within(1, Vec::new()), vec![(1, Some(Vec::new())), (2, None)]),
            (At::Within(1, b"x\0y".to_vec()), vec![(1, Some(b"x\0y".to_vec())), (2, None)]),
            (At::End, Vec::new()),
        ] {
            let cursor = Cursor { done: 7, at };
            let note = cursor.encode(tables);
            assert_eq!(Cursor::decode(Path::new("f"), Some(note.clone()), tables).expect("a cursor"), cursor);
            assert_eq!(cursor.rest(3).collect::<Vec<_>>(), rest);
            let torn = Cursor::decode(Path::new("f"), Some(note[..8].to_vec()), tables);
            assert!(torn.expect_err("torn").is_damage());
        }
        assert_eq!(Cursor::decode(Path::new("f"), None, tables).expect("a cursor"), Cursor::default());
    }
}
