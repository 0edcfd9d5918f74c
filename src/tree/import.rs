//! From a revision and a path to files.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use tempfile::TempDir;

use super::git::{self, Output};
use super::listing::{self, Kind, Malformed, ObjectId};
use super::objects::{self, Found, Mode};
use super::selection::{self, Link, Selection};
use super::{TreeError, shown};
use crate::nearest::nearest;

/// How many bytes of a listing are read: git's own repository has 0.3 MB of it.
const LISTING: u64 = 64 << 20;
/// How many bytes are read of what is short.
const SHORT: u64 = 4 << 20;
/// How many links to folders may be on the way to a file.
const LINKS: usize = 8;

/// The files by their path below `path`, with what is in them.
pub(super) fn files(directory: &Path, revision: &str, path: &str) -> Result<BTreeMap<String, Vec<u8>>, TreeError> {
    let root = resolve(directory, revision)?;
    let start = from_root(directory, path)?;
    let (folder, mut selection) = (folder(directory, &root, &start)?, Selection::default());
    let mut pending = vec![(String::new(), folder, 0)];
    while let Some((prefix, tree, links)) = pending.pop() {
        let arguments = ["ls-tree", "-r", "-z", "-l", "--full-tree", tree.as_str()];
        let listing = git::run(directory, &arguments, &[], LISTING)?.checked()?;
        let found = selection.add(&prefix, &listing::parse(&listing)?)?;
        for (link, folder) in follow(directory, &root, &start, &found, &mut selection)? {
            if links == LINKS {
                let what = format!("`{link}`: more than {LINKS} links follow each other");
                return Err(TreeError::new(what, "remove the link that leads in a circle"));
            }
            pending.push((link, folder, links + 1));
        }
    }
    if selection.files().is_empty() {
        return Err(TreeError::new("there are no .proto files in it", "name the folder that holds the protos"));
    }
    let wanted: String = selection.files().values().flat_map(|id| [id.as_str(), "\n"]).collect();
    // Each object comes with a line of its own.
    let limit = selection::TOTAL_SIZE + 128 * selection.files().len() as u64;
    let output = git::run(directory, &["cat-file", "--batch"], wanted.as_bytes(), limit)?.checked()?;
    gather(&selection, &output)
}

/// What is in each file, out of what git printed for them in their order.
pub(crate) fn gather(selection: &Selection, output: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, TreeError> {
    let found = objects::parse(output, Mode::Content)?;
    if found.len() != selection.files().len() {
        return Err(Malformed(format!("{} objects for {}", found.len(), selection.files().len())).into());
    }
    let mut files = BTreeMap::new();
    for ((path, wanted), found) in selection.files().iter().zip(found) {
        match found {
            Found::Object { id, kind: "blob", content, .. } if id == *wanted => {
                selection::refuse_pointer(path, content)?;
                files.insert(path.clone(), content.to_vec());
            }
            Found::Missing => {
                return Err(TreeError::new(
                    format!("the repository lacks what `{path}` held"),
                    "a partial clone lacks what was never checked out: check the revision out, or clone without --filter",
                ));
            }
            other => return Err(Malformed(format!("{other:?} for `{path}`")).into()),
        }
    }
    Ok(files)
}

/// Writes files to a temporary folder.
pub(super) fn unpack(files: &BTreeMap<String, Vec<u8>>) -> Result<TempDir, TreeError> {
    let folder = tempfile::Builder::new().prefix("straddle-").tempdir().map_err(|error| {
        TreeError::new(format!("no temporary folder can be made: {error}"), "check TMPDIR and the space that is left")
    })?;
    for (path, content) in files {
        // `Selection` took no path that leads out of a folder.
        let file = folder.path().join(path);
        let written = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            // Where case does not count, two names may be one.
            fs::File::create_new(&file)?.write_all(content)
        });
        written.map_err(|error| {
            let advice = "check the space that is left; names that differ in their case only need a file system that \
                          tells them apart";
            TreeError::new(format!("`{path}` cannot be unpacked: {error}"), advice)
        })?;
    }
    Ok(folder)
}

/// The tree of a revision.
fn resolve(directory: &Path, revision: &str) -> Result<ObjectId, TreeError> {
    let shallow = git::run(directory, &["rev-parse", "--is-shallow-repository"], &[], SHORT)?.checked()?;
    let wanted = format!("{revision}^{{tree}}");
    let found = git::run(directory, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted], &[], SHORT)?;
    if let Some(id) = object_id(&found) {
        return Ok(id);
    }
    let formats = ["for-each-ref", "--format=%(refname:short)", "refs/tags", "refs/heads", "refs/remotes"];
    let names = git::run(directory, &formats, &[], SHORT)?.checked().unwrap_or_default();
    let names = String::from_utf8_lossy(&names);
    let longer = || names.lines().find(|name| name.starts_with(revision));
    let advice = if let Some(near) = nearest(revision, names.lines()).or_else(longer) {
        format!("did you mean `{near}`?")
    } else if shallow.starts_with(b"true") {
        "the clone is shallow, and may lack it: git fetch --unshallow --tags".to_owned()
    } else if names.is_empty() {
        "the repository has no tags and no branches here: git fetch --tags".to_owned()
    } else {
        "`git tag` lists the tags; git fetch --tags brings those of the remote".to_owned()
    };
    Err(TreeError::new(format!("there is no revision `{revision}` with files"), advice))
}

