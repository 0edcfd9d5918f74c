//! Hours in which nodes may go.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, de};

use super::conditions::Same;
use super::{Clock, Decision, Round, Schedule};
use crate::coordinator::view::{NodeView, View};

/// Nodes begin to go within one of these windows. What has begun is not cut short. Going back knows no hours.
#[derive(Clone, Debug)]
pub(super) struct Windows(pub(super) Vec<Window>);

/// Hours of some days, in a time zone: `Mon-Fri 09:00-17:00 Europe/Berlin`.
///
/// Hours are those that clocks on the wall show there. One that is left out when clocks go forward is taken as so much later; of
/// one that comes twice when clocks go back, the first counts. A window that ends before it begins ends on the next day, and
/// belongs to the day on which it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    days: Vec<Weekday>,
    /// Minutes of the day.
    from: u16,
    to: u16,
    zone: TimeZone,
}

const DAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];
const MIDNIGHT: u16 = 24 * 60;

impl Window {
    /// When it is open around this time or opens next: from, to, in microseconds since 1970. None when it never does.
    fn next(&self, now: Timestamp) -> Option<(u64, u64)> {
        let today = now.to_zoned(self.zone.clone()).date();
        let first = today.yesterday().unwrap_or(today);
        let at = micros(now);
        // A window of one day a week is at most eight days away; one more for that of yesterday.
        let days = first.series(jiff::Span::new().days(1)).take(10);
        let spans = days.filter(|day| self.days.contains(&day.weekday())).filter_map(|day| self.on(day));
        spans.filter(|(from, to)| from < to && at < *to).min()
    }

    /// From when to when it is open that begins on this day.
    fn on(&self, day: Date) -> Option<(u64, u64)> {
        let last = if self.to <= self.from { day.tomorrow().ok()? } else { day };
        Some((self.instant(day, self.from)?, self.instant(last, self.to)?))
    }

    fn instant(&self, day: Date, minutes: u16) -> Option<u64> {
        let (day, minutes) = if minutes == MIDNIGHT { (day.tomorrow().ok()?, 0) } else { (day, minutes) };
        let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
        let time = DateTime::from_parts(day, Time::new(hour, minute, 0, 0).ok()?);
        self.zone.to_ambiguous_zoned(time).compatible().ok().map(|zoned| micros(zoned.timestamp()))
    }
}

fn micros(time: Timestamp) -> u64 {
    u64::try_from(time.as_microsecond()).unwrap_or_default()
}

impl Schedule for Windows {
    fn round<'a>(&'a self, view: &'a View, clock: Clock, _seed: u64) -> Box<dyn Round + 'a> {
        let now = i64::try_from(clock.wall).ok().and_then(|now| Timestamp::from_microsecond(now).ok());
        let Some(now) = now.filter(|_| !view.back) else { return Box::new(Same(None)) };
        let next = self.0.iter().filter_map(|window| Some((window.next(now)?, window))).min_by_key(|(span, _)| *span);
        match next {
            Some(((from, _), _)) if from <= clock.wall => Box::new(Same(None)),
            Some(((from, _), window)) => {
                let until = clock.now.saturating_add(from - clock.wall);
                Box::new(Closed { why: self.why(window, from), until })
            }
            None => Box::new(Same(Some("no window ever opens".into()))),
        }
    }
}

impl Windows {
    fn why(&self, next: &Window, from: u64) -> Arc<str> {
        let at = i64::try_from(from).ok().and_then(|from| Timestamp::from_microsecond(from).ok());
        let at = at.map(|at| at.to_zoned(next.zone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string());
        let at = at.unwrap_or_default();
        let all: Vec<String> = self.0.iter().map(|window| format!("`{window}`")).collect();
        let zone = next.zone.iana_name().unwrap_or("UTC");
        let which = if all.len() == 1 { "which opens" } else { "and the next one opens" };
        format!("it is outside {}, {which} {at} {zone}", all.join(" and ")).into()
    }
}

struct Closed {
    why: Arc<str>,
    /// On the watch, if nobody sets the clock until then.
    until: u64,
}

impl Round for Closed {
    fn decide(&mut self, _at: usize, _node: &NodeView) -> Decision {
        Decision::wait_until(Arc::clone(&self.why), self.until)
    }
}

impl FromStr for Window {
    type Err = String;

    /// Reads `Mon-Fri 09:00-17:00 Europe/Berlin`, `Sat,Sun 22:00-04:00 UTC` or, for all days, `22:00-04:00 UTC`.
    ///
    /// # Errors
    /// When it is written otherwise, or nobody knows the time zone.
    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (days, hours, zone) = match words.as_slice() {
            [days, hours, zone] => (read_days(days)?, *hours, *zone),
            [hours, zone] if hours.starts_with(|first: char| first.is_ascii_digit()) => {
                (DAYS.map(|(_, day)| day).to_vec(), *hours, *zone)
            }
            [_, hours] if hours.contains(':') => {
                return Err(format!("`{text}` names no time zone: write one after the hours, as Europe/Berlin or UTC"));
            }
            _ => return Err(format!("`{text}` is no window: write `Mon-Fri 09:00-17:00 Europe/Berlin`")),
        };
        let (from, to) = hours.split_once('-').ok_or_else(|| format!("`{hours}` are no hours: write `09:00-17:00`"))?;
        let (from, to) = (read_time(from)?, read_time(to)?);
        if from == to || from == MIDNIGHT {
            return Err(format!("`{hours}` is no span of time: write 00:00-24:00 for all day"));
        }
        let zone = TimeZone::get(zone).map_err(|_| {
            format!("there is no time zone `{zone}`: write its name in the IANA database, as Europe/Berlin")
        })?;
        Ok(Self { days, from, to, zone })
    }
}

fn read_days(text: &str) -> Result<Vec<Weekday>, String> {
    let place = |name: &str| {
        let found = DAYS.iter().position(|(day, _)| day.eq_ignore_ascii_case(name));
        found.ok_or_else(|| format!("`{name}` is no day: write Mon, Tue, Wed, Thu, Fri, Sat or Sun"))
    };
    let mut wanted = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut at, last) = (place(first)?, place(last)?);
        wanted[at] = true;
        while at != last {
            at = (at + 1) % wanted.len();
            wanted[at] = true;
        }
    }
    Ok(DAYS.iter().zip(wanted).filter(|(_, wanted)| *wanted).map(|((_, day), _)| *day).collect())
}

/// Minutes of the day.
fn read_time(text: &str) -> Result<u16, String> {
    let read = || {
        let (hour, minute) = text.split_once(':')?;
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        let (hour, minute): (u16, u16) =
            (digits(hour) && digits(minute)).then(|| Some((hour.parse().ok()?, minute.parse().ok()?)))??;
        let minutes = hour * 60 + minute;
        (minute < 60 && minutes <= MIDNIGHT).then_some(minutes)
    };
    read().ok_or_else(|| format!("`{text}` is no time of day: write hours and minutes, from 00:00 to 24:00"))
}

impl fmt::Display for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = DAYS.iter().filter(|(_, day)| self.days.contains(day)).map(|(name, _)| *name).collect();
        if names.len() < DAYS.len() {
            write!(formatter, "{} ", names.join(","))?;
        }
        let (from, to) = (self.from, self.to);
        write!(formatter, "{:02}:{:02}-{:02}:{:02} ", from / 60, from % 60, to / 60, to % 60)?;
        formatter.write_str(self.zone.iana_name().unwrap_or("UTC"))
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
