//! What was found so far, with its places.

use super::super::rule::Id;
use super::super::{Difference, Effect, Place, Rule, Side};
use super::index::{Declared, Index};
use super::names::Names;

/// Two images that are compared, and what differs between them.
pub(super) struct Report<'a> {
    pub(super) old: &'a Index<'a>,
    pub(super) new: &'a Index<'a>,
    pub(super) names: &'a Names<'a>,
    pub(super) found: Vec<Difference>,
}

/// Where a difference shows.
#[derive(Clone, Copy)]
pub(super) enum At<'p> {
    /// In a newer file: the first of these paths that has a place, else the file's first line.
    New(usize, &'p [&'p [i32]]),
    /// In an older file.
    Old(usize, &'p [i32]),
}

/// What a difference is about.
pub(super) struct About {
    pub(super) group: String,
    pub(super) element: String,
}

impl About {
    /// Something within a group.
    pub(super) fn part(group: &str, name: &str) -> Self {
        Self { group: group.to_owned(), element: format!("{group}.{name}") }
    }

    /// The group itself.
    pub(super) fn whole(group: &str) -> Self {
        Self { group: group.to_owned(), element: group.to_owned() }
    }
}

impl Report<'_> {
    pub(super) fn add(&mut self, rule: Id, at: At<'_>, about: About, what: String, effect: Effect) {
        self.add_of(rule.rule(), at, about, what, effect);
    }

    /// As [`add`](Self::add), by a rule that is none of the table's.
    pub(super) fn add_of(&mut self, rule: &'static Rule, at: At<'_>, about: About, what: String, effect: Effect) {
        let place = Some(self.place(at));
        let About { group, element } = about;
        self.found.push(Difference { rule, place, element, group, what, effect });
    }

    fn place(&self, at: At<'_>) -> Place {
        let (file, span, side) = match at {
            At::New(file, paths) => {
                let file = &self.new.files[file];
                (file.item.name(), paths.iter().find_map(|path| file.span(path)), Side::New)
            }
            At::Old(file, path) => {
                let file = &self.old.files[file];
                (file.item.name(), file.span(path), Side::Old)
            }
        };
        // Source info counts from 0, and says the last line only where it is another one.
        let (line, column, end) = match span {
            Some([line, column, end]) => (*line, *column, Some(*end)),
            Some([line, column, ..]) => (*line, *column, None),
            _ => (0, 0, None),
        };
        let from_one = |number: i32| usize::try_from(number).unwrap_or(0) + 1;
        let file = file.to_owned();
        Place { file, line: from_one(line), column: from_one(column), end: end.map(from_one), side }
    }
}

/// The place of a declaration of the newer version.
pub(super) fn at<'p, T>(declared: &Declared<'_, T>, paths: &'p [&'p [i32]]) -> At<'p> {
    At::New(declared.file, paths)
}
