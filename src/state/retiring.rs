//! What is retired at a node, as its state folder keeps it, and when the states of retired objects may go.
//!
//! A state goes when two times are over: the grace, of time in which the node's program ran, and the date on which it would be over by
//! the wall clock. A clock that jumps ahead does not shorten the first, and one that jumps back makes the second longer alone; so
//! nothing goes before its time. Time in which no program runs does not count.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::retiring::{Retiring, reaches};
use crate::version::Version;

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retired {
    /// As it was told last.
    pub(crate) told: Retiring,
    /// States that wait for their time, the oldest versions first.
    waiting: Vec<Waiting>,
    /// The states of simulation objects of this version and older ones have gone, or may go at any time.
    swept_up_to: Option<Version>,
}

/// The states of a version and of older ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Waiting {
    up_to: Version,
    /// In seconds since 1970.
    not_before: u64,
    /// So many seconds the program has to run yet.
    left_seconds: u64,
}

impl Retired {
    /// What is kept once this is told, and the versions up to one are retired since now; the program has run for so many seconds
    /// since that was written down.
    pub(crate) fn settled(
        before: Option<&Self>,
        told: Retiring,
        retired_up_to: Option<&Version>,
        ran: u64,
        now: u64,
    ) -> Self {
        let mut next = before.cloned().unwrap_or_default();
        // Of what is retired only now no time is over.
        next.ran(ran);
        next.tell(told);
        next.settle(retired_up_to, now);
        next
    }

    /// This is to be so: what waits already waits so much longer, or shorter, as the grace is.
    pub(crate) fn tell(&mut self, told: Retiring) {
        let (before, now) = (self.told.grace().as_secs(), told.grace().as_secs());
        for waiting in &mut self.waiting {
            for time in [&mut waiting.not_before, &mut waiting.left_seconds] {
                *time = time.saturating_add(now).saturating_sub(before);
            }
        }
        self.told = told;
    }

    /// The versions up to this one are retired at the node since now.
    pub(crate) fn settle(&mut self, retired_up_to: Option<&Version>, now: u64) {
        let Some(floor) = retired_up_to else {
            (self.waiting, self.swept_up_to) = (Vec::new(), None);
            return;
        };
        self.waiting.retain(|waiting| reaches(floor, &waiting.up_to));
        if self.swept_up_to.as_ref().is_some_and(|swept| !reaches(floor, swept)) {
            self.swept_up_to = Some(floor.clone());
        }
        let last = self.waiting.last().map(|waiting| &waiting.up_to).into_iter().chain(&self.swept_up_to).max();
        if last.is_none_or(|last| !reaches(last, floor)) {
            let left_seconds = self.told.grace().as_secs();
            let not_before = now.saturating_add(left_seconds);
            self.waiting.push(Waiting { up_to: floor.clone(), not_before, left_seconds });
        }
    }

    /// The program has run for so many seconds more.
    pub(crate) fn ran(&mut self, seconds: u64) {
        for waiting in &mut self.waiting {
            waiting.left_seconds = waiting.left_seconds.saturating_sub(seconds);
        }
    }

    /// The states up to this version may go now: their time is over after the program has run for so many seconds more.
    pub(crate) fn due(&self, ran: u64, now: u64) -> Option<&Version> {
        let over = self.waiting.iter().take_while(|waiting| waiting.left_seconds <= ran && waiting.not_before <= now);
        over.last().map(|waiting| &waiting.up_to)
    }

    /// How many seconds it takes at least until more is due, where something waits.
    pub(crate) fn due_in(&self, ran: u64, now: u64) -> Option<u64> {
        let first = self.waiting.first()?;
        Some(first.left_seconds.saturating_sub(ran).max(first.not_before.saturating_sub(now)))
    }

    /// Whether there are states that go now, or later.
    pub(crate) fn has_states(&self) -> bool {
        !self.waiting.is_empty() || self.swept_up_to.is_some()
    }

