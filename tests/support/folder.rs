//! Protocols written to a temporary folder.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// A folder with these files, given as (path, content).
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, content) in files {
        write(folder.path(), path, content.as_bytes());
    }
    folder
}

/// Writes a file below `root`, and the folders that lead to it.
pub(crate) fn write(root: &Path, path: &str, content: &[u8]) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().expect("a file in a folder")).expect("its folder");
    fs::write(file, content).expect("the file");
}
