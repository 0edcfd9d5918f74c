//! All differences between two images, by rule.

mod additions;
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
use super::{Difference, Effect, Image, Place, Rule};

/// How to compare.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Packages, messages, enums, services and methods that go by another name in the newer version, as (old, new) full
    /// names: what a step renames is compared with what it became, not reported as gone. What lies within goes along.
    pub renamed: Vec<(String, String)>,
}

/// All differences that break a rule, in the order of their places.
#[must_use]
pub fn compare(old: &Image, new: &Image, options: &Options) -> Vec<Difference> {
    let (old, new) = (Index::new(old), Index::new(new));
    let names = Names::new(&old, &new, options);
    sorted(breaking(&old, &new, &names))
}

/// What becomes of data in flight where a package goes by another name.
pub(super) fn package_moved() -> Effect {
    effect::elements::package_changed()
}

/// The same, and what was added, by a rule of the caller's: additions break none of ours.
pub(super) fn compare_with_additions(
    old: &Image,
    new: &Image,
    options: &Options,
    rule: &'static Rule,
) -> (Vec<Difference>, Vec<Difference>) {
    let (old, new) = (Index::new(old), Index::new(new));
    let names = Names::new(&old, &new, options);
    let found = breaking(&old, &new, &names);
    let added = additions::compare((&old, &new), &names, rule, &found);
    (sorted(found), sorted(added))
}

fn breaking(old: &Index<'_>, new: &Index<'_>, names: &Names<'_>) -> Vec<Difference> {
    let mut report = Report { old, new, names, found: Vec::new() };
    files::compare(&mut report);
    deleted::compare(&mut report);
    messages::compare(&mut report);
    enums::compare(&mut report);
    services::compare(&mut report);
    report.found
}

fn sorted(mut found: Vec<Difference>) -> Vec<Difference> {
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
