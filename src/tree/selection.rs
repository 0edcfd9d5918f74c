//! Which entries of a tree are taken, and which make it unfit: histories hold names that no file system would.

use std::collections::BTreeMap;

use super::listing::{Entry, Kind, ObjectId};
use super::{TreeError, shown};

/// How many files are taken.
const FILES: usize = 10_000;
/// How many entries are looked at, over all that links lead to.
const ENTRIES: usize = 200_000;
/// The most bytes of one file.
const FILE_SIZE: u64 = 16 << 20;
/// The most bytes of all files.
pub(crate) const TOTAL_SIZE: u64 = 128 << 20;
/// How deep folders nest.
const DEPTH: usize = 32;

/// What is taken so far.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    files: BTreeMap<String, ObjectId>,
    size: u64,
    seen: usize,
}

/// A link that has to be followed before it is known what it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) path: String,
    /// Whether it goes by the name of a file that matters, and not maybe by that of a folder.
    pub(crate) matters: bool,
}

impl Selection {
    /// Takes what matters of `entries`, which lie below the folder `prefix` of the selection; empty for its root.
    pub(crate) fn add(&mut self, prefix: &str, entries: &[Entry]) -> Result<Vec<Link>, TreeError> {
        self.seen += entries.len();
        if self.seen > ENTRIES {
            return Err(TreeError::new(format!("holds more than {ENTRIES} files"), NARROWER));
        }
        let mut links = Vec::new();
        for entry in entries {
            let path = join(prefix.as_bytes(), &entry.path);
            refuse_malformed(&path)?;
            let matters = matters(&path);
            match entry.kind {
                Kind::Submodule => {
                    return Err(TreeError::new(
                        format!("`{}` is a submodule, whose files the repository does not hold", shown(&path)),
                        "name a folder beside it, or go into the submodule and name a revision of its own",
                    ));
                }
                Kind::File if matters => self.take(&plain(&path)?, &entry.id, entry.size.unwrap_or(0))?,
                Kind::Link if matters => links.push(Link { path: plain(&path)?, matters }),
                Kind::Folder | Kind::File => {}
                // A folder or nothing; one whose name cannot be asked for is not what imports name, either.
                Kind::Link => links.extend(plain(&path).ok().map(|path| Link { path, matters })),
            }
        }
        Ok(links)
    }

    /// Takes one file.
    pub(crate) fn take(&mut self, path: &str, id: &ObjectId, size: u64) -> Result<(), TreeError> {
        if size > FILE_SIZE {
            let what = format!("`{path}` has {size} bytes; more than {FILE_SIZE} are not read");
            return Err(TreeError::new(what, NARROWER));
        }
        self.size += size;
        if self.size > TOTAL_SIZE {
            let what = format!("the protos have more than {TOTAL_SIZE} bytes together");
            return Err(TreeError::new(what, NARROWER));
        }
        if self.files.insert(path.to_owned(), id.clone()).is_some() {
            let what = format!("two files are named `{path}`");
            return Err(TreeError::new(what, "mend the tree: git fsck tells of it"));
        }
        if self.files.len() > FILES {
            return Err(TreeError::new(format!("holds more than {FILES} protos"), NARROWER));
        }
        Ok(())
    }

    /// The files that were taken, by their path, with what is in them.
    pub(crate) fn files(&self) -> &BTreeMap<String, ObjectId> {
        &self.files
    }
}

const NARROWER: &str = "name the folder that holds the protos and nothing else";

/// What the file holds, unless it stands for something that lies elsewhere.
pub(crate) fn refuse_pointer(path: &str, content: &[u8]) -> Result<(), TreeError> {
    if content.starts_with(b"version https://git-lfs.github.com/spec/") {
        return Err(TreeError::new(
            format!("`{path}` is kept in Git LFS; the repository holds a pointer to it only"),
            "check the revision out (git worktree add, git lfs pull), and name the folder on disk",
        ));
    }
    Ok(())
}

/// Whether a file of this name matters to a protocol.
fn matters(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    name.ends_with(b".proto")
        || name.ends_with(b".binpb")
        || matches!(name, b"protocol.toml" | b"step.toml" | b"straddle.lock")
}

