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
