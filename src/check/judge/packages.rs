//! Findings about packages that seem to have moved.

use prost_types::FileDescriptorProto;

use super::finding::{Finding, Level, Spot, own};
use super::{Judge, spots};
use crate::check::{Verdict, moved};

impl Judge<'_> {
    /// Packages that nobody said of that they moved: what they declare is compared where that could be guessed, and else
    /// it is not.
    pub(super) fn moved_packages(&self) -> Vec<Finding> {
        let guessed = self.pair.guessed.iter().map(|(old, new)| self.moved_package(old, new, true));
        let said: Vec<String> = self.said.renames("packages").map(|(old, _)| old).collect();
        let unsaid = moved::packages(self.old, self.new).into_iter().filter(|(old, _)| !said.contains(old));
        guessed.chain(unsaid.map(|(old, new)| self.moved_package(&old, &new, false))).collect()
    }

    fn moved_package(&self, old: &str, new: &str, is_compared: bool) -> Finding {
        let what = if is_compared {
            format!("the package `{old}` is gone; what it declared is taken to be in `{new}`, and is compared there")
        } else {
            format!("the package `{old}` is gone, and `{new}` declares the same names: nothing of the two is compared")
        };
        let mut finding = Finding::new(&own::PACKAGE_MOVED, Level::Error, old, what);
        finding.effect = crate::check::compare::package_moved();
        finding.verdict = Some(Verdict::Open {
            advice: format!(
                "if that is what became of it, say \"{old}\" = \"{new}\" under [rename.packages] {}",
                self.where_to_write()
            ),
        });
        finding.place = self.pair.new.files().find(|file| file.package() == new).map(|file| self.package(file));
        finding.step = Some(self.names());
        finding
    }

    /// Where a file of the newer version says its package.
    fn package(&self, file: &FileDescriptorProto) -> Spot {
        spots::of_path(self.pair.new, file, &[2])
    }
}
