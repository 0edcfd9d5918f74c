//! What a program that hands its node over leaves to the one that goes on with it: that the coordinator had admitted the node, and
//! under which permit it went.
//!
//! It is one line in the file `handed-over` of the state folder, `admission 3 permit 40 at 1790000000000000`: numbers of the
//! coordinator, 0 for none, and microseconds since 1970. The file stays; each program that hands the node over writes it anew.

use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::state::{Files, read_pointer, replace_pointer};

const FILE: &str = "handed-over";
const ADVICE: &str = "remove it: the coordinator then admits the node before it serves";
/// For how long it counts that the program before was admitted. A node that comes later may have been away during an upgrade.
const FRESH: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::node) struct Succession {
    /// The number under which the node was admitted.
    pub(super) admission: u64,
    /// The permit under which the program was replaced.
    pub(super) permit: u64,
    /// When, by the wall clock: no other one goes on from one program to the next on every system.
    at: Duration,
}

impl Succession {
    pub(super) fn now(admission: u64, permit: u64) -> Self {
        Self { admission, permit, at: wall() }
    }

    /// Leaves it in a state folder.
    ///
    /// # Errors
    /// When it could not be written.
    pub(super) fn leave(self, files: &dyn Files, root: &Path) -> Result<(), String> {
        let Self { admission, permit, at } = self;
        let line = format!("admission {admission} permit {permit} at {}\n", at.as_micros());
        replace_pointer(files, root, FILE, line.as_bytes()).map_err(|error| error.to_string())
    }

    /// What is left in a state folder. Something that cannot be read says nothing.
    pub(in crate::node) fn find(files: &dyn Files, root: &Path) -> Option<Self> {
        read_pointer(files, root, FILE, ADVICE).unwrap_or_else(|error| {
            tracing::warn!(%error, "what the program before has left cannot be read");
            None
        })
    }

    /// Whether nothing can have passed the node by.
    pub(super) fn is_fresh(self) -> bool {
        self.is_fresh_at(wall())
    }

    fn is_fresh_at(self, now: Duration) -> bool {
        now.checked_sub(self.at).is_some_and(|age| age <= FRESH)
    }
}

impl FromStr for Succession {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let mut words = line.split(' ');
        let mut number =
            |name| (words.next() == Some(name)).then(|| words.next()?.parse::<u64>().ok()).flatten().ok_or(());
        let (admission, permit) = (number("admission")?, number("permit")?);
        let at = Duration::from_micros(number("at")?);
        if words.next().is_none() { Ok(Self { admission, permit, at }) } else { Err(()) }
    }
}

fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Disk;

    #[test]
    fn what_one_program_leaves_the_next_one_finds() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Succession::find(&Disk, folder.path()), None);
        let mut left = Succession::now(3, 40);
        left.leave(&Disk, folder.path()).unwrap();
        left.at = Duration::from_micros(u64::try_from(left.at.as_micros()).unwrap());
        assert_eq!(Succession::find(&Disk, folder.path()), Some(left));
        for damaged in ["", "admission 3 permit 40 at \n", "admission 3 permit 40 at 5 more\n", "permit 40\n"] {
            std::fs::write(folder.path().join(FILE), damaged).unwrap();
            assert_eq!(Succession::find(&Disk, folder.path()), None, "{damaged:?}");
        }
    }

    #[test]
    fn it_counts_for_a_minute_and_never_before_it_was_written() {
        let left = Succession { admission: 3, permit: 0, at: Duration::from_secs(1000) };
        for (now, counts) in [(999, false), (1000, true), (1060, true), (1061, false)] {
            assert_eq!(left.is_fresh_at(Duration::from_secs(now)), counts, "{now}");
        }
    }
}
