//! Parts of plans in words.

use crate::expression::Expression;
use crate::protocol::plan::{Beyond, Change, Condition, Conversion, Encoding, Made, Rounding, Use, ValueConversion};

pub(super) fn used(used: Use) -> &'static str {
    match used {
        Use::Request => "requests",
        Use::Response => "responses",
        Use::Stored => "stored data",
    }
}

pub(super) fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Always => "may go".to_owned(),
        Condition::Empty => "may go where it says nothing".to_owned(),
        Condition::Is(_) => "may go where it holds this".to_owned(),
        Condition::Holds(expression) => format!("may go when {}", expression.text()),
    }
}

pub(super) fn conversion(conversion: &Conversion, when: Option<&Expression>) -> String {
    let how = match conversion {
        Conversion::One(value) => one(value),
        Conversion::Each(value) => each(value),
        Conversion::IntoList(value) => joined("the only element of a list", value),
        Conversion::FromList { value, beyond: Beyond::Refuse } => joined("the only element of the list", value),
        Conversion::FromList { value, beyond: Beyond::First } => joined("the first of the list", value),
        Conversion::FromList { value, beyond: Beyond::Last } => joined("the last of the list", value),
        Conversion::Map { key, value } => match (each(key).as_str(), each(value).as_str()) {
            ("as it is", "as it is") => "as it is".to_owned(),
            (key, value) => format!("keys {key}, values {value}"),
        },
        Conversion::MapToList { .. } => "each entry becomes a message".to_owned(),
        Conversion::ListToMap { .. } => "each message becomes an entry".to_owned(),
        Conversion::Mask { target, .. } => format!("its paths follow the fields of {target}"),
    };
    match when {
        Some(when) => format!("{how}, when {}", when.text()),
        None => how,
    }
}

fn joined(what: &str, value: &ValueConversion) -> String {
    match value {
        ValueConversion::Copy => what.to_owned(),
        value => format!("{what}, {}", one(value)),
    }
}

fn each(value: &ValueConversion) -> String {
    match value {
        ValueConversion::Copy => "as it is".to_owned(),
        value => format!("each {}", one(value)),
    }
}

fn one(value: &ValueConversion) -> String {
    match value {
        ValueConversion::Copy => "as it is".to_owned(),
        ValueConversion::Message { target, .. } => format!("as {target}"),
        ValueConversion::Through { messages, .. } => format!("as {}", messages.join(", then ")),
        ValueConversion::Any => "its content by the rules of its type".to_owned(),
        ValueConversion::Scalar(scalar) => {
            let changes: Vec<String> = scalar.changes.iter().filter_map(change).collect();
            if changes.is_empty() { "in another type".to_owned() } else { changes.join(", ") }
        }
    }
}

/// What is worth telling of a change; none where it only holds the value against the other type's range.
fn change(change: &Change) -> Option<String> {
    Some(match change {
        Change::Fit(_)
        | Change::Within { .. }
        | Change::Settle
        | Change::NotZero
        | Change::IntegerToFloat
        | Change::ToSingle => {
            return None;
        }
        Change::Scale { numerator, denominator: 1, .. } => format!("× {numerator}"),
        Change::Scale { numerator, denominator, rounding } => {
            format!("× {numerator}/{denominator}, {}", rounded(*rounding))
        }
        Change::Table(_) => "by its table of values".to_owned(),
        Change::FloatToInteger(rounding) => format!("to an integer, {}", rounded(*rounding)),
        Change::Utf8 | Change::AsBytes => "as UTF-8".to_owned(),
        Change::Encode(encoding) => format!("written in {}", name(*encoding)),
        Change::Decode(encoding) => format!("read from {}", name(*encoding)),
        Change::ParseInteger | Change::ParseFloat { .. } | Change::ParseBillionths => {
            "read from decimal text".to_owned()
        }
        Change::FormatInteger | Change::FormatFloat { .. } | Change::FormatBillionths => {
            "written in decimal text".to_owned()
        }
        Change::ParseTime => "read from RFC 3339".to_owned(),
        Change::FormatTime => "written in RFC 3339".to_owned(),
        Change::FloatToBillionths { .. } => "by its shortest decimal digits".to_owned(),
        Change::BillionthsToFloat { .. } => "as the number of these decimal digits".to_owned(),
    })
}

fn rounded(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::Refuse => "a remainder is refused",
        Rounding::Floor => "rounded down",
        Rounding::Ceiling => "rounded up",
        Rounding::Nearest => "rounded to the nearest",
        Rounding::Zero => "rounded towards zero",
    }
}

fn name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Base64 => "base64",
        Encoding::Base64Url => "base64url",
        Encoding::Hex => "hex",
    }
}

pub(super) fn made(made: &Made) -> String {
    match made {
        Made::Constant { .. } => "a constant".to_owned(),
        Made::Expression(expression) => expression.text().to_owned(),
        Made::Join { separator, .. } => format!("joined by {separator:?}"),
        Made::Split { separator, part, parts, .. } => {
            format!("part {} of {parts}, split at {separator:?}", part + 1)
        }
    }
}