    /// The states up to this version go.
    pub(crate) fn sweep(&mut self, up_to: &Version) {
        self.waiting.retain(|waiting| !reaches(up_to, &waiting.up_to));
        self.swept_up_to = Some(up_to.clone());
    }

    /// The states of this version and older ones have gone, or may go at any time.
    pub(crate) fn swept_up_to(&self) -> Option<&Version> {
        self.swept_up_to.as_ref()
    }

    /// The line of it, with a line feed.
    pub(crate) fn line(&self) -> Result<Vec<u8>, serde_json::Error> {
        let text = serde_json::to_string(self)?;
        Ok(format!("{:08x} {text}\n", crc32fast::hash(text.as_bytes())).into_bytes())
    }
}

/// From its line, without the line feed.
impl FromStr for Retired {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let (sum, text) = line.split_once(' ').ok_or(())?;
        let fits =
            sum.len() == 8 && u32::from_str_radix(sum, 16).is_ok_and(|sum| sum == crc32fast::hash(text.as_bytes()));
        if fits { serde_json::from_str(text).map_err(|_| ()) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn told(up_to: &str, grace: u64) -> Retiring {
        Retiring::up_to(version(up_to)).keep_state_for(Duration::from_secs(grace))
    }

    #[test]
    fn a_state_goes_when_the_program_has_run_for_the_grace_and_the_date_has_come() {
        let mut retired = Retired::default();
        retired.tell(told("1.0.0", 100));
        retired.settle(Some(&version("1.0.0")), 1_000);
        for (ran, now, due) in [
            (100, 1_099, false),
            (99, 1_100, false),
            // The clock has jumped ahead, and back.
            (5, 1_000_000, false),
            (1_000, 5, false),
            (100, 1_100, true),
        ] {
            assert_eq!(retired.due(ran, now).is_some(), due, "{ran} {now}");
        }
        assert_eq!(retired.due_in(30, 1_000), Some(100));
        assert_eq!(retired.due_in(30, 1_100), Some(70));
        retired.ran(60);
        // Settled again, as at each start, it goes on.
        retired.settle(Some(&version("1.0.0")), 1_060);
        assert_eq!(retired.due_in(0, 1_060), Some(40));
        retired.sweep(&version("1.0.0"));
        retired.settle(Some(&version("1.0.0")), 2_000);
        assert_eq!((retired.due_in(0, 2_000), retired.swept_up_to()), (None, Some(&version("1.0.0"))));
    }

    #[test]
    fn each_version_has_its_own_time_and_what_is_unretired_has_none() {
        let mut retired = Retired::default();
        retired.tell(told("1.0.0", 100));
        retired.settle(Some(&version("1.0.0")), 1_000);
        retired.ran(50);
        retired.tell(told("1.1.0", 100));
        retired.settle(Some(&version("1.1.0")), 1_050);
        assert_eq!(retired.due(50, 1_100), Some(&version("1.0.0")));
        assert_eq!(retired.due(100, 1_150), Some(&version("1.1.0")));
        retired.sweep(&version("1.0.0"));
        assert_eq!(retired.due(99, 1_200), None);
        // A longer grace holds for what waits.
        retired.tell(told("1.1.0", 200));
        assert_eq!(retired.due_in(0, 1_150), Some(200));
        retired.settle(None, 1_060);
        assert_eq!((retired.due_in(0, 0), retired.swept_up_to()), (None, None));
    }

    #[test]
    fn a_line_that_was_changed_is_no_line() {
        let mut retired = Retired::default();
        retired.tell(told("1.0.0", 100));
        retired.settle(Some(&version("1.0.0")), 1_000);
        let line = String::from_utf8(retired.line().unwrap()).unwrap();
        let line = line.strip_suffix('\n').unwrap();
        assert_eq!(line.parse(), Ok(retired));
        assert!(line.replace("1.0.0", "1.1.0").parse::<Retired>().is_err());
        assert!(line[..line.len() - 1].parse::<Retired>().is_err());
    }
}
