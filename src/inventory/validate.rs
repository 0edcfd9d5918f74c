//! The limits that the protos state, checked field by field. An error is `INVALID_ARGUMENT` and names the field.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use tonic::Status;

/// The most that a stock, a quantity or a price may be. Doubles and 64-bit integers both hold it exactly.
pub(crate) const MOST: i64 = 1_000_000_000_000;
/// [`MOST`] as 1.x holds prices.
pub(crate) const MOST_DOLLARS: f64 = 1e12;

/// The most bytes that a request id, derived ones included, may have.
pub(crate) const REQUEST_ID: usize = 128;

/// The error of a field that breaks its limit.
pub(crate) fn invalid(path: &str, why: impl AsRef<str>) -> Status {
    Status::invalid_argument(format!("{path} {}", why.as_ref()))
}

pub(crate) fn sku(path: &str, sku: &str) -> Result<(), Status> {
    bytes(path, sku, 1..=64)?;
    if sku.chars().any(char::is_control) {
        return Err(invalid(path, "must not have control characters"));
    }
    Ok(())
}

pub(crate) fn sku_prefix(prefix: &str) -> Result<(), Status> {
    bytes("sku_prefix", prefix, 0..=64)
}

pub(crate) fn request_id(id: &str) -> Result<(), Status> {
    bytes("request_id", id, 1..=REQUEST_ID)
}

pub(crate) fn reservation_id(id: &str) -> Result<(), Status> {
    bytes("reservation_id", id, 1..=64)
}

pub(crate) fn quantity(quantity: i64) -> Result<(), Status> {
    whole("quantity", quantity, 1..=MOST)
}

pub(crate) fn delta(delta: i64) -> Result<(), Status> {
    if delta == 0 {
        return Err(invalid("delta", "must not be 0"));
    }
    whole("delta", delta, -MOST..=MOST)
}

/// How long to hold stock: what the request says, or 5 minutes.
pub(crate) fn hold_for(asked: Option<prost_types::Duration>) -> Result<Duration, Status> {
    let Some(asked) = asked else { return Ok(Duration::from_secs(5 * 60)) };
    match Duration::try_from(asked) {
        Ok(time) if !time.is_zero() && time <= Duration::from_secs(60 * 60) => Ok(time),
        _ => Err(invalid("hold_for", "must be more than 0 and at most 1 hour")),
    }
}

pub(crate) fn bytes(path: &str, text: &str, limit: RangeInclusive<usize>) -> Result<(), Status> {
    if limit.contains(&text.len()) {
        return Ok(());
    }
    Err(invalid(path, format!("must have {} to {} bytes, not {}", limit.start(), limit.end(), text.len())))
}

pub(crate) fn count(path: &str, count: usize, most: usize) -> Result<(), Status> {
    if count <= most {
        return Ok(());
    }
    Err(invalid(path, format!("must have at most {most} entries, not {count}")))
}

pub(crate) fn whole<T: Copy + PartialOrd + std::fmt::Display>(
    path: &str,
    number: T,
    limit: RangeInclusive<T>,
) -> Result<(), Status> {
    if limit.contains(&number) {
        return Ok(());
    }
    Err(invalid(path, format!("must be {} to {}, not {number}", limit.start(), limit.end())))
}

pub(crate) fn attributes<'a>(entries: impl ExactSizeIterator<Item = (&'a String, &'a String)>) -> Result<(), Status> {
    count("item.attributes", entries.len(), 64)?;
    for (key, value) in entries {
        bytes("item.attributes: a key", key, 1..=64)?;
        bytes(&format!("item.attributes[{key:?}]"), value, 0..=1024)?;
    }
    Ok(())
}

pub(crate) fn tags(tags: &[String]) -> Result<(), Status> {
    count("item.tags", tags.len(), 32)?;
    let mut seen = HashSet::new();
    for (index, tag) in tags.iter().enumerate() {
        let path = format!("item.tags[{index}]");
        bytes(&path, tag, 1..=64)?;
        if !seen.insert(tag) {
            return Err(invalid(&path, format!("repeats {tag:?}")));
        }
    }
    Ok(())
}

pub(crate) fn dollars(path: &str, dollars: f64) -> Result<(), Status> {
    // -0.0 lies within the range, and is no price.
    if (0.0..=MOST_DOLLARS).contains(&dollars) && dollars.is_sign_positive() {
        return Ok(());
    }
    Err(invalid(path, format!("must be 0 to {MOST_DOLLARS} US dollars, not {dollars}")))
}

pub(crate) fn money(path: &str, currency_code: &str, units: i64, nanos: i32) -> Result<(), Status> {
    if currency_code.len() != 3 || !currency_code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(invalid(&format!("{path}.currency_code"), "must be three capital letters"));
    }
    whole(&format!("{path}.units"), units, 0..=MOST)?;
    whole(&format!("{path}.nanos"), nanos, 0..=if units == MOST { 0 } else { 999_999_999 })
}
