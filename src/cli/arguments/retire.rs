//! The arguments of `straddle retire`, `unretire` and `deprecate`.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::CoordinatorAddress;
use crate::cli::duration;
use crate::control::v1_0_0::Brownout;
use crate::version::Version;

#[derive(Args, Debug)]
#[command(
    after_help = "Nodes tell who calls them within half a minute. When nothing stands in the way, it is waited until all of them have told what was called
up to now; not with --force.

Exit codes: 0 when it is retired, or, with --dry-run, could be; 1 when something stands in the way, or it was refused; 2 when the
arguments are bad or the coordinator cannot be reached.

Examples:
  straddle retire inventory 1.0.0 --dry-run
  straddle retire inventory 1.0.0 --guard 30d
  straddle callers inventory --version 1.0.0 --within 14d"
)]
pub(in crate::cli) struct RetireArguments {
    #[command(flatten)]
    pub(in crate::cli) at: CoordinatorAddress,
    /// The protocol's name
    pub(in crate::cli) protocol: String,
    /// The newest version that is served no longer; all older ones are not either
    pub(in crate::cli) version: Version,
    /// For how long nobody may have called such a version
    #[arg(long, value_name = "TIME", default_value = "14d", value_parser = duration::parse)]
    pub(in crate::cli) guard: Duration,
    /// For how long nodes keep what `straddle unretire` needs to bring it back as it was
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = duration::parse)]
    pub(in crate::cli) grace: Duration,
    /// Only say what stands in the way
    #[arg(long, conflicts_with = "force")]
    pub(in crate::cli) dry_run: bool,
    /// Retire it whatever stands in the way, and say what that breaks
    #[arg(long)]
    pub(in crate::cli) force: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0; 1 when it was refused or failed; 2 when the arguments are bad or the coordinator cannot be reached."
)]
pub(in crate::cli) struct UnretireArguments {
    #[command(flatten)]
    pub(in crate::cli) at: CoordinatorAddress,
    /// The protocol's name
    pub(in crate::cli) protocol: String,
    /// Also where the grace time is over: simulation objects of these versions begin without state
    #[arg(long)]
    pub(in crate::cli) anyway: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "What is said takes the place of what was announced for the version before, at once.

Exit codes: 0; 1 when it was refused or failed; 2 when the arguments are bad or the coordinator cannot be reached.

Examples:
  straddle deprecate inventory 1.0.0 --sunset 2027-03-31
  straddle deprecate inventory 1.0.0 --brownout 5m/1h
  straddle deprecate inventory 1.0.0 --off")]
pub(in crate::cli) struct DeprecateArguments {
    #[command(flatten)]
    pub(in crate::cli) at: CoordinatorAddress,
    /// The protocol's name
    pub(in crate::cli) protocol: String,
    /// The newest version of those that are deprecated
    pub(in crate::cli) version: Version,
    /// When it will be retired at the earliest: a day, as 2027-03-31 (its beginning, in UTC), or a time, as 2027-03-31T12:00:00Z
    #[arg(long, value_name = "DATE")]
    pub(in crate::cli) sunset: Option<Date>,
    /// Refuse its calls for a time, again and again, from now on: 5m/1h is five minutes of each hour
    #[arg(long, value_name = "TIME/EVERY")]
    pub(in crate::cli) brownout: Option<BrownoutTimes>,
    /// Announce nothing any more
    #[arg(long, conflicts_with_all = ["sunset", "brownout"])]
    pub(in crate::cli) off: bool,
}

/// A day or a time, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Date(pub(in crate::cli) u64);

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day = |text: &str| {
            let day: jiff::civil::Date = text.parse().ok()?;
            day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|day| day.timestamp())
        };
        let time = day(text).or_else(|| text.parse::<jiff::Timestamp>().ok());
        let seconds = time.and_then(|time| u64::try_from(time.as_second()).ok()).filter(|seconds| *seconds > 0);
        seconds
            .map(Self)
            .ok_or_else(|| "a day or a time after 1970 is wanted: 2027-03-31, or 2027-03-31T12:00:00Z".to_owned())
    }
}

/// How long of how long: `5m/1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct BrownoutTimes {
    seconds: u64,
    every_seconds: u64,
}

impl BrownoutTimes {
    /// Beginning then, in seconds since 1970.
    pub(in crate::cli) fn from(self, from: u64) -> Brownout {
        Brownout { seconds: self.seconds, every_seconds: self.every_seconds, from }
    }
}

impl FromStr for BrownoutTimes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (time, every) = text.split_once('/').ok_or("two times are wanted: 5m/1h is five minutes of each hour")?;
        let seconds = |text: &str| {
            let time = duration::parse(text)?;
            if time.subsec_nanos() == 0 { Ok(time.as_secs()) } else { Err("whole seconds are wanted".to_owned()) }
        };
        let (seconds, every_seconds) = (seconds(time)?, seconds(every)?);
        if seconds >= every_seconds {
            return Err(format!("{time} is not less than {every}: that would refuse all calls"));
        }
        Ok(Self { seconds, every_seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sunset_is_a_day_or_a_time() {
        assert_eq!("2027-03-31".parse(), Ok(Date(1_806_451_200)));
        assert_eq!("2027-03-31T12:00:00Z".parse(), Ok(Date(1_806_494_400)));
        for text in ["", "31.3.2027", "2027-13-01", "tomorrow", "1969-01-01"] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_brownout_is_a_part_of_a_time() {
        let times = "5m/1h".parse::<BrownoutTimes>().expect("two times");
        assert_eq!(times.from(7), Brownout { seconds: 300, every_seconds: 3600, from: 7 });
        for text in ["5m", "1h/5m", "1h/1h", "500ms/1h", "/1h", "5m/"] {
            assert!(text.parse::<BrownoutTimes>().is_err(), "{text}");
        }
    }
}
