//! What is retired: versions that a node serves no longer, and notices of those that it will not serve for long.
//!
//! ```
//! use straddle::retiring::{Brownout, Notice, Retiring};
//!
//! let notice = Notice::of("1.1.0".parse()?).deprecated_since(1_790_000_000).sunset(1_800_000_000);
//! let brownout = Brownout { seconds: 300, every_seconds: 3_600, from: 1_795_000_000 };
//! let retiring = Retiring::up_to("1.0.0".parse()?).notice(notice.brownout(brownout));
//! retiring.check()?;
//! assert!(retiring.retires(&"1.0.3".parse()?) && !retiring.retires(&"1.1.0".parse()?));
//! // Refused for the first five minutes of every hour.
//! assert_eq!(brownout.until(1_795_003_601), Some(1_795_003_900));
//! assert_eq!(brownout.until(1_795_003_900), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::version::Version;

/// How long the state of retired simulation objects is kept, when nothing is said: 7 days.
pub const GRACE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Most notices.
const MOST_NOTICES: usize = 100;
/// The longest grace, ten years.
const LONGEST_GRACE: Duration = Duration::from_secs(315_360_000);
/// The longest time from one brown-out to the next, a year.
const LONGEST_EVERY: u64 = 31_536_000;
/// The first second of the year 10000: dates in HTTP have four digits for a year.
pub(crate) const NO_DATE: u64 = 253_402_300_800;

/// What is retired, and announced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retiring {
    /// This version and all older ones are retired.
    pub retired_up_to: Option<Version>,
    /// Of versions that are still served, the oldest first: the first one that names a version or a newer one counts for it.
    pub notices: Vec<Notice>,
    /// How long the state of retired simulation objects is kept at least; none: [`GRACE`]. To whole seconds.
    pub grace_seconds: Option<u64>,
}

/// Callers of a version and of older ones are told that it will be retired. All of its times are before the year 10000, which HTTP has no
/// words for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// This version and older ones.
    pub version: Version,
    /// Since when they are deprecated, in seconds since 1970; none: callers are not told.
    pub deprecated_since: Option<u64>,
    /// When they will be retired at the earliest, in seconds since 1970; none: callers are not told.
    pub sunset: Option<u64>,
    /// When their callers are refused for a while.
    pub brownout: Option<Brownout>,
}

/// Calls are refused for so many `seconds` at the beginning of each `every_seconds`, counted from `from` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brownout {
    /// At least 1, and less than `every_seconds`.
    pub seconds: u64,
    /// At most a year.
    pub every_seconds: u64,
    /// In seconds since 1970.
    pub from: u64,
}

impl Retiring {
    /// This version and older ones are retired.
    #[must_use]
    pub fn up_to(version: Version) -> Self {
        Self { retired_up_to: Some(version), ..Self::default() }
    }

    /// Adds a notice, of a newer version than those before.
    #[must_use]
    pub fn notice(mut self, notice: Notice) -> Self {
        self.notices.push(notice);
        self
    }

    /// How long the state of retired simulation objects is kept at least.
    #[must_use]
    pub fn keep_state_for(mut self, grace: Duration) -> Self {
        self.grace_seconds = Some(grace.as_secs());
        self
    }

    /// How long the state of retired simulation objects is kept at least.
    #[must_use]
    pub fn grace(&self) -> Duration {
        self.grace_seconds.map_or(GRACE, Duration::from_secs)
    }

    /// Whether a version is retired. Patch numbers do not count.
    #[must_use]
    pub fn retires(&self, version: &Version) -> bool {
        self.retired_up_to.as_ref().is_some_and(|up_to| reaches(up_to, version))
    }

    /// The notice that counts for a version, if it is not retired.
    #[must_use]
    pub fn notice_of(&self, version: &Version) -> Option<&Notice> {
        self.notices.iter().find(|notice| reaches(&notice.version, version)).filter(|_| !self.retires(version))
    }

    /// Looks whether it is within its limits.
    ///
    /// # Errors
    /// Says what is not.
    pub fn check(&self) -> Result<(), String> {
        if self.notices.len() > MOST_NOTICES {
            return Err(format!("{} notices are more than {MOST_NOTICES}", self.notices.len()));
        }
        if self.grace() > LONGEST_GRACE {
            return Err(format!("a grace of {} s is more than {} s", self.grace().as_secs(), LONGEST_GRACE.as_secs()));
        }
        for notice in &self.notices {
            notice.check().map_err(|why| format!("the notice of {}: {why}", notice.version))?;
        }
        if !self.notices.is_sorted_by(|older, newer| older.version < newer.version) {
            return Err("notices are in the order of their versions, each once".to_owned());
        }
        Ok(())
    }
}

impl Notice {
    /// A notice that says nothing yet.
    #[must_use]
    pub fn of(version: Version) -> Self {
        Self { version, deprecated_since: None, sunset: None, brownout: None }
    }

