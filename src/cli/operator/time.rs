//! Times and durations, as people and scripts read them.

use std::time::Duration;

use jiff::Timestamp;

/// Microseconds since 1970 as RFC 3339 has them, in UTC, to the second; nothing for 0.
pub(in crate::cli) fn at(micros: u64) -> String {
    let timestamp = i64::try_from(micros)
        .ok()
        .filter(|micros| *micros > 0)
        .and_then(|micros| Timestamp::from_microsecond(micros).ok());
    timestamp.map_or_else(String::new, |timestamp| timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The same with all that is known, for scripts; nothing for 0.
pub(in crate::cli) fn exact(micros: u64) -> Option<String> {
    let micros = i64::try_from(micros).ok().filter(|micros| *micros > 0)?;
    Timestamp::from_microsecond(micros).ok().map(|timestamp| timestamp.to_string())
}

/// A time in seconds since 1970, as people read it.
pub(in crate::cli) fn at_second(seconds: u64) -> String {
    second(seconds).map_or_else(|| format!("{seconds} s after 1970"), |timestamp| timestamp.to_string())
}

/// The same for scripts; nothing for 0.
pub(in crate::cli) fn exact_second(seconds: u64) -> Option<String> {
    second(seconds).filter(|_| seconds > 0).map(|timestamp| timestamp.to_string())
}

fn second(seconds: u64) -> Option<Timestamp> {
    i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok())
}

/// How long ago, roughly.
pub(in crate::cli) fn ago(micros: u64) -> String {
    match Duration::from_micros(micros).as_secs() {
        0 => "just now".to_owned(),
        seconds @ 1..=119 => format!("{seconds} s ago"),
        seconds @ 120..=7199 => format!("{} min ago", seconds / 60),
        seconds @ 7200..=172_799 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_others_write_it() {
        assert_eq!(at(1_763_000_000_123_456), "2025-11-13T02:13:20Z");
        assert_eq!(exact(1_763_000_000_123_456).unwrap(), "2025-11-13T02:13:20.123456Z");
        assert_eq!((at(0), exact(0), at(u64::MAX)), (String::new(), None, String::new()));
        assert_eq!(at_second(1_763_000_000), at(1_763_000_000_123_456));
        assert_eq!((at_second(0), exact_second(0)), ("1970-01-01T00:00:00Z".to_owned(), None));
        assert_eq!((at_second(u64::MAX), exact_second(u64::MAX)), (format!("{} s after 1970", u64::MAX), None));
    }

    #[test]
    fn how_long_ago_is_told_in_the_unit_that_fits() {
        for (seconds, told) in
            [(0, "just now"), (90, "90 s ago"), (600, "10 min ago"), (8000, "2 h ago"), (200_000, "2 days ago")]
        {
            assert_eq!(ago(seconds * 1_000_000), told);
        }
    }
}
