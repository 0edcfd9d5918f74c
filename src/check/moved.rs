//! Packages that seem to go by another name: gone in one version, come in the other, with the same names within.

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::Schema;

/// Packages of the older version with what they seem to be called in the newer one, each at most once.
pub(crate) fn packages(old: &Schema, new: &Schema) -> Vec<(String, String)> {
    let (olds, news) = (declared(old), declared(new));
    let mut candidates = Vec::new();
    for (package, names) in olds.iter().filter(|(package, _)| !news.contains_key(*package)) {
        for (other, other_names) in news.iter().filter(|(other, _)| !olds.contains_key(*other)) {
            let common = names.intersection(other_names).count();
            // At least half of the names, or one where only the version in the package's name differs.
            let half = 2 * common >= names.len().max(other_names.len());
            if common > 0 && (half || without_version(package) == without_version(other)) {
                candidates.push((common, package, other));
            }
        }
    }
    candidates.sort_by_key(|(common, package, other)| (std::cmp::Reverse(*common), *package, *other));
    let (mut taken, mut given) = (BTreeSet::new(), BTreeSet::new());
    let mut found = Vec::new();
    for (_, package, other) in candidates {
        if !taken.contains(package) && !given.contains(other) {
            taken.insert(package);
            given.insert(other);
            found.push((package.clone(), other.clone()));
        }
    }
    found.sort();
    found
}

/// The names that each package declares, counted from the package.
pub(crate) fn declared(schema: &Schema) -> BTreeMap<String, BTreeSet<String>> {
    let pool = schema.pool();
    let messages = pool.all_messages().filter(|one| !one.is_map_entry());
    let messages = messages.map(|one| (one.package_name().to_owned(), one.full_name().to_owned()));
    let enums = pool.all_enums().map(|one| (one.package_name().to_owned(), one.full_name().to_owned()));
    let services = pool.services().map(|one| (one.package_name().to_owned(), one.full_name().to_owned()));
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (package, name) in messages.chain(enums).chain(services).filter(|(package, _)| !of_protobuf(package)) {
        let within = name[package.len()..].trim_start_matches('.').to_owned();
        found.entry(package).or_default().insert(within);
    }
    found
}

/// Whether a package is one of the well-known types.
pub(crate) fn of_protobuf(package: &str) -> bool {
    package == "google.protobuf" || package.starts_with("google.protobuf.")
}

/// A package without the part that names its version: `shop.v1beta1.admin` is `shop.admin`.
pub(crate) fn without_version(package: &str) -> Vec<&str> {
    let is_version = |part: &&str| {
        let rest = part.strip_prefix('v').unwrap_or_default();
        rest.starts_with(|first: char| first.is_ascii_digit()) && rest.chars().all(char::is_alphanumeric)
    };
    package.split('.').filter(|part| !is_version(part)).collect()
}