    /// Since when they are deprecated, in seconds since 1970: the header `deprecation` (RFC 9745).
    #[must_use]
    pub fn deprecated_since(mut self, seconds: u64) -> Self {
        self.deprecated_since = Some(seconds);
        self
    }

    /// When they will be retired at the earliest, in seconds since 1970: the header `sunset` (RFC 8594).
    #[must_use]
    pub fn sunset(mut self, seconds: u64) -> Self {
        self.sunset = Some(seconds);
        self
    }

    /// When their callers are refused for a while.
    #[must_use]
    pub fn brownout(mut self, brownout: Brownout) -> Self {
        self.brownout = Some(brownout);
        self
    }

    fn check(&self) -> Result<(), String> {
        let dates = [self.deprecated_since, self.sunset, self.brownout.map(|brownout| brownout.from)];
        if dates.into_iter().flatten().any(|date| date >= NO_DATE) {
            return Err("dates have to be before the year 10000, which HTTP has no words for".to_owned());
        }
        match &self.brownout {
            Some(Brownout { seconds: 0, .. }) => Err("a brown-out lasts at least a second".to_owned()),
            Some(brownout) if brownout.every_seconds > LONGEST_EVERY => {
                Err(format!("brown-outs come every {LONGEST_EVERY} s at least"))
            }
            Some(brownout) if brownout.seconds >= brownout.every_seconds => {
                Err("between brown-outs there is a time without".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl Brownout {
    /// Until when calls are refused that come at this time; none when they are answered. All in seconds since 1970.
    #[must_use]
    pub fn until(&self, now: u64) -> Option<u64> {
        let into = now.checked_sub(self.from)?.checked_rem(self.every_seconds)?;
        let left = self.seconds.checked_sub(into).filter(|left| *left > 0)?;
        now.checked_add(left)
    }
}

/// What time people say that it is. It jumps, so nothing rests on it alone.
pub trait WallClock: Send + Sync {
    /// In seconds since 1970.
    fn now(&self) -> u64;
}

/// This machine's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl WallClock for SystemClock {
    fn now(&self) -> u64 {
        // Before 1970 there are no brown-outs.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

/// Whether a version is this one or an older one, but for patch numbers.
pub(crate) fn reaches(up_to: &Version, version: &Version) -> bool {
    version <= up_to || version.same_schema(up_to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn a_brownout_begins_with_its_second_and_ends_before_it() {
        let brownout = Brownout { seconds: 5, every_seconds: 60, from: 1_000 };
        for (now, until) in [
            (0, None),
            (999, None),
            (1_000, Some(1_005)),
            (1_004, Some(1_005)),
            (1_005, None),
            (1_059, None),
            (1_060, Some(1_065)),
            (u64::MAX, None),
        ] {
            assert_eq!(brownout.until(now), until, "{now}");
        }
    }

    #[test]
    fn the_first_notice_that_reaches_a_version_counts_and_none_of_what_is_retired() {
        let retiring = Retiring::up_to(version("1.0.7"))
            .notice(Notice::of(version("1.0.0")).sunset(1))
            .notice(Notice::of(version("1.2.0")).sunset(2))
            .notice(Notice::of(version("2.0.0")).sunset(3));
        retiring.check().unwrap();
        let sunset = |of: &str| retiring.notice_of(&version(of)).and_then(|notice| notice.sunset);
        assert_eq!(["1.0.0", "1.1.0", "1.2.9", "2.0.0", "2.1.0"].map(sunset), [None, Some(2), Some(2), Some(3), None]);
        assert!(retiring.retires(&version("1.0.9")) && !retiring.retires(&version("1.1.0-rc.1")));
    }

    #[test]
    fn what_is_beyond_the_limits_is_named() {
        let notice = || Notice::of(version("1.0.0"));
        let brownout = |seconds, every_seconds, from| Some(Brownout { seconds, every_seconds, from });
        for (notices, told) in [
            (vec![notice(), notice()], "in the order"),
            (vec![notice().sunset(NO_DATE)], "year 10000"),
            (vec![Notice { brownout: brownout(0, 5, 0), ..notice() }], "at least a second"),
            (vec![Notice { brownout: brownout(5, 5, 0), ..notice() }], "a time without"),
            (vec![Notice { brownout: brownout(1, u64::MAX, 0), ..notice() }], "31536000"),
            (vec![Notice { brownout: brownout(1, 5, NO_DATE), ..notice() }], "year 10000"),
            (vec![notice(); MOST_NOTICES + 1], "more than 100"),
        ] {
            let why = Retiring { notices, ..Retiring::default() }.check().unwrap_err();
            assert!(why.contains(told), "{why}");
        }
        assert!(Retiring::default().keep_state_for(Duration::MAX).check().is_err());
    }
}
