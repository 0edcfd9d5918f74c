//! `grpc-timeout` (gRPC over HTTP/2, *Timeout*): at most eight digits and a unit.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

pub(super) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

const DIGITS: usize = 8;

/// What a `grpc-timeout` says; `None` when it is malformed.
pub(super) fn parse(value: &HeaderValue) -> Option<Duration> {
    let (unit, digits) = value.as_bytes().split_last()?;
    if digits.is_empty() || digits.len() > DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    Some(match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

/// Writes a timeout in the finest unit that holds it. What is cut off makes it shorter, so that the node never waits
/// longer than its caller.
pub(super) fn format(timeout: Duration) -> HeaderValue {
    let units = [
        ('n', timeout.as_nanos()),
        ('u', timeout.as_micros()),
        ('m', timeout.as_millis()),
        ('S', u128::from(timeout.as_secs())),
        ('M', u128::from(timeout.as_secs() / 60)),
        ('H', u128::from(timeout.as_secs() / 3600)),
    ];
    let fits = units.into_iter().find(|(_, number)| *number < 10_u128.pow(8));
    let text = fits.map_or_else(|| "99999999H".to_owned(), |(unit, number)| format!("{number}{unit}"));
    // Digits and a letter are always a valid value.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("0n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read() {
        for (text, timeout) in [
            ("2H", Duration::from_secs(7200)),
            ("3M", Duration::from_secs(180)),
            ("4S", Duration::from_secs(4)),
            ("5m", Duration::from_millis(5)),
            ("6u", Duration::from_micros(6)),
            ("99999999n", Duration::from_nanos(99_999_999)),
        ] {
            assert_eq!(parse(&HeaderValue::from_static(text)), Some(timeout), "{text}");
        }
    }

    #[test]
    fn what_the_specification_does_not_allow_is_malformed() {
        for text in ["", "S", "1", "1s", "-1S", "1.5S", "123456789n", "1 S"] {
            assert_eq!(parse(&HeaderValue::from_static(text)), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_never_longer() {
        let units = [1, 99_999_999, 100_000_000, 123_456_789_012, 7_200_000_000_001, u64::MAX];
        for timeout in units.into_iter().map(Duration::from_nanos).chain([Duration::ZERO, Duration::MAX]) {
            let read = parse(&format(timeout)).expect("what was written");
            assert!(read <= timeout, "{read:?} for {timeout:?}");
            assert!(read >= timeout.min(Duration::from_secs(99_999_999 * 3600)).mul_f64(0.999_9), "{timeout:?}");
        }
    }
}
