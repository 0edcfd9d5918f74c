//! Amounts of money, as integers of billionths.

use std::borrow::Cow;

use super::Unread;
use super::form::NANOSECONDS as BILLION;

/// The amount that a message like `google.type.Money` holds.
///
/// # Errors
/// When it is of another currency than `wanted`, or its parts have two signs.
pub(super) fn read(code: &str, units: i64, nanos: i32, wanted: &str) -> Result<i128, Unread> {
    let refuse = |part, why| Err(Unread::Refused { part: Some(Cow::Borrowed(part)), why });
    let is_zero = units == 0 && nanos == 0;
    if code != wanted && !(is_zero && code.is_empty()) {
        return refuse("currency_code", format!("amounts are in {wanted}, not in {code:?}"));
    }
    let two_signs = units > 0 && nanos < 0 || units < 0 && nanos > 0;
    if two_signs || i128::from(nanos).abs() >= BILLION {
        return refuse("nanos", format!("{units} units and {nanos} nanos are no amount"));
    }
    Ok(i128::from(units) * BILLION + i128::from(nanos))
}

/// `units` and `nanos` of an amount.
///
/// # Errors
/// When it is too large.
pub(super) fn parts(billionths: i128) -> Result<(i64, i32), String> {
    let parts = i64::try_from(billionths / BILLION).ok().zip(i32::try_from(billionths % BILLION).ok());
    parts.ok_or_else(|| format!("{} is too large for an amount", format(billionths)))
}

/// What the fewest digits say that read back as `float`.
///
/// # Errors
/// When they are no amount, or there are too many after the point.
pub(super) fn of_float(float: f64, single: bool) -> Result<i128, String> {
    if !float.is_finite() || float.to_bits() == (-0.0f64).to_bits() {
        return Err(format!("{float} is no amount"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it was read from a `float`")]
    let digits = if single { (float as f32).to_string() } else { float.to_string() };
    parse(&digits)
}

/// The nearest float.
///
/// # Errors
/// When it stands for another amount.
pub(super) fn to_float(billionths: i128, single: bool) -> Result<f64, String> {
    let digits = format(billionths);
    let float = if single { digits.parse::<f32>().map(f64::from) } else { digits.parse() };
    let float = float.map_err(|error| error.to_string())?;
    match of_float(float, single) {
        Ok(again) if again == billionths => Ok(float),
        _ => Err(format!("{digits} has more digits than a floating-point number keeps")),
    }
}

/// Billionths out of decimal text.
///
/// # Errors
/// When it is no decimal number, or has more than nine decimals.
pub(super) fn parse(text: &str) -> Result<i128, String> {
    let fault = || format!("{text:?} is no decimal number");
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(fault()),
        Some(split) => split,
        None => (digits, ""),
    };
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return Err(fault());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 9 {
        return Err(format!("{text} has more than nine decimals"));
    }
    let large = || format!("{text} is too large for an amount");
    // A double has more than three hundred digits at most, an i128 holds fewer than forty.
    let whole: i128 = whole.parse().map_err(|_| large())?;
    let nanos: i128 = format!("{fraction:0<9}").parse().map_err(|_| large())?;
    let billionths = whole.checked_mul(BILLION).and_then(|whole| whole.checked_add(nanos)).ok_or_else(large)?;
    let billionths = if text.starts_with('-') { -billionths } else { billionths };
    parts(billionths).map(|_| billionths)
}

/// Billionths as decimal text.
pub(super) fn format(billionths: i128) -> String {
    let sign = if billionths < 0 { "-" } else { "" };
    let (whole, rest) =
        (billionths.unsigned_abs() / BILLION.unsigned_abs(), billionths.unsigned_abs() % BILLION.unsigned_abs());
    let digits = format!("{sign}{whole}.{rest:09}");
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_the_amounts_that_their_digits_say() {
        let cases: [(f64, bool, Option<i128>); 14] = [
            (0.0, false, Some(0)),
            (0.1, false, Some(100_000_000)),
            (-0.5, false, Some(-500_000_000)),
            (19.99, false, Some(19_990_000_000)),
            (1e-9, false, Some(1)),
            (1e-10, false, None),
            (0.1 + 0.2, false, None),
            (1e18, false, Some(1_000_000_000 * 1_000_000_000_000_000_000)),
            (1e19, false, None),
            (-0.0, false, None),
            (f64::NAN, false, None),
            (f64::INFINITY, false, None),
            (f64::from(0.1f32), true, Some(100_000_000)),
            (f64::from(0.1f32), false, None),
        ];
        for (float, single, expected) in cases {
            assert_eq!(of_float(float, single).ok(), expected, "{float}");
            if let Some(billionths) = expected {
                assert_eq!(to_float(billionths, single).map(f64::to_bits), Ok(float.to_bits()), "{billionths}");
            }
        }
        assert!(to_float(9_007_199_254_740_993 * BILLION, false).is_err(), "2^53 + 1 is no double");
        assert!(to_float(123_456_789_012_345_678, true).is_err());
    }

    #[test]
    fn decimal_texts_are_amounts() {
        let cases = [
            ("12.5", Some(12_500_000_000), Some("12.5")),
            ("-0.000000001", Some(-1), Some("-0.000000001")),
            ("7.10000000000", Some(7_100_000_000), Some("7.1")),
            ("007", Some(7_000_000_000), Some("7")),
            ("-3", Some(-3_000_000_000), Some("-3")),
            ("0", Some(0), Some("0")),
            ("0.0000000001", None, None),
            ("", None, None),
            ("-", None, None),
            (".5", None, None),
            ("5.", None, None),
            ("+5", None, None),
            ("1e3", None, None),
            ("1.2.3", None, None),
            ("99999999999999999999", None, None),
        ];
        for (text, expected, again) in cases {
            assert_eq!(parse(text).ok(), expected, "{text}");
            assert_eq!(expected.map(format).as_deref(), again, "{text}");
        }
    }

    #[test]
    fn messages_are_amounts_of_one_currency_and_one_sign() {
        assert_eq!(read("USD", -1, -500_000_000, "USD"), Ok(-1_500_000_000));
        assert_eq!(read("", 0, 0, "USD"), Ok(0));
        for (code, units, nanos, refused) in [
            ("EUR", 1, 0, "currency_code"),
            ("EUR", 0, 0, "currency_code"),
            ("", 1, 0, "currency_code"),
            ("USD", 1, -1, "nanos"),
            ("USD", -1, 1, "nanos"),
            ("USD", 0, 1_000_000_000, "nanos"),
            ("USD", 0, i32::MIN, "nanos"),
        ] {
            let Err(Unread::Refused { part, .. }) = read(code, units, nanos, "USD") else {
                panic!("{code} {units} {nanos}")
            };
            assert_eq!(part.as_deref(), Some(refused));
        }
        assert_eq!(parts(-1_500_000_000), Ok((-1, -500_000_000)));
        assert_eq!(parts(i128::from(i64::MAX) * BILLION), Ok((i64::MAX, 0)));
        assert!(parts((i128::from(i64::MAX) + 1) * BILLION).is_err());
    }
}
