//! Messages of `google.protobuf` that CEL has values of its own for, or none at all.
//!
//! Source: the CEL specification, *Dynamic Values*, and the comments of `timestamp.proto` and `duration.proto`.

use cel::ExecutionError;
use chrono::{DateTime, FixedOffset, TimeDelta};
use prost_reflect::{DynamicMessage, MessageDescriptor, Value};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum WellKnown {
    Timestamp,
    Duration,
    /// `Int64Value` and its like: read as their value, or as null where they are absent.
    Wrapper,
}

/// Which of them a message is, if it is one.
pub(super) fn of(message: &MessageDescriptor) -> Option<WellKnown> {
    match message.full_name().strip_prefix("google.protobuf.")? {
        "Timestamp" => Some(WellKnown::Timestamp),
        "Duration" => Some(WellKnown::Duration),
        "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value" | "BoolValue"
        | "StringValue" | "BytesValue" => Some(WellKnown::Wrapper),
        _ => None,
    }
}

/// Whether CEL reads the message as what it stands for, which is not done here: it can be copied, not read.
pub(super) fn is_opaque(message: &MessageDescriptor) -> bool {
    matches!(
        message.full_name(),
        "google.protobuf.Any" | "google.protobuf.Struct" | "google.protobuf.Value" | "google.protobuf.ListValue"
    )
}

/// The first and the last second of protobuf's timestamps: 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// The longest duration of protobuf, in seconds: about 10,000 years.
const LONGEST: i64 = 315_576_000_000;
const NANOS: i32 = 1_000_000_000;

/// The value of a `google.protobuf.Timestamp`.
pub(super) fn timestamp(message: &DynamicMessage) -> Result<DateTime<FixedOffset>, ExecutionError> {
    let (seconds, nanos) = parts(message);
    u32::try_from(nanos)
        .ok()
        .filter(|_| nanos < NANOS && SECONDS.contains(&seconds))
        .and_then(|nanos| DateTime::from_timestamp(seconds, nanos))
        .map(|time| time.fixed_offset())
        .ok_or_else(|| ExecutionError::function_error("timestamp", "a timestamp is out of protobuf's range"))
}

/// The value of a `google.protobuf.Duration`.
pub(super) fn duration(message: &DynamicMessage) -> Result<TimeDelta, ExecutionError> {
    let (seconds, nanos) = parts(message);
    let signs_agree = seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0);
    Some(TimeDelta::nanoseconds(i64::from(nanos)))
        .filter(|_| signs_agree && (-LONGEST..=LONGEST).contains(&seconds) && (1 - NANOS..NANOS).contains(&nanos))
        .and_then(|nanos| TimeDelta::try_seconds(seconds)?.checked_add(&nanos))
        .ok_or_else(|| ExecutionError::function_error("duration", "a duration is out of protobuf's range"))
}

/// Field 1, seconds, and field 2, nanoseconds.
fn parts(message: &DynamicMessage) -> (i64, i32) {
    let part = |number| message.get_field_by_number(number);
    let seconds = part(1).and_then(|value| value.as_i64()).unwrap_or_default();
    (seconds, part(2).and_then(|value| value.as_i32()).unwrap_or_default())
}

/// The message of a timestamp; nothing where it is out of protobuf's range.
pub(super) fn timestamp_message(time: &DateTime<FixedOffset>, message: &MessageDescriptor) -> Option<DynamicMessage> {
    // Chrono keeps leap seconds as nanoseconds beyond the second.
    let nanos = i32::try_from(time.timestamp_subsec_nanos()).ok().filter(|nanos| *nanos < NANOS)?;
    let seconds = Some(time.timestamp()).filter(|seconds| SECONDS.contains(seconds))?;
    of_parts(message, seconds, nanos)
}

/// The message of a duration; nothing where it is out of protobuf's range.
pub(super) fn duration_message(duration: TimeDelta, message: &MessageDescriptor) -> Option<DynamicMessage> {
    let seconds = Some(duration.num_seconds()).filter(|seconds| (-LONGEST..=LONGEST).contains(seconds))?;
    of_parts(message, seconds, duration.subsec_nanos())
}

fn of_parts(message: &MessageDescriptor, seconds: i64, nanos: i32) -> Option<DynamicMessage> {
    let mut parts = DynamicMessage::new(message.clone());
    parts.try_set_field_by_name("seconds", Value::I64(seconds)).ok()?;
    parts.try_set_field_by_name("nanos", Value::I32(nanos)).ok()?;
    Some(parts)
}
