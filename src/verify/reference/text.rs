//! Scalars as text.
#![allow(
    clippy::cast_possible_truncation,
    clippy::format_collect,
    reason = "bytes of a varint, and lengths that were looked at before"
)]

use crate::protocol::plan::Encoding;
use prost_types::Timestamp;

const NANOSECONDS: i128 = 1_000_000_000;
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn encode(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Base64 => {
            let text = encode_base64(STANDARD, bytes);
            let padding = "=".repeat((4 - text.len() % 4) % 4);
            text + &padding
        }
        Encoding::Base64Url => encode_base64(URL, bytes),
        Encoding::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

pub(super) fn decode(encoding: Encoding, text: &str) -> Result<Vec<u8>, String> {
    match encoding {
        Encoding::Base64 => decode_base64(STANDARD, text),
        Encoding::Base64Url => decode_base64(URL, text),
        Encoding::Hex => decode_hex(text),
    }
}

/// All bits in a row, six a letter, filled up with zeros.
fn encode_base64(alphabet: &[u8; 64], bytes: &[u8]) -> String {
    let mut bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    while !bits.len().is_multiple_of(6) {
        bits.push(0);
    }
    bits.chunks(6)
        .map(|six| alphabet[six.iter().fold(0, |number, bit| number << 1 | usize::from(*bit))] as char)
        .collect()
}

fn decode_base64(alphabet: &[u8; 64], text: &str) -> Result<Vec<u8>, String> {
    let letters = text.trim_end_matches('=');
    let padding = text.len() - letters.len();
    if letters.len() % 4 == 1 || (padding > 0 && padding != (4 - letters.len() % 4) % 4) {
        return Err("has a length that base64 cannot have".to_owned());
    }
    let mut bits = Vec::new();
    for letter in letters.bytes() {
        let number = alphabet.iter().position(|known| *known == letter).ok_or("holds what is no letter of base64")?;
        bits.extend((0..6).rev().map(|bit| (number >> bit & 1) as u8));
    }
    let whole = bits.len() / 8 * 8;
    if bits[whole..].contains(&1) {
        return Err("has bits behind its end".to_owned());
    }
    Ok(bits[..whole].chunks(8).map(|eight| eight.iter().fold(0, |number, bit| number << 1 | bit)).collect())
}

fn decode_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.ok_or("holds what is no hexadecimal digit")?;
    if digits.len() % 2 == 1 {
        return Err("has an odd number of digits".to_owned());
    }
    Ok(digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits")).collect())
}

/// An optional `-`, digits, nothing else.
pub(super) fn parse_integer(text: &str) -> Result<i128, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err("is no decimal integer".to_owned());
    }
    text.parse().map_err(|_| "is too large".to_owned())
}

/// As JSON writes numbers, or `NaN`, `Infinity`, `-Infinity`.
pub(super) fn parse_double(text: &str) -> Result<f64, String> {
    let value: f64 = decimal(text)?.parse().map_err(|_| "is no decimal number")?;
    if value.is_finite() || is_special(text) { Ok(value) } else { Err("is too large".to_owned()) }
}

/// The same, to the nearest `float`.
pub(super) fn parse_single(text: &str) -> Result<f32, String> {
    let value: f32 = decimal(text)?.parse().map_err(|_| "is no decimal number")?;
    if value.is_finite() || is_special(text) { Ok(value) } else { Err("is too large".to_owned()) }
}

fn is_special(text: &str) -> bool {
    ["NaN", "Infinity", "-Infinity"].contains(&text)
}

/// The text, if JSON writes a number so.
fn decimal(text: &str) -> Result<&str, String> {
    let is_json = serde_json::from_str::<serde_json::Number>(text).is_ok();
    // JSON may stand between blanks; a scalar may not.
    let fits = is_special(text) || (is_json && text.trim() == text);
    fits.then_some(text).ok_or_else(|| "is no decimal number".to_owned())
}

/// Shortest that reads back as the same, and whole numbers without a fraction.
pub(super) fn format_double(value: f64) -> String {
    special(value).map_or_else(|| without_fraction(&format!("{value:?}")), str::to_owned)
}

pub(super) fn format_single(value: f32) -> String {
    special(f64::from(value)).map_or_else(|| without_fraction(&format!("{value:?}")), str::to_owned)
}

fn without_fraction(text: &str) -> String {
    text.strip_suffix(".0").unwrap_or(text).to_owned()
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value == f64::INFINITY {
        Some("Infinity")
    } else if value == f64::NEG_INFINITY {
        Some("-Infinity")
    } else {
        None
    }
}

/// RFC 3339, and nothing of what else the parser takes.
pub(super) fn parse_time(text: &str) -> Result<i128, String> {
    if !is_rfc3339(text) {
        return Err("is no time of RFC 3339".to_owned());
    }
    let time: Timestamp = text.parse().map_err(|error| format!("is no time of RFC 3339: {error}"))?;
    Ok(i128::from(time.seconds) * NANOSECONDS + i128::from(time.nanos))
}

/// `2006-01-02T15:04:05`, an optional fraction of up to nine digits, `Z` or an offset.
fn is_rfc3339(text: &str) -> bool {
    let shape: String = text.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    let shape = shape.to_ascii_uppercase();
    let Some(rest) = shape.strip_prefix("0000-00-00T00:00:00") else { return false };
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches('0');
            if !(1..=9).contains(&(fraction.len() - zone.len())) {
                return false;
            }
            zone
        }
        None => rest,
    };
    // A leap second has no place in a timestamp.
    ["Z", "+00:00", "-00:00"].contains(&rest) && &text[17..19] != "60"
}

pub(super) fn format_time(nanoseconds: i128) -> Result<String, String> {
    let seconds = nanoseconds.div_euclid(NANOSECONDS);
    if !super::scalar::TIMES.contains(&seconds) {
        return Err("is out of the years that RFC 3339 has".to_owned());
    }
    let time = Timestamp {
        seconds: i64::try_from(seconds).expect("within the range"),
        nanos: i32::try_from(nanoseconds.rem_euclid(NANOSECONDS)).expect("below a second"),
    };
    Ok(time.to_string())
}

/// A decimal number of which no more than nine decimals say something, as billionths that 64 bits hold the whole ones of.
pub(super) fn parse_billionths(text: &str) -> Result<i128, String> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let only_digits = |part: &str| !part.is_empty() && part.chars().all(|one| one.is_ascii_digit());
    if !only_digits(whole) || !only_digits(decimals) {
        return Err("is no decimal number".to_owned());
    }
    let (kept, cut) = decimals.split_at(decimals.len().min(9));
    if cut.chars().any(|digit| digit != '0') {
        return Err("has more than nine decimals".to_owned());
    }
    let padded = format!("{whole}{kept}{}", "0".repeat(9 - kept.len()));
    let amount = padded.parse::<i128>().map_err(|_| "is too large")? * sign;
    i64::try_from(amount / 1_000_000_000).map(|_| amount).map_err(|_| "is too large".to_owned())
}

/// Without zeros at the end of the decimals, and without a point where there are none.
pub(super) fn format_billionths(amount: i128) -> String {
    let digits = format!("{:010}", amount.abs());
    let (whole, decimals) = digits.split_at(digits.len() - 9);
    let decimals = decimals.trim_end_matches('0');
    let (sign, point) = (if amount < 0 { "-" } else { "" }, if decimals.is_empty() { "" } else { "." });
    format!("{sign}{whole}{point}{decimals}")
}