/// Git never checks such names out, and keeps them in damaged or hostile histories only: whatever they name, the whole
/// tree is not to be trusted.
fn refuse_malformed(path: &[u8]) -> Result<(), TreeError> {
    let parts = || path.split(|byte| *byte == b'/');
    let odd = |part: &[u8]| matches!(part, b"" | b"." | b"..") || part.eq_ignore_ascii_case(b".git");
    if parts().any(odd) || path.contains(&0) {
        return Err(TreeError::new(
            format!("`{}` is no name that git would check out", shown(path)),
            "do not use this history; git fsck tells more",
        ));
    }
    if parts().count() > DEPTH {
        let what = format!("`{}` lies more than {DEPTH} folders deep", shown(path));
        return Err(TreeError::new(what, NARROWER));
    }
    Ok(())
}

/// The path as text, if an import can name it on every system.
fn plain(path: &[u8]) -> Result<String, TreeError> {
    let text = std::str::from_utf8(path).ok().filter(|text| !text.contains('\\') && !text.contains(char::is_control));
    text.map(str::to_owned).ok_or_else(|| {
        TreeError::new(
            format!("the name `{}` is not plain text, so no import can name it", shown(path)),
            "rename the file, or name a folder that does not hold it",
        )
    })
}

fn join(prefix: &[u8], path: &[u8]) -> Vec<u8> {
    if prefix.is_empty() { path.to_vec() } else { [prefix, b"/", path].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: Kind, path: &[u8], size: u64) -> Entry {
        let id = ObjectId::new(&"a".repeat(40)).expect("a name");
        Entry { kind, id, size: Some(size), path: path.to_vec() }
    }

    #[test]
    fn only_what_matters_is_taken() {
        let mut selection = Selection::default();
        let named: &[&[u8]] = &[b"a.proto", b"b/step.toml", b"README", b"\xff.md", b"a\n.txt", b"x.proto.orig"];
        let entries: Vec<_> = named.iter().map(|name| entry(Kind::File, name, 1)).collect();
        assert_eq!(selection.add("", &entries).expect("plain names"), []);
        assert_eq!(selection.files().keys().collect::<Vec<_>>(), ["a.proto", "b/step.toml"]);
    }

    #[test]
    fn links_are_told_with_their_place() {
        let found = Selection::default().add("sub", &[entry(Kind::Link, b"a.proto", 3), entry(Kind::Link, b"dir", 3)]);
        let link = |path: &str, matters| Link { path: path.to_owned(), matters };
        assert_eq!(found.expect("links"), [link("sub/a.proto", true), link("sub/dir", false)]);
    }

    #[test]
    fn what_is_odd_or_too_much_is_refused() {
        let deep = ["d/"; 40].concat() + "x";
        let cases: &[(&[u8], u64, &str)] = &[
            (b"../a.proto", 1, "git would check out"),
            (b"/a.proto", 1, "git would check out"),
            (b"a/./b", 1, "git would check out"),
            (b"a/.Git/config", 1, "git would check out"),
            (b"a\n.proto", 1, "not plain text"),
            (b"a\\b.proto", 1, "not plain text"),
            (b"\xff.proto", 1, "not plain text"),
            (b"a.proto", (16 << 20) + 1, "bytes"),
            (deep.as_bytes(), 1, "deep"),
        ];
        for (path, size, expected) in cases {
            let error = Selection::default().add("", &[entry(Kind::File, path, *size)]).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}");
        }
        let twice = [entry(Kind::File, b"a.proto", 1), entry(Kind::File, b"a.proto", 1)];
        assert!(Selection::default().add("", &twice).is_err());
        let submodule = [entry(Kind::Submodule, b"vendor", 0)];
        assert!(Selection::default().add("", &submodule).is_err());
    }

    #[test]
    fn too_many_files_are_refused() {
        let many: Vec<_> =
            (0..=FILES).map(|number| entry(Kind::File, format!("{number}.proto").as_bytes(), 1)).collect();
        assert!(Selection::default().add("", &many).is_err());
        let large: Vec<_> =
            (0..9).map(|number| entry(Kind::File, format!("{number}.proto").as_bytes(), FILE_SIZE)).collect();
        assert!(Selection::default().add("", &large).is_err());
    }
}
