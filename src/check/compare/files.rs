//! Files, their packages and their options.

use std::collections::BTreeMap;

use prost_types::FileOptions;

use super::super::rule::Id;
use super::effect::elements;
use super::index::{File, Syntax, tag};
use super::report::{About, At, Report};

/// An option of files: the rule about it, its number, its name, and its value as people write it.
type FileOption = (Id, i32, &'static str, fn(&FileOptions) -> String);

const OPTIONS: &[FileOption] = &[
    (Id::FILE_SAME_CC_ENABLE_ARENAS, 31, "cc_enable_arenas", |options| options.cc_enable_arenas().to_string()),
    (Id::FILE_SAME_CC_GENERIC_SERVICES, 16, "cc_generic_services", |options| options.cc_generic_services().to_string()),
    (Id::FILE_SAME_CSHARP_NAMESPACE, 37, "csharp_namespace", |options| options.csharp_namespace().to_owned()),
    (Id::FILE_SAME_GO_PACKAGE, 11, "go_package", |options| options.go_package().to_owned()),
    (Id::FILE_SAME_JAVA_GENERIC_SERVICES, 17, "java_generic_services", |options| {
        options.java_generic_services().to_string()
    }),
    (Id::FILE_SAME_JAVA_MULTIPLE_FILES, 10, "java_multiple_files", |options| options.java_multiple_files().to_string()),
    (Id::FILE_SAME_JAVA_OUTER_CLASSNAME, 8, "java_outer_classname", |options| {
        options.java_outer_classname().to_owned()
    }),
    (Id::FILE_SAME_JAVA_PACKAGE, 1, "java_package", |options| options.java_package().to_owned()),
    (Id::FILE_SAME_OBJC_CLASS_PREFIX, 36, "objc_class_prefix", |options| options.objc_class_prefix().to_owned()),
    (Id::FILE_SAME_OPTIMIZE_FOR, 9, "optimize_for", |options| options.optimize_for().as_str_name().to_owned()),
    (Id::FILE_SAME_PHP_CLASS_PREFIX, 40, "php_class_prefix", |options| options.php_class_prefix().to_owned()),
    (Id::FILE_SAME_PHP_METADATA_NAMESPACE, 44, "php_metadata_namespace", |options| {
        options.php_metadata_namespace().to_owned()
    }),
    (Id::FILE_SAME_PHP_NAMESPACE, 41, "php_namespace", |options| options.php_namespace().to_owned()),
    (Id::FILE_SAME_PY_GENERIC_SERVICES, 18, "py_generic_services", |options| options.py_generic_services().to_string()),
    (Id::FILE_SAME_RUBY_PACKAGE, 45, "ruby_package", |options| options.ruby_package().to_owned()),
    (Id::FILE_SAME_SWIFT_PREFIX, 39, "swift_prefix", |options| options.swift_prefix().to_owned()),
];

pub(super) fn compare(report: &mut Report<'_>) {
    let (old, new) = (report.old, report.new);
    for (position, file) in old.files.iter().enumerate() {
        if let Some(counterpart) = report.names.file(position) {
            pair(report, (position, file), (counterpart, &new.files[counterpart]));
            continue;
        }
        let (what, about) = ("the file is gone".to_owned(), About::whole(file.item.name()));
        report.add(Id::FILE_NO_DELETE, At::Old(position, &[]), about, what, elements::only_code());
    }
    packages(report);
}

fn pair(report: &mut Report<'_>, (old_position, old): (usize, &File<'_>), (position, new): (usize, &File<'_>)) {
    let about = || About::whole(new.item.name());
    let unset = FileOptions::default();
    let options = |file: &File<'_>| file.item.options.clone().unwrap_or_else(|| unset.clone());
    if old.item.options != new.item.options {
        let (was, is) = (options(old), options(new));
        for (rule, number, name, value) in OPTIONS {
            let (was, is) = (value(&was), value(&is));
            if was != is {
                let what = format!("the option {name} was `{was}`, and is `{is}`");
                let path: &[i32] = &[tag::FILE_OPTIONS, *number];
                report.add(*rule, At::New(position, &[path]), about(), what, elements::only_code());
            }
        }
    }
    if old.syntax != new.syntax {
        let name = |syntax: Syntax| if syntax == Syntax::Proto2 { "proto2" } else { "proto3" };
        let what = format!("the file was written in {}, and is in {}", name(old.syntax), name(new.syntax));
        let at = At::New(position, &[&[tag::FILE_SYNTAX]]);
        report.add(Id::FILE_SAME_SYNTAX, at, about(), what, super::effect::both(SYNTAX));
    }
    let (was, is) = (report.names.package(old_position), new.item.package());
    if was != is {
        let what = format!("the package was `{}`, and is `{is}`", old.item.package());
        let at = At::New(position, &[&[tag::FILE_PACKAGE]]);
        report.add(Id::FILE_SAME_PACKAGE, at, about(), what, elements::package_changed());
    }
}

const SYNTAX: &str = "reads the same bytes; presence, unknown values of enums and checks of UTF-8 follow the other syntax, as \
                      the findings on fields and enums say";

fn packages(report: &mut Report<'_>) {
    let (old, new) = (report.old, report.new);
    let mut gone: BTreeMap<&str, usize> = BTreeMap::new();
    for (position, file) in old.files.iter().enumerate() {
        if !new.has_package(report.names.package(position)) {
            let first = gone.entry(file.item.package()).or_insert(position);
            if file.item.name() < old.files[*first].item.name() {
                *first = position;
            }
        }
    }
    for (package, position) in gone {
        let what = format!("the package `{package}` is gone");
        let about = About { group: old.files[position].item.name().to_owned(), element: package.to_owned() };
        let at = At::Old(position, &[tag::FILE_PACKAGE]);
        report.add(Id::PACKAGE_NO_DELETE, at, about, what, elements::package_changed());
    }
}
