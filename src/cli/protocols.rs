//! Where protocols lie, when nobody names one.

use std::path::{Path, PathBuf};

use crate::check::report::is_protocol;

/// The folders that are protocols: `within` itself, and those in it, by name. None where there is no such folder.
pub(super) fn protocols(within: &Path) -> Vec<PathBuf> {
    let listed = if within.as_os_str().is_empty() { Path::new(".") } else { within };
    let entries = listed.read_dir().into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = std::iter::once(within.to_owned())
        .chain(entries.map(|entry| within.join(entry.file_name())))
        .filter(|folder| !folder.as_os_str().is_empty() && is_protocol(folder))
        .collect();
    found.sort();
    found
}
