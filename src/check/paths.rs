//! Paths as people want to see them.

use std::path::{Component, Path, PathBuf};

/// A path without `.` and without folders that `..` leaves again, with `/` between its parts.
///
/// What is a link stays unseen: this is for people, and for annotations that name files of a repository.
pub(crate) fn shown(path: &Path) -> String {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(clean.components().next_back(), Some(Component::Normal(_))) => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    let shown = clean.display().to_string().replace('\\', "/");
    if shown.is_empty() { ".".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_are_left_again_are_not_shown() {
        for (path, clean) in [
            ("a/../b/./c.proto", "b/c.proto"),
            ("../a/b.proto", "../a/b.proto"),
            ("../../a/../b", "../../b"),
            ("./protos/x.proto", "protos/x.proto"),
            ("/abs/../x", "/x"),
            (".", "."),
        ] {
            assert_eq!(shown(Path::new(path)), clean, "{path}");
        }
    }
}
