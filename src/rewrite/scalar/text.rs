//! Scalars as text.

use std::str::FromStr;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost_types::Timestamp;

use super::form::NANOSECONDS;
use crate::protocol::plan::Encoding;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT.with_encode_padding(false));

/// Bytes as text.
pub(super) fn encode(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Base64 => BASE64.encode(bytes),
        Encoding::Base64Url => BASE64_URL.encode(bytes),
        Encoding::Hex => {
            let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
            bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
        }
    }
}

/// Text as bytes.
pub(super) fn decode(encoding: Encoding, text: &str) -> Result<Vec<u8>, String> {
    let decoded = match encoding {
        Encoding::Base64 => BASE64.decode(text).ok(),
        Encoding::Base64Url => BASE64_URL.decode(text).ok(),
        Encoding::Hex => hex(text.as_bytes()),
    };
    decoded.ok_or_else(|| match encoding {
        Encoding::Base64 => "the text is no base64".to_owned(),
        Encoding::Base64Url => "the text is no base64url".to_owned(),
        Encoding::Hex => "the text is no hexadecimal".to_owned(),
    })
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect::<Option<_>>();
    if rest.is_empty() { bytes } else { None }
}

/// An optional `-`, digits, nothing else.
pub(super) fn parse_integer(text: &str) -> Result<i128, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let integer = if is_integer { i128::from_str(text).ok() } else { None };
    integer.ok_or_else(|| "the text is no decimal integer".to_owned())
}

/// A number as the JSON mapping of protobuf writes it, its names for what is no number included; to the nearest `float`
/// if it is `single`.
pub(super) fn parse_float(text: &str, single: bool) -> Result<f64, String> {
    match text {
        "NaN" => return Ok(f64::NAN),
        "Infinity" => return Ok(f64::INFINITY),
        "-Infinity" => return Ok(f64::NEG_INFINITY),
        _ => {}
    }
    let float = match single {
        _ if !is_json_number(text) => None,
        // By way of a `double` it would be rounded twice.
        true => f32::from_str(text).ok().map(f64::from),
        false => f64::from_str(text).ok(),
    };
    float.filter(|float| float.is_finite()).ok_or_else(|| "the text is no decimal number".to_owned())
}

/// The grammar of numbers in RFC 8259, section 6. Rust reads more than that.
fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

/// The shortest text that reads back as the same number; whole numbers have no fraction.
pub(super) fn format_float(float: f64, single: bool) -> String {
    if float.is_nan() {
        return "NaN".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    #[expect(clippy::cast_possible_truncation, reason = "it comes from a `float`")]
    let single = single.then_some(float as f32);
    let text = single.map_or_else(|| format!("{float:?}"), |single| format!("{single:?}"));
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// RFC 3339 to nanoseconds since 1970.
pub(super) fn parse_time(text: &str) -> Result<i128, String> {
    let time = if is_rfc3339(text.as_bytes()) { Timestamp::from_str(text).ok() } else { None };
    let time = time.ok_or_else(|| "the text is no time as in RFC 3339".to_owned())?;
    Ok(i128::from(time.seconds) * NANOSECONDS + i128::from(time.nanos))
}

/// The parser takes more: dates alone, blanks, years of any length, and leap seconds, which no timestamp has.
fn is_rfc3339(text: &[u8]) -> bool {
    let matches = |text: &[u8], shape: &[u8]| {
        text.len() == shape.len()
            && text.iter().zip(shape).all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                shape => byte.eq_ignore_ascii_case(shape),
            })
    };
    let Some((time, rest)) = text.split_at_checked(19) else { return false };
    let zone = match rest.split_first() {
        Some((b'.', fraction)) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return false;
            }
            &fraction[digits..]
        }
        _ => rest,
    };
    matches(time, b"0000-00-00T00:00:00")
        && &time[17..] != b"60"
        && [&b"Z"[..], b"+00:00", b"-00:00"].iter().any(|shape| matches(zone, shape))
}

/// Nanoseconds since 1970 to RFC 3339, in UTC.
pub(super) fn format_time(nanoseconds: i128) -> Result<String, String> {
    let (seconds, nanos) = super::form::timestamp(nanoseconds)?;
    Ok(Timestamp { seconds, nanos }.to_string())
}