/// The path from the root of the repository, without anything odd in it; empty for the root.
fn from_root(directory: &Path, path: &str) -> Result<String, TreeError> {
    if path.starts_with('/') || path.contains(char::is_control) {
        let what = format!("`{}` is no path within a repository", shown(path.as_bytes()));
        return Err(TreeError::new(what, "write the path from the repository's root, or ./PATH from here"));
    }
    let mut parts: Vec<String> = Vec::new();
    if path == "." || path == ".." || path.starts_with("./") || path.starts_with("../") {
        let here = git::run(directory, &["rev-parse", "--show-prefix"], &[], SHORT)?.checked()?;
        let here = String::from_utf8(here).map_err(|error| Malformed(error.to_string()))?;
        parts.extend(here.trim_end_matches('\n').split('/').filter(|part| !part.is_empty()).map(str::to_owned));
    }
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part != ".." {
            parts.push(part.to_owned());
        } else if parts.pop().is_none() {
            let what = format!("`{path}` leads out of the repository");
            return Err(TreeError::new(what, "write the path from the repository's root, or ./PATH from here"));
        }
    }
    Ok(parts.join("/"))
}

fn folder(directory: &Path, root: &ObjectId, path: &str) -> Result<ObjectId, TreeError> {
    let asked = [place(root, "", path)];
    match check(directory, &asked)?.parsed()?.pop() {
        Some(Found::Object { id, kind: "tree", .. }) => Ok(id),
        Some(Found::Object { kind: "blob", .. }) => {
            Err(TreeError::new(format!("`{path}` is a file there"), "name the folder that holds it"))
        }
        Some(Found::Outside(target)) => Err(TreeError::new(
            format!("`{path}` is a link out of the repository, to `{}`", shown(target)),
            "name the folder that it leads to",
        )),
        Some(Found::Object { .. }) => Err(submodule(path)),
        _ => Err(absent(directory, root, path)),
    }
}

fn absent(directory: &Path, root: &ObjectId, path: &str) -> TreeError {
    let arguments = ["ls-tree", "-r", "-d", "-t", "-l", "-z", "--full-tree", root.as_str()];
    let listing = git::run(directory, &arguments, &[], SHORT).and_then(Output::checked).unwrap_or_default();
    let folders = listing::parse(&listing).unwrap_or_default();
    if folders.iter().any(|entry| entry.kind == Kind::Submodule && entry.path == path.as_bytes()) {
        return submodule(path);
    }
    let names: Vec<_> = folders.iter().map(|entry| String::from_utf8_lossy(&entry.path)).collect();
    let advice = match nearest(path, names.iter().map(|name| &**name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write the path from the repository's root, or ./PATH from here".to_owned(),
    };
    TreeError::new(format!("there is no folder `{path}` at this revision"), advice)
}

fn submodule(path: &str) -> TreeError {
    TreeError::new(
        format!("`{path}` is a submodule there, whose files the repository does not hold"),
        "go into the submodule and name a revision of its own",
    )
}

/// Takes the files that links lead to, and gives the folders, each with its place.
fn follow(
    directory: &Path,
    root: &ObjectId,
    start: &str,
    links: &[Link],
    selection: &mut Selection,
) -> Result<Vec<(String, ObjectId)>, TreeError> {
    let asked: Vec<String> = links.iter().map(|link| place(root, start, &link.path)).collect();
    let checked = check(directory, &asked)?;
    let found = checked.parsed()?;
    if found.len() != links.len() {
        return Err(Malformed(format!("{} answers for {} links", found.len(), links.len())).into());
    }
    let mut folders = Vec::new();
    for (link, found) in links.iter().zip(found) {
        let path = &link.path;
        match found {
            Found::Object { id, kind: "blob", size, .. } if link.matters => selection.take(path, &id, size)?,
            Found::Object { id, kind: "tree", .. } => folders.push((path.clone(), id)),
            Found::Outside(target) => {
                return Err(TreeError::new(
                    format!("`{path}` is a link out of the repository, to `{}`", shown(target)),
                    "put what it leads to into the repository, or name a folder that does not hold it",
                ));
            }
            Found::Broken | Found::Missing if link.matters => {
                let what = format!("`{path}` is a link that leads nowhere");
                return Err(TreeError::new(what, "mend it, or name a folder that does not hold it"));
            }
            // A link to another file, or one that leads nowhere, matters as little here as on disk.
            _ => {}
        }
    }
    Ok(folders)
}

/// How git names what lies there.
fn place(root: &ObjectId, start: &str, path: &str) -> String {
    let between = if start.is_empty() || path.is_empty() { "" } else { "/" };
    format!("{}:{start}{between}{path}", root.as_str())
}

/// What `cat-file` says of places.
struct Checked(Vec<u8>);

fn check(directory: &Path, places: &[String]) -> Result<Checked, TreeError> {
    if places.is_empty() {
        return Ok(Checked(Vec::new()));
    }
    // No place holds a line feed: `from_root` and `Selection` saw to that.
    let input: String = places.iter().flat_map(|place| [place, "\n"]).collect();
    let arguments = ["cat-file", "--batch-check", "--follow-symlinks"];
    Ok(Checked(git::run(directory, &arguments, input.as_bytes(), LISTING)?.checked()?))
}

impl Checked {
    fn parsed(&self) -> Result<Vec<Found<'_>>, TreeError> {
        Ok(objects::parse(&self.0, Mode::Check)?)
    }
}

fn object_id(output: &Output) -> Option<ObjectId> {
    let text = std::str::from_utf8(&output.stdout).ok()?;
    ObjectId::new(text.trim_end()).filter(|_| output.succeeded)
}
