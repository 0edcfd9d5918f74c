//! Messages, enums, services and extensions that are gone from their file, or from their package.

use std::collections::HashSet;

use super::super::rule::Id;
use super::effect::elements;
use super::index::{Declared, Index, Named, join};
use super::report::{About, At, Report};

/// The rules about one kind of declaration.
#[derive(Clone, Copy)]
struct Rules {
    kind: &'static str,
    from_file: Id,
    from_package: Id,
}

pub(super) fn compare(report: &mut Report<'_>) {
    let (old, new) = (report.old, report.new);
    let rules = |kind, from_file, from_package| Rules { kind, from_file, from_package };
    let messages = rules("message", Id::MESSAGE_NO_DELETE, Id::PACKAGE_MESSAGE_NO_DELETE);
    let enums = rules("enum", Id::ENUM_NO_DELETE, Id::PACKAGE_ENUM_NO_DELETE);
    let services = rules("service", Id::SERVICE_NO_DELETE, Id::PACKAGE_SERVICE_NO_DELETE);
    let extensions = rules("extension", Id::EXTENSION_NO_DELETE, Id::PACKAGE_EXTENSION_NO_DELETE);
    of_kind(report, messages, &old.messages, &new.messages);
    of_kind(report, enums, &old.enums, &new.enums);
    of_kind(report, services, &old.services, &new.services);
    of_kind(report, extensions, &old.extensions, &new.extensions);
}

fn of_kind<'a, T>(report: &mut Report<'_>, rules: Rules, olds: &Named<'a, T>, news: &Named<'a, T>) {
    // Buf passes over packages that have none of the kind left, except for services; FILE tells of them.
    let left: HashSet<&str> = match rules.from_package {
        Id::PACKAGE_SERVICE_NO_DELETE => report.new.files.iter().map(|file| file.item.package()).collect(),
        _ => news.iter().map(|new| report.new.files[new.file].item.package()).collect(),
    };
    for old in olds.iter() {
        let now = report.names.now(&old.name).into_owned();
        let package = report.old.files[old.file].item.package();
        // What a step renames by itself may lie wherever it wants.
        if news.get(&now).is_some() && report.names.is_renamed_alone(&old.name, package) {
            continue;
        }
        if let Some(file) = report.names.file(old.file) {
            from_file(report, rules, (old, file), news);
        }
        if news.get(&now).is_none() && left.contains(report.names.package(old.file)) {
            from_package(report, rules, old, &now);
        }
    }
}

fn from_file<T>(report: &mut Report<'_>, rules: Rules, (old, file): (&Declared<'_, T>, usize), news: &Named<'_, T>) {
    // In a file whose package changed without a word, things still go by the names within the file.
    let package = report.new.files[file].item.package();
    let within = within_package(&report.names.now(&old.name), report.names.package(old.file)).to_owned();
    if news.get(&join(package, &within)).is_some_and(|new| new.file == file) {
        return;
    }
    let around = enclosing(report.new, file, package, &within);
    let what = format!(
        "the {} {} is gone from its file",
        rules.kind,
        within_package(&old.name, report.old.files[old.file].item.package())
    );
    add(report, rules.from_file, around, file, old, what);
}

fn from_package<T>(report: &mut Report<'_>, rules: Rules, old: &Declared<'_, T>, now: &str) {
    let what = format!(
        "the {} {} is gone from its package",
        rules.kind,
        within_package(&old.name, report.old.files[old.file].item.package())
    );
    let Some(file) = report.names.file(old.file) else {
        let about = About::whole(&old.name);
        report.add(rules.from_package, At::Old(old.file, old.shown()), about, what, elements::type_deleted());
        return;
    };
    let package = report.names.package(old.file).to_owned();
    let within = within_package(now, &package).to_owned();
    let around = enclosing(report.new, file, &package, &within);
    add(report, rules.from_package, around, file, old, what);
}

/// At the message around it that is left, else at the file.
fn add<T>(
    report: &mut Report<'_>,
    rule: Id,
    around: Option<(usize, Vec<i32>)>,
    file: usize,
    old: &Declared<'_, T>,
    what: String,
) {
    let about = About::whole(&old.name);
    match around {
        Some((file, path)) => report.add(rule, At::New(file, &[&path]), about, what, elements::type_deleted()),
        None => report.add(rule, At::New(file, &[]), about, what, elements::type_deleted()),
    }
}

/// The innermost message around a name that a file still has.
fn enclosing(new: &Index<'_>, file: usize, package: &str, within: &str) -> Option<(usize, Vec<i32>)> {
    let mut scope = within;
    while let Some(dot) = scope.rfind('.') {
        scope = &scope[..dot];
        if let Some(message) = new.messages.get(&join(package, scope)).filter(|message| message.file == file) {
            return Some((message.file, message.shown().to_vec()));
        }
    }
    None
}

fn within_package<'n>(name: &'n str, package: &str) -> &'n str {
    if package.is_empty() {
        return name;
    }
    name.strip_prefix(package).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name)
}
