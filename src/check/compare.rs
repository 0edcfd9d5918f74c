//! All differences between two images, by rule.

mod defaults;
mod deleted;
mod effect;
mod enums;
mod field;
mod fields;
mod files;
mod index;
mod messages;
mod names;
mod ranges;
mod report;
mod services;
mod types;

use self::index::Index;
use self::names::Names;
use self::report::Report;
use super::{Difference, Image, Place};

/// How to compare.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Packages, messages, enums, services and methods that go by another name in the newer version, as (old, new) full
    /// names: what a step renames is compared with what it became, not reported as gone. What lies within goes along.
    pub renamed: Vec<(String, String)>,
}

/// All differences, in the order of their places.
#[must_use]
pub fn compare(old: &Image, new: &Image, options: &Options) -> Vec<Difference> {
    let (old, new) = (Index::new(old.files()), Index::new(new.files()));
    let names = Names::new(&old, &new, options);
    let mut report = Report { old: &old, new: &new, names: &names, found: Vec::new() };
    files::compare(&mut report);
    deleted::compare(&mut report);
    messages::compare(&mut report);
    enums::compare(&mut report);
    services::compare(&mut report);
    let mut found = report.found;
    found.sort_by(|one, another| by_place(one).cmp(&by_place(another)));
    found
}

fn by_place(difference: &Difference) -> impl Ord + use<'_> {
    let place = |place: &'_ Place| (place.side, place.line, place.column);
    let file = difference.place.as_ref().map(|place| place.file.as_str());
    (
        file,
        difference.place.as_ref().map(place),
        difference.rule.id,
        difference.element.as_str(),
        difference.what.as_str(),
    )
}
