//! What `git ls-tree -r -z -l` prints: one entry after the other, each ended by a zero byte.
//!
//! ```text
//! 100644 blob 78981922613b2afb6025042ff6bd878ac1994e85      12\tprotos/shop.proto\0
//! ```

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) id: ObjectId,
    /// Bytes; of files and links.
    pub(crate) size: Option<u64>,
    /// As git keeps it: any bytes but zero.
    pub(crate) path: Vec<u8>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Link,
    Submodule,
    Folder,
}

/// The name of an object: 40 hexadecimal digits, or 64 in repositories that use SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ObjectId(String);

/// An output that git does not write.
#[derive(Debug, thiserror::Error)]
#[error("git printed something else than expected: {0}")]
pub(crate) struct Malformed(pub(crate) String);

/// Reads the whole output.
pub(crate) fn parse(output: &[u8]) -> Result<Vec<Entry>, Malformed> {
    let mut entries = Vec::new();
    let mut rest = output;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == 0).ok_or_else(|| malformed(rest))?;
        entries.push(entry(&rest[..end]).ok_or_else(|| malformed(&rest[..end]))?);
        rest = &rest[end + 1..];
    }
    Ok(entries)
}

fn entry(line: &[u8]) -> Option<Entry> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let mut words = std::str::from_utf8(&line[..tab]).ok()?.split_ascii_whitespace();
    let kind = match (words.next()?, words.next()?) {
        ("120000", "blob") => Kind::Link,
        (_, "blob") => Kind::File,
        (_, "commit") => Kind::Submodule,
        (_, "tree") => Kind::Folder,
        _ => return None,
    };
    let id = ObjectId::new(words.next()?)?;
    let size = match words.next()? {
        // `BAD` is the size of an object that a partial clone lacks.
        "-" | "BAD" => None,
        digits => Some(digits.parse().ok()?),
    };
    let path = line[tab + 1..].to_vec();
    (words.next().is_none() && !path.is_empty()).then_some(Entry { kind, id, size, path })
}

fn malformed(line: &[u8]) -> Malformed {
    Malformed(super::shown(line))
}

impl ObjectId {
    /// `None` where `text` is no name of an object.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (digits && matches!(text.len(), 40 | 64)).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "78981922613b2afb6025042ff6bd878ac1994e85";

    #[test]
    fn entries_are_read_whatever_bytes_their_names_hold() {
        let output = [
            format!("100644 blob {ID}      12\ta\tb\n.proto\0").into_bytes(),
            format!("120000 blob {ID}       7\t").into_bytes(),
            b"\xff\\..\0".to_vec(),
            format!("160000 commit {ID}       -\tvendor\0").into_bytes(),
        ]
        .concat();
        let entries = parse(&output).expect("three entries");
        let told: Vec<_> = entries.iter().map(|entry| (entry.kind, entry.size, entry.path.as_slice())).collect();
        assert_eq!(
            told,
            [
                (Kind::File, Some(12), &b"a\tb\n.proto"[..]),
                (Kind::Link, Some(7), b"\xff\\.."),
                (Kind::Submodule, None, b"vendor"),
            ]
        );
    }

    #[test]
    fn what_git_does_not_print_is_told() {
        for output in [
            "100644 blob 12\ta\0".to_owned(),
            format!("100644 blob {ID} 12\ta"),
            format!("100644 blob {ID} 12 13\ta\0"),
            format!("100644 blob {ID} 12\t\0"),
            format!("100644 blob {ID} -1\ta\0"),
            format!("100644 thing {ID} 1\ta\0"),
            "\0".to_owned(),
        ] {
            assert!(parse(output.as_bytes()).is_err(), "{output:?}");
        }
    }
}
