//! How the number of a version has to change, and how it did.

use std::collections::BTreeSet;

use super::Pair;
use super::finding::{Finding, Level, own};
use crate::check::{Category, Verdict};
use crate::protocol::Hop;
use crate::version::Version;

/// Which part of a version's number changes (Semantic Versioning 2.0.0): patch for the same schema, minor for what older
/// callers and readers do not notice, major for all else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    Patch,
    Minor,
    Major,
}

impl Change {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }

    /// The change between two versions. Under 0.x a minor one may be anything, and so may a change from or to a
    /// pre-release.
    fn declared(from: &Version, to: &Version) -> Self {
        let initial = from.major() == 0 && from.minor() != to.minor();
        if from.major() != to.major() || initial || from.is_prerelease() || to.is_prerelease() {
            Self::Major
        } else if from.minor() != to.minor() {
            Self::Minor
        } else {
            Self::Patch
        }
    }
}

/// The change of a version's number.
#[derive(Clone, Debug)]
pub(crate) struct Bump {
    /// What the numbers say; none where the two have none.
    pub(crate) declared: Option<Change>,
    /// What the differences need.
    pub(crate) needed: Change,
    /// What needs it.
    pub(crate) why: String,
}

impl Bump {
    /// The change that a step needs, with its differences judged.
    pub(super) fn of(pair: &Pair<'_>, findings: &[Finding]) -> Self {
        let (old, new) = (&pair.protocol.versions()[pair.index], &pair.protocol.versions()[pair.index + 1]);
        let numbered = pair.step_file.is_some();
        let declared = numbered.then(|| Change::declared(old.version(), new.version()));
        let is_of = |finding: &Finding, wanted: &[Category]| {
            finding.rule.categories.iter().any(|category| wanted.contains(category))
        };
        let breaks = |finding: &Finding| {
            is_of(finding, &[Category::Wire, Category::WireJson])
                || is_of(finding, &[Category::Straddle]) && finding.verdict != Some(Verdict::Compatible)
        };
        // One change of an element may break several rules.
        let count = |wanted: &dyn Fn(&Finding) -> bool| {
            let meant = findings.iter().filter(|finding| wanted(finding));
            meant.map(|finding| (&finding.element, &finding.effect.old_reader)).collect::<BTreeSet<_>>().len()
        };
        let breaking = count(&breaks);
        let step = &pair.protocol.steps()[pair.index];
        // Older callers notice whatever is not same for them.
        let noticed = step.past().iter().filter(|hop| !matches!(hop, Hop::Same { .. })).count();
        let generated = count(&|finding| is_of(finding, &[Category::Package, Category::File]));
        let (needed, why) = if breaking > 0 {
            (Change::Major, differences(breaking, "of bytes, JSON or meaning"))
        } else if noticed > 0 {
            let methods = if noticed == 1 { "1 method is".to_owned() } else { format!("{noticed} methods are") };
            (Change::Major, format!("{methods} not the same for older callers"))
        } else if generated > 0 {
            (Change::Minor, format!("{}, none of bytes or JSON", differences(generated, "of generated code")))
        } else if old.digest() != new.digest() {
            (Change::Minor, "there are additions only".to_owned())
        } else {
            (Change::Patch, "the schema is the same".to_owned())
        };
        Self { declared, needed, why }
    }

    /// Whether the numbers promise more than the schema keeps.
    pub(crate) fn is_too_small(&self) -> bool {
        self.declared.is_some_and(|declared| declared < self.needed)
    }

    pub(super) fn finding(&self, pair: &Pair<'_>) -> Option<Finding> {
        let declared = self.declared.filter(|_| self.is_too_small())?;
        let (from, to) = &pair.names;
        let what = format!(
            "{from} to {to} is a {} change by its number, and a {} one by what changed: {}",
            declared.name(),
            self.needed.name(),
            self.why
        );
        let mut finding = Finding::new(&own::VERSION_BUMP, Level::Warning, to.clone(), what);
        finding.advice =
            Some(format!("give the version a number that says {}, before it is published", self.needed.name()));
        finding.step = Some(pair.names.clone());
        Some(finding)
    }
}

fn differences(count: usize, of: &str) -> String {
    if count == 1 { format!("1 difference {of}") } else { format!("{count} differences {of}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_say_how_much_may_have_changed() {
        for (from, to, change) in [
            ("1.0.0", "1.0.1", Change::Patch),
            ("1.0.0", "1.1.0", Change::Minor),
            ("1.9.3", "2.0.0", Change::Major),
            ("0.1.0", "0.2.0", Change::Major),
            ("0.1.0", "0.1.1", Change::Patch),
            ("2.0.0-beta.1", "2.0.0", Change::Major),
            ("1.0.0", "1.1.0-rc.1", Change::Major),
        ] {
            let [from, to] = [from, to].map(|text| text.parse::<Version>().unwrap());
            assert_eq!(Change::declared(&from, &to), change, "{from} -> {to}");
        }
    }
}
