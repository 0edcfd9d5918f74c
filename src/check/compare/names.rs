//! Who is whose counterpart where the newer version has other names.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Options;
use super::index::{Index, join};

/// From the older version's full names to the newer one's.
pub(super) struct Names<'a> {
    renamed: HashMap<&'a str, &'a str>,
    /// By the older index's position.
    packages: Vec<Cow<'a, str>>,
    /// The newer file of each older one, by position.
    files: Vec<Option<usize>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(old: &Index<'a>, new: &Index<'a>, options: &'a Options) -> Self {
        let mut renamed: HashMap<&str, &str> =
            options.renamed.iter().map(|(old, new)| (old.as_str(), new.as_str())).collect();
        for file in &old.files {
            let package = file.item.package();
            // A package within a renamed one moves along, unless the newer version still has it where it was.
            if !renamed.contains_key(package) && (new.has_package(package) || !within_renamed(&renamed, package)) {
                renamed.insert(package, package);
            }
        }
        let mut names = Self { renamed, packages: Vec::new(), files: Vec::new() };
        names.packages = old.files.iter().map(|file| names.now(file.item.package())).collect();
        names.files = (0..old.files.len()).map(|file| names.counterpart(old, new, file)).collect();
        names
    }

    /// What the newer version calls what the older one called `name`: by the longest part of it that was renamed.
    pub(super) fn now<'n>(&self, name: &'n str) -> Cow<'n, str>
    where
        'a: 'n,
    {
        let mut scope = name;
        loop {
            if let Some(now) = self.renamed.get(scope) {
                if *now == scope {
                    return Cow::Borrowed(name);
                }
                let rest = name[scope.len()..].trim_start_matches('.');
                return if rest.is_empty() { Cow::Borrowed(*now) } else { Cow::Owned(join(now, rest)) };
            }
            match scope.rfind('.') {
                Some(dot) => scope = &scope[..dot],
                None if scope.is_empty() => return Cow::Borrowed(name),
                None => scope = "",
            }
        }
    }

    /// Whether a reference to `old` (with a leading dot) became one to `new`.
    pub(super) fn same_type(&self, old: &str, new: &str) -> bool {
        self.now(old.trim_start_matches('.')) == new.trim_start_matches('.')
    }

    /// The newer name of the package of an older file.
    pub(super) fn package(&self, file: usize) -> &str {
        &self.packages[file]
    }

    /// The newer file that took the place of an older one.
    pub(super) fn file(&self, file: usize) -> Option<usize> {
        self.files[file]
    }

    /// Whether an element, or a message around it, was renamed by itself, not only with its package.
    pub(super) fn is_renamed_alone(&self, name: &str, package: &str) -> bool {
        let mut scope = name;
        while scope.len() > package.len() {
            if self.renamed.contains_key(scope) {
                return true;
            }
            scope = scope.rfind('.').map_or("", |dot| &scope[..dot]);
        }
        false
    }

    /// By path; where the package was renamed, by the path with the package's folders renamed too, or by the file's own
    /// name, if just one file of the package has it.
    fn counterpart(&self, old: &Index<'a>, new: &Index<'a>, file: usize) -> Option<usize> {
        let item = old.files[file].item;
        let package = self.package(file);
        let of_package = |found: &usize| new.files[*found].item.package() == package;
        if item.package() == package {
            return new.file_named(item.name());
        }
        let moved = moved_path(item.name(), item.package(), package);
        let by_path = moved.and_then(|path| new.file_named(&path)).filter(of_package);
        let in_place = || new.file_named(item.name()).filter(of_package);
        let by_own_name = || {
            let mut same = (0..new.files.len())
                .filter(|found| of_package(found) && own_name(new.files[*found].item.name()) == own_name(item.name()));
            same.next().filter(|_| same.next().is_none())
        };
        by_path.or_else(in_place).or_else(by_own_name)
    }
}

fn within_renamed(renamed: &HashMap<&str, &str>, package: &str) -> bool {
    let mut scope = package;
    while let Some(dot) = scope.rfind('.') {
        scope = &scope[..dot];
        if renamed.contains_key(scope) {
            return true;
        }
    }
    false
}

fn own_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// `path` with the folders that differ between two packages exchanged: of `shop.v1` and `shop.v2`, `shop/v1/a.proto`
/// becomes `shop/v2/a.proto`.
fn moved_path(path: &str, old: &str, new: &str) -> Option<String> {
    let old: Vec<&str> = old.split('.').collect();
    let new: Vec<&str> = new.split('.').collect();
    let front = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[front..], &new[front..]);
    let back = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[..old.len() - back], &new[..new.len() - back]);
    let parts: Vec<&str> = path.split('/').collect();
    let folders = parts.len() - 1;
    if old.is_empty() || folders < old.len() {
        return None;
    }
    let start = (0..=folders - old.len()).rev().find(|start| &parts[*start..start + old.len()] == old)?;
    Some([&parts[..start], new, &parts[start + old.len()..]].concat().join("/"))
}

#[cfg(test)]
mod tests {
    use super::moved_path;

    #[test]
    fn a_path_moves_with_the_folders_of_its_package() {
        let cases = [
            (
                "grpc/reflection/v1alpha/r.proto",
                "grpc.reflection.v1alpha",
                "grpc.reflection.v1",
                Some("grpc/reflection/v1/r.proto"),
            ),
            ("v1/api.proto", "runtime.v1", "runtime.v2", Some("v2/api.proto")),
            ("a/v1/sub/b.proto", "a.v1.sub", "a.v2.sub", Some("a/v2/sub/b.proto")),
            ("shop/b.proto", "shop", "store.v1", Some("store/v1/b.proto")),
            ("b.proto", "shop", "store", None),
            ("other/b.proto", "shop", "store", None),
        ];
        for (path, old, new, moved) in cases {
            assert_eq!(moved_path(path, old, new).as_deref(), moved, "{path}");
        }
    }
}
