//! Deadlines of calls (gRPC over HTTP/2, *Requests*: `grpc-timeout`).

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that says how much time a call has left.
pub(crate) static TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The most digits that the specification allows.
const DIGITS: u32 = 8;

/// How much time the caller gives; `None` for any amount, or for one that cannot be read, which gRPC servers ignore.
pub(crate) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(&TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > DIGITS as usize || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 60 * 60),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

/// The header's value for `left`, in the finest unit that has room for it.
pub(crate) fn header(left: Duration) -> HeaderValue {
    const LIMIT: u128 = 10_u128.pow(DIGITS);
    let units =
        [(left.as_nanos(), 'n'), (left.as_micros(), 'u'), (left.as_millis(), 'm'), (left.as_secs().into(), 'S')];
    let (amount, unit) = units.into_iter().find(|(amount, _)| *amount < LIMIT).unwrap_or((LIMIT - 1, 'S'));
    // Digits and a letter are a valid value.
    HeaderValue::try_from(format!("{amount}{unit}")).unwrap_or_else(|_| HeaderValue::from_static("0n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for left in
            [Duration::ZERO, Duration::from_nanos(17), Duration::from_millis(1_500), Duration::from_secs(86_400)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(TIMEOUT.clone(), header(left));
            assert_eq!(timeout(&headers), Some(left));
        }
    }

    #[test]
    fn what_is_not_a_timeout_is_ignored() {
        for text in ["", "S", "1", "-1S", "123456789S", "1.5S", "1X", "é"] {
            let mut headers = HeaderMap::new();
            headers.insert(TIMEOUT.clone(), HeaderValue::from_bytes(text.as_bytes()).unwrap());
            assert_eq!(timeout(&headers), None, "{text:?}");
        }
    }
}
